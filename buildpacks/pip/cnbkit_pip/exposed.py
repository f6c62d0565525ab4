"""Passwords in the app's own files, which get into the image with the app."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["Exposed", "exposed", "without_logins"]


class Exposed:
    """A password in an address.

    Attributes:
        where: `file:line`.
        host: what it is for.
        secret: the password or token.
    """

    __slots__ = ("host", "secret", "where")

    def __init__(self, where: str, host: str, secret: str) -> None:
        self.where = where
        self.host = host
        self.secret = secret


def exposed(files: Mapping[str, str]) -> list[Exposed]:
    """All of them; a variable like `${TOKEN}` in place of one is none.

    Args:
        files: contents by name.
    """
    found = []
    for file, text in files.items():
        if "://" not in text or "@" not in text:
            continue
        for number, line in enumerate(text.splitlines(), 1):
            if not line.lstrip().startswith("#"):
                found += [Exposed(f"{file}:{number}", *each) for each in _logins(line)]
    return found


def _logins(line: str) -> Iterator[tuple[str, str]]:
    """Host and password of each address of a line."""
    before, *addresses = line.split("://")
    for rest in addresses:
        login, at, host = rest.replace('"', " ").replace("'", " ").split("/")[0].rpartition("@")
        user, colon, password = login.partition(":")
        # The user of ssh is no secret; a lone word before the @ of https is a token.
        secret = password if colon else "" if before.endswith("ssh") else user
        before = rest
        if at and secret and "$" not in secret and " " not in login:
            yield host.split()[0] if host.split() else host, secret


def without_logins(text: str) -> str:
    """A text with the logins of its addresses left out."""
    before, *addresses = text.split("://")
    for rest in addresses:
        ends = (rest.find(sign) for sign in "/\"' \n#?")
        end = min([each for each in ends if each >= 0], default=len(rest))
        before += "://" + rest[:end].rpartition("@")[2] + rest[end:]
    return before
