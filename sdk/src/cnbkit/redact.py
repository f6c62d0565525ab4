"""Secrets this process knows, and text without them.

One set for the whole process: what a tool prints, what a fault says and what a traceback
shows leave by different ways, and none may show a password.
"""

from __future__ import annotations

__all__ = ["forget", "hide", "redacted"]

SHOWN = "[redacted]"
# Shorter ones would tear holes into words; nobody can guess less than that anyway.
_MIN = 4
# A netrc may have `machine` and `login` on lines of their own.
_MIN_LINE = 8
_known: set[str] = set()


def forget() -> None:
    """Know nothing any more; a phase begins with that."""
    _known.clear()


def hide(secret: str) -> None:
    """Never show this text again, nor any long line of it."""
    _known.update(each for each in (secret, secret.strip()) if len(each) >= _MIN)
    lines = (line.strip() for line in secret.strip().splitlines())
    _known.update(line for line in lines if len(line) >= _MIN_LINE)


def redacted(text: str) -> str:
    """The text with everything secret in it replaced."""
    for secret in sorted(_known, key=len, reverse=True):
        text = text.replace(secret, SHOWN)
    return text
