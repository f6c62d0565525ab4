"""Requirements written with signs of word processors, of other tools, or of Windows."""

from __future__ import annotations

import re
import unicodedata

__all__ = ["short_address", "signs", "windows_path"]

# Nobody wrote a longer line by hand; the patterns take time that grows with its square.
_LONGEST = 1000
# What word processors, chats and web pages make of a hyphen and of quotation marks.
_TYPOGRAPHIC = {
    **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2212", "-"),
    **dict.fromkeys("\u201c\u201d\u201e\u00ab\u00bb", '"'),
    **dict.fromkeys("\u2018\u2019\u201a", "'"),
    "\u2264": "<=",
    "\u2265": ">=",
    "\u2260": "!=",
    "\uff1d": "=",
}
_NAME = r"(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*(?:\[[^\]]*\])?)"
_CARET = re.compile(rf"{_NAME}\s*(?:==)?\^\s*v?(?P<version>\d+(?:\.\d+)*)")
_NEWEST = re.compile(rf"{_NAME}\s*(?:==|@|=)\s*latest", re.IGNORECASE)
_COMMENT = re.compile(rf"(?P<before>{_NAME}\s*[=<>!~][^#@\s]*)#(?P<said>.*)")
# `git@host:team/repo`, as git and its hosts show it; `ssh://` wants a slash for the colon.
_SHORT = re.compile(
    r"(?P<before>.*?)(?:git\+)?(?:ssh://)?(?P<user>[\w.-]+)@(?P<host>[\w.-]+\.[a-z]+):"
    r"(?!\d+/)(?P<path>[\w./~-]+?)(?P<rest>@\S+|#\S+|\s.*)?"
)
_WINDOWS = re.compile(r"(?:^|[\s@])(?P<path>\.{0,2}\\?[\w.-]+(?:\\[\w.-]+)+|\.{1,2}\\[\w.-]+)")


def signs(text: str) -> tuple[str, str] | None:
    """What is wrong with the signs of a line, and what to write; None if nothing is."""
    if len(text) > _LONGEST:
        return None
    invisible = [each for each in text if unicodedata.category(each) in ("Cf", "Cc")]
    plain = "".join(each for each in text if each not in invisible).strip()
    written = "".join(_TYPOGRAPHIC.get(each, each) for each in plain)
    if invisible:
        return f"there is an invisible sign (U+{ord(invisible[0]):04X})", f"write {written}"
    if written != plain:
        first = next(each for each in plain if each in _TYPOGRAPHIC)
        # A dash that only looks like one belongs to no name.
        written = re.sub(r"-(?=[=<>!~])", "", written)
        return f"{first} is a sign of printed text", f"write {written}"
    if found := _CARET.fullmatch(text.partition(";")[0].strip()):
        version = found["version"]
        bounds = f">={version},<{_after(version)}"
        return "^ is a sign of Poetry and npm", f"write {found['name']}{bounds}"
    if found := _NEWEST.fullmatch(text):
        return "`latest` is not a version", f"write {found['name']}, which is the newest"
    if found := _COMMENT.fullmatch(text):
        said = found["said"].strip()
        return (
            "a comment begins after a space",
            f"write {found['before']}{f'  # {said}' if said else ''}",
        )
    return None


def short_address(text: str) -> tuple[str, str] | None:
    """A repository by git's own short form of an address, which no resolver reads."""
    short = len(text) <= _LONGEST
    found = _SHORT.fullmatch(text.removeprefix("-e ").strip()) if short else None
    if not found or not (".git" in text or "git+" in text or found["user"] == "git"):
        return None
    path = found["path"].removesuffix(".git")
    address = f"{found['before']}git+https://{found['host']}/{path}.git{found['rest'] or ''}"
    return "this is git's short form of an address", f"write {address}"


def windows_path(text: str) -> tuple[str, str] | None:
    """A path with Windows's separators."""
    found = _WINDOWS.search(text) if "\\" in text else None
    if not found:
        return None
    path = found["path"].replace("\\", "/")
    path = path if path.startswith(".") else f"./{path.lstrip('/')}"
    return f"{found['path']} is a path as Windows writes it", f"write {path}"


def _after(version: str) -> str:
    """The first version that `^` leaves out: one more in the first part that is not zero."""
    parts = [int(each) for each in version.split(".")]
    at = next((number for number, each in enumerate(parts) if each), len(parts) - 1)
    return ".".join(str(each) for each in [*parts[:at], parts[at] + 1])
