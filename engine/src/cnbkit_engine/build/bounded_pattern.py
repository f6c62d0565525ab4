"""Regular expressions of an app, matched in bounded time.

Python's `re` goes back and tries again, which takes the length of the text to the power of the
stars in an expression; Go's, by which Docker and pack match, takes all ways at once. So does this,
where `re` could take long. Both are made of one tree, and say the same.
"""

from __future__ import annotations

import importlib
import re
import warnings
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["BoundedPattern"]

# The tree that `re` itself is made of; its types are written down nowhere.
op: Any = importlib.import_module("re._constants")
_parser: Any = importlib.import_module("re._parser")

# Steps of `re`, at worst: a tenth of a second.
_STEPS = 2_000_000
# Of an expression as a machine; Go refuses such, too.
_STATES = 10_000
_KNOWN = 5_000
_CATEGORIES = {
    op.CATEGORY_DIGIT: r"\d",
    op.CATEGORY_NOT_DIGIT: r"\D",
    op.CATEGORY_SPACE: r"\s",
    op.CATEGORY_NOT_SPACE: r"\S",
    op.CATEGORY_WORD: r"\w",
    op.CATEGORY_NOT_WORD: r"\W",
}
_PLACES = {
    op.AT_BEGINNING: "start",
    op.AT_BEGINNING_STRING: "start",
    op.AT_END: "end",
    op.AT_END_STRING: "end",
    op.AT_BOUNDARY: "word",
    op.AT_NON_BOUNDARY: "no word",
}
_WORD = re.compile(r"\w")


class BoundedPattern:
    """An expression that is looked for in texts.

    Args:
        expression: as of `re`.
        whole: whether it has to match all of a text.
        steps: how many `re` may take, at worst.

    Raises:
        ValueError: it is none, or has what Go's expressions have not: what looks ahead or back.
    """

    def __init__(self, expression: str, *, whole: bool = False, steps: int = _STEPS) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what Python may read otherwise one day
            try:
                compiled = re.compile(expression)
                tree = _parser.parse(expression)
            except (re.error, OverflowError, RecursionError) as error:
                raise ValueError(str(error)) from None
        self._fast = compiled.fullmatch if whole else compiled.search
        self._whole = whole
        self._steps = steps
        self._power = _power(tree)
        # state → what leads on, and where to: a test of one character, a place, or None for always
        self._ways: list[list[tuple[Any, int]]] = [[]]
        self._last = self._add(tree, 0)
        # What a character leads to, as far as it was asked.
        self._known: dict[frozenset[int], dict[str, tuple[bool, frozenset[int]]]] = {}

    def matches(self, text: str) -> bool:
        """Whether it matches a text, or something in it."""
        if max(len(text), 2) ** self._power <= self._steps:
            return self._fast(text) is not None
        if len(self._known) > _KNOWN:
            self._known.clear()
        before, states = "", frozenset((0,))
        for char in (*text, ""):
            known = self._known.setdefault(states, {})
            found = known.get(before + char) if before and char else None
            if found is None:
                found = self._step(states, before, char)
                if before and char:
                    known[before + char] = found
            done, states = found
            if done and not (char and self._whole):
                return True
            before = char
        return False

    def _step(self, states: frozenset[int], before: str, char: str) -> tuple[bool, frozenset[int]]:
        """Whether the end is reached between two characters, and where the second leads to."""
        closed, left = set(states), [*states]
        while left:
            for test, to in self._ways[left.pop()]:
                if to not in closed and not callable(test) and _holds(test, before, char):
                    closed.add(to)
                    left.append(to)
        ways = (way for at in closed for way in self._ways[at]) if char else ()
        there = {to for test, to in ways if callable(test) and test(char)}
        return self._last in closed, frozenset(there if self._whole else there | {0})

    def _new(self) -> int:
        if len(self._ways) >= _STATES:
            raise ValueError("it is too large")
        self._ways.append([])
        return len(self._ways) - 1

    def _way(self, test: Any, at: int, to: int | None = None) -> int:
        end = self._new() if to is None else to
        self._ways[at].append((test, end))
        return end

    def _add(self, tree: Any, at: int) -> int:
        for kind, value in tree:
            at = self._item(kind, value, at)
        return at

    def _item(self, kind: Any, value: Any, at: int) -> int:
        if kind in (op.LITERAL, op.NOT_LITERAL, op.ANY, op.IN):
            return self._way(_test(kind, value), at)
        if kind is op.AT and value in _PLACES:
            return self._way(_PLACES[value], at)
        if kind is op.SUBPATTERN and not value[1] and not value[2]:
            return self._add(value[3], at)
        if kind is op.BRANCH:
            end = self._new()
            for each in value[1]:
                self._way(None, self._add(each, self._way(None, at)), end)
            return end
        if kind in (op.MAX_REPEAT, op.MIN_REPEAT):
            return self._repeat(at, *value)
        raise ValueError("it has what Go's expressions have not")

    def _repeat(self, at: int, least: int, most: Any, tree: Any) -> int:
        for _ in range(least):
            at = self._add(tree, self._way(None, at))
        if most is op.MAXREPEAT:
            start = self._way(None, at)
            self._way(None, self._add(tree, start), start)
            return self._way(None, start)
        end = self._new()
        self._way(None, at, end)
        for _ in range(least, most):
            at = self._add(tree, self._way(None, at))
            self._way(None, at, end)
        return end


def _holds(place: str | None, before: str, after: str) -> bool:
    """Whether a place is between two characters; one is empty at an end of the text."""
    if place in ("word", "no word"):
        one, other = (bool(_WORD.fullmatch(each)) for each in (before, after))
        return (one != other) == (place == "word")
    return place is None or not (before if place == "start" else after)


def _test(kind: Any, value: Any) -> Callable[[str], bool]:
    """Whether a character is one of those."""
    if kind is op.LITERAL:
        return lambda char: ord(char) == value
    if kind is op.NOT_LITERAL:
        return lambda char: ord(char) != value
    if kind is op.ANY:
        return lambda char: char != "\n"
    parts = list(_parts(value))
    negated = value[0][0] is op.NEGATE
    return lambda char: any(part(char) for part in parts) != negated


def _parts(items: Any) -> Iterator[Callable[[str], bool]]:
    for kind, value in items:
        if kind is op.CATEGORY:
            one = re.compile(_CATEGORIES[value])
            yield lambda char, one=one: one.fullmatch(char) is not None  # type: ignore[misc]
        elif kind is op.RANGE:
            yield lambda char, ends=value: ends[0] <= ord(char) <= ends[1]  # type: ignore[misc]
        elif kind is op.LITERAL:
            yield lambda char, wanted=value: ord(char) == wanted  # type: ignore[misc]


def _power(tree: Any) -> int:
    """How often a text can be divided anew: stars; those in each other more often than any."""
    found = 0
    for kind, value in tree:
        if kind in (op.MAX_REPEAT, op.MIN_REPEAT):
            inner = _power(value[2])
            found += 99 if inner else int(value[1] is op.MAXREPEAT or value[1] > 1)
        elif kind is op.SUBPATTERN:
            found += _power(value[3])
        elif kind is op.AT and value is op.AT_END:
            found += 99  # to `re` also before a line feed at the end, to Go not
        elif kind is op.BRANCH:
            found += sum(map(_power, value[1]))
    return found
