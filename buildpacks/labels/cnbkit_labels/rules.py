"""What may be an image label."""

from __future__ import annotations

__all__ = ["Entry", "check", "key_problem", "value_problem"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    # Key, value, line of the file.
    Entry = tuple[str, str, int]
    # Line of the file, and what is wrong there.
    Problem = tuple[int, str]

_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")
_ALLOWED = _LETTERS | frozenset("._-/")
_RESERVED = "io.buildpacks."

MAX_KEY = 255
MAX_VALUE = 4096
MAX_LABELS = 256


def check(entries: list[Entry], prefix: str) -> tuple[dict[str, str], list[Problem]]:
    """Turn what a file says into labels.

    Args:
        entries: in the file's order.
        prefix: put before each key as it is.

    Returns:
        The labels, and everything that is wrong with them.
    """
    labels: dict[str, str] = {}
    lines: dict[str, int] = {}
    problems: list[Problem] = []
    for written, value, line in entries:
        key = prefix + written
        fault = key_problem(key) or value_problem(key, value)
        if fault:
            problems.append((line, fault))
        elif key in lines:
            problems.append((line, f"{key} is there already, in line {lines[key]}"))
        else:
            lines[key] = line
            labels[key] = value
    if len(entries) > MAX_LABELS:
        line = entries[MAX_LABELS][2]
        problems.append((line, f"{len(entries)} labels; an image gets {MAX_LABELS} at most"))
    return labels, problems


def key_problem(key: str) -> str:
    """What is wrong with a label's key; empty if nothing is."""
    if len(key) > MAX_KEY:
        return f"the key {key[:40]}... has {len(key)} characters; {MAX_KEY} are allowed"
    if key.startswith(_RESERVED):
        return f"{key}: keys beginning with {_RESERVED} are the lifecycle's own"
    wrong = sorted(set(key) - _ALLOWED)
    if wrong:
        shown = " ".join(ascii(char) for char in wrong)
        return f"the key {key!a} may hold letters, digits and . _ - / only; found {shown}"
    if not key or key[0] not in _LETTERS or key[-1] not in _LETTERS or ".." in key:
        return f"the key {key!a} must begin and end with a letter or digit, without `..` in it"
    return ""


def value_problem(key: str, value: str) -> str:
    """What is wrong with a label's value; empty if nothing is."""
    if len(value) > MAX_VALUE:
        return f"{key}: the value has {len(value)} characters; {MAX_VALUE} are allowed"
    # Control characters, and halves of surrogate pairs, which no file can hold.
    if any(
        (char < " " and char not in "\t\n") or char == "\x7f" or "\ud800" <= char <= "\udfff"
        for char in value
    ):
        return f"{key}: the value holds a control character"
    return ""
