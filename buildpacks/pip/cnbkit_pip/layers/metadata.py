"""What an installed package says of itself."""

from __future__ import annotations

from email import message_from_string

TYPE_CHECKING = False
if TYPE_CHECKING:
    from email.message import Message

__all__ = ["read_metadata"]


def read_metadata(dist_info: str) -> Message:
    """The core metadata in a .dist-info folder; nothing if there is none.

    It is UTF-8 by its specification. Old packages have other bytes in it, and install all the
    same, but `importlib.metadata` refuses to read them.
    """
    try:
        with open(f"{dist_info}/METADATA", encoding="utf-8", errors="replace") as file:
            return message_from_string(file.read())
    except FileNotFoundError:
        return message_from_string("")
