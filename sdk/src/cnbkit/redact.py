"""Secrets of one phase, and text without them.

One object for everything that leaves the process: what a tool prints, what a fault says and
what a traceback shows go by different ways, and none may show a password.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import TextIO

__all__ = ["SHOWN", "Redacting", "Secrets"]

SHOWN = "[redacted]"
# Shorter ones would tear holes into words; nobody can guess less than that anyway.
_MIN = 4
# A netrc may have `machine` and `login` on lines of their own.
_MIN_LINE = 8
_WORDS = ("password", "passwd", "token", "secret", "api_key", "apikey", "_auth")


class Secrets:
    """What must not be shown. A phase makes one and hands it to all that print."""

    __slots__ = ("_known",)

    def __init__(self) -> None:
        self._known: set[str] = set()

    def hide(self, secret: str) -> None:
        """Never show this text again, nor any long line of it, nor passwords within it.

        Of an address with a login only that is hidden: the rest helps whoever reads the log.
        """
        parts = passwords(secret)
        if not parts or not _is_address(secret):
            self._add(secret)
        for part in parts:
            self._add(part)

    def hide_within(self, text: str) -> None:
        """Hide the text, but of an address no more than its password."""
        if _is_address(text):
            for part in passwords(text):
                self._add(part)
        else:
            self.hide(text)

    def redacted(self, text: str) -> str:
        """The text with everything secret in it replaced."""
        for secret in sorted(self._known, key=len, reverse=True):
            text = text.replace(secret, SHOWN)
        return text

    def stand_in(self, text: str) -> bool:
        """Whether one of them stands in a text; short ones may do so by chance."""
        return any(len(secret) >= _MIN_LINE and secret in text for secret in self._known)

    def _add(self, secret: str) -> None:
        self._known.update(each for each in (secret, secret.strip()) if len(each) >= _MIN)
        lines = (line.strip() for line in secret.strip().splitlines())
        self._known.update(line for line in lines if len(line) >= _MIN_LINE)


class Redacting:
    """A stream in place of `sys.stdout`, for `print` in a buildpack's own code.

    Args:
        stream: where it goes.
        secrets: what is not shown; known by the time it is written.
    """

    def __init__(self, stream: TextIO, secrets: Secrets) -> None:
        self._stream = stream
        self._secrets = secrets

    def write(self, text: str) -> int:
        """Write a text without its secrets."""
        self._stream.write(self._secrets.redacted(text))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Write several texts."""
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """Let the stream send what it holds."""
        self._stream.flush()

    def __getattr__(self, name: str) -> object:
        return getattr(self._stream, name)


def passwords(text: str) -> list[str]:
    """Passwords within an address, a netrc or a configuration file."""
    parts = []
    for word in text.split():
        scheme, found, rest = word.strip("\"'").partition("://")
        login, at, _ = rest.partition("/")[0].rpartition("@")
        password = login.partition(":")[2] or login
        if scheme and found and at and password:
            parts.append(password)
            if "%" in password:
                from urllib.parse import unquote

                parts.append(unquote(password))
    words = iter(text.split())
    parts += [next(words, "") for word in words if word == "password"]
    for line in text.splitlines():
        for sign in "=:":
            key, found, rest = line.partition(sign)
            if found and any(word in key.lower() for word in _WORDS):
                parts.append(rest.strip().strip("\"'"))
    return parts


def _is_address(text: str) -> bool:
    return "://" in text and len(text.split()) == 1
