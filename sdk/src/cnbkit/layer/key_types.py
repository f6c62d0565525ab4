"""What a field of a layer's key may be: what comes back from the layer's metadata unchanged.

Told when the class is made, as far as the annotation says it, and else when a key is made.
`typing` is not asked: a class stands in a module that detect imports as well.
"""

from __future__ import annotations

import sys

from cnbkit.blame import calling_line
from cnbkit.errors import BuildpackFault
from cnbkit.spec.model import Model

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["check_annotation", "check_value"]

# In either case of letters: `typing.List` is not a mistake.
_FINE = (
    *("str", "int", "float", "bool", "none", "list", "dict", "tuple", "set", "frozenset", "any"),
    *("optional", "union", "literal", "sequence", "mapping", "collection", "abstractset", "final"),
    *("path", "purepath", "posixpath", "pathlike", "typing", "collections", "abc", "pathlib", "os"),
    *("annotated", "strenum", "intenum", "typealias"),
)
_NEVER = (
    *("bytes", "bytearray", "complex", "object", "callable", "type", "range", "memoryview"),
    *("datetime", "date", "time", "timedelta", "decimal", "fraction", "iterator", "generator"),
)
_ALLOWED = (
    "a field is text, a number, a flag, a path, an enum's member, a LayerKey or Model, None, or "
    "a list, tuple, set or table (of names) of these"
)


def check_annotation(cls: type, name: str, annotation: object) -> None:
    """Check what is declared.

    Raises:
        BuildpackFault: no such value can be in a layer's metadata.
    """
    text = annotation if isinstance(annotation, str) else _text(annotation)
    if "'" in text or '"' in text:
        return  # words of a Literal: the values tell
    for sign in "[],|()":
        text = text.replace(sign, " ")
    for word in text.split():
        last = word.rpartition(".")[2]
        if last.lower() in _FINE:
            continue
        found = _named(cls, word)
        if last in _NEVER or (last.lower() in _NEVER and found is None) or _unfit(found):
            raise BuildpackFault(
                f"{cls.__name__}.{name} is a {word}, which a layer's metadata cannot hold",
                where=calling_line() or None,
                remedy=_remedy(found),
            )


def _text(annotation: object) -> str:
    return annotation.__name__ if isinstance(annotation, type) else str(annotation)


def _named(cls: type, word: str) -> object:
    """What the author's module has by that name so far; None if that cannot be known."""
    first, *rest = word.split(".")
    found = vars(sys.modules.get(cls.__module__, sys)).get(first)
    for step in rest:
        found = getattr(found, step, None)
    return found


def _unfit(found: object) -> bool:
    if not isinstance(found, type) or issubclass(found, Model):
        return False
    fitting = hasattr(found, "__members__") or hasattr(found, "__fspath__")
    return not fitting and not issubclass(found, (str, int, float, list, dict, tuple, set))


def _remedy(found: object) -> str:
    if isinstance(found, type) and hasattr(found, "__dataclass_fields__"):
        return f"derive {found.__name__} from cnbkit.Model in place of a dataclass"
    return f"{_ALLOWED}; for others give their text"


def check_value(cls: type, name: str, value: Any) -> None:
    """Check what a field is given.

    Raises:
        BuildpackFault: it cannot be in a layer's metadata.
    """
    wrong = _wrong(value)
    if wrong:
        raise BuildpackFault(
            f"{cls.__name__}.{name} {wrong}",
            where=calling_line() or None,
            remedy=_remedy(type(value)),
        )


def _wrong(value: Any) -> str:
    if value is None or isinstance(value, str | int | float | Model):
        return ""
    if hasattr(value, "__fspath__") or hasattr(type(value), "__members__"):
        return ""
    if isinstance(value, dict):
        for key, each in value.items():
            if not isinstance(key, str):
                return f"has the key {key!r} in a table, where only text can be"
            if wrong := _wrong(each):
                return wrong
        return ""
    if isinstance(value, list | tuple | set | frozenset):
        for each in value:
            if each is None:
                return "has None in a list, which TOML has not"
            if wrong := _wrong(each):
                return wrong
        return ""
    return f"is {value!r}, a {type(value).__name__}, which a layer's metadata cannot hold"
