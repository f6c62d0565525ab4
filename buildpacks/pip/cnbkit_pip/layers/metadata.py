"""What an installed package says of itself."""

from __future__ import annotations

from email import message_from_string

TYPE_CHECKING = False
if TYPE_CHECKING:
    from email.message import Message

__all__ = ["read_metadata", "read_record"]


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


def read_record(dist_info: str) -> list[str]:
    """Paths of a package's files, relative to the folder it is installed in; none without RECORD.

    As it is read everywhere, but that other bytes than UTF-8 are no reason to read nothing.
    """
    import csv

    found = []
    try:
        with open(f"{dist_info}/RECORD", encoding="utf-8", errors="replace", newline="") as file:
            for row in csv.reader(file):
                found += row[:1]
    except (FileNotFoundError, csv.Error):  # an error: what comes then is not a list
        pass
    return found
