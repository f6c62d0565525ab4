"""Secrets this process knows, and text without them.

One set for the whole process: what a tool prints, what a fault says and what a traceback
shows leave by different ways, and none may show a password.
"""

from __future__ import annotations

__all__ = ["forget", "hide", "redacted"]

SHOWN = "[redacted]"
# Shorter ones would tear holes into words; nobody can guess less than that anyway.
_MIN = 4
_known: set[str] = set()


def forget() -> None:
    """Know nothing any more; a phase begins with that."""
    _known.clear()


def hide(secret: str) -> None:
    """Never show this text again, nor any whole line of it."""
    for each in (secret, secret.strip(), *(line.strip() for line in secret.splitlines())):
        if len(each) >= _MIN:
            _known.add(each)


def redacted(text: str) -> str:
    """The text with everything secret in it replaced."""
    for secret in sorted(_known, key=len, reverse=True):
        text = text.replace(secret, SHOWN)
    return text
