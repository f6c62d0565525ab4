"""Passwords in the app's own files, which get into the image with the app."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from cnbkit import BuildContext

__all__ = ["Exposed", "exposed", "hidden", "tell", "without_logins"]

# Larger ones are not written by hand, and whoever wrote them left logins out.
_LARGEST = 16 << 20


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


def hidden(ctx: BuildContext, names: Iterable[str]) -> list[Exposed]:
    """Those in files of the app, which no line of the log shows from then on.

    Args:
        ctx: the build.
        names: of files or, with `*`, of several; what is not there is passed over.
    """
    files = {}
    for name in dict.fromkeys(names):
        for each in ctx.app.glob(name) if "*" in name else [name]:
            path = os.path.join(ctx.app.root, each)
            if os.path.isfile(path) and os.path.getsize(path) <= _LARGEST:
                with open(path, encoding="utf-8", errors="replace") as file:
                    files[each] = file.read()
    found = exposed(files)
    for login in found:
        ctx.hide(login.secret)
    return found


def tell(ctx: BuildContext, names: Iterable[str], bindings: str = "pypi or netrc") -> None:
    """Hide them, and warn of each once for a file: the image gets the file with the app.

    Args:
        ctx: the build.
        names: as for `hidden`.
        bindings: types of those that logins can be given by.
    """
    known = set()
    for each in hidden(ctx, names):
        place = (each.where.rpartition(":")[0], each.host, each.secret)
        if place not in known:
            known.add(place)
            ctx.log.warning(
                f"{each.where} has a password for {each.host}, and the image gets this file with "
                f"the app: take it out, and give it by a binding of type {bindings}, or write "
                "${NAME} and set that variable for the build"
            )


def exposed(files: Mapping[str, str]) -> list[Exposed]:
    """All of them; a variable like `${TOKEN}` in place of one is none.

    Args:
        files: contents by name.
    """
    found = []
    for file, text in files.items():
        if "://" not in text or not ("@" in text or "/t/" in text):
            continue
        for number, line in enumerate(text.splitlines(), 1):
            if not line.lstrip().startswith("#"):
                found += [Exposed(f"{file}:{number}", *each) for each in _logins(line)]
    return found


def _logins(line: str) -> Iterator[tuple[str, str]]:
    """Host and password of each address of a line."""
    before, *addresses = line.split("://")
    for rest in addresses:
        # The token of a conda channel is a folder of its address.
        server, _, path = rest.partition("/")
        token, slash, _ = path.removeprefix("t/").partition("/")
        if slash and path.startswith("t/") and token.replace("-", "").isalnum():
            yield server.rpartition("@")[2], token
        login, at, host = rest.replace('"', " ").replace("'", " ").split("/")[0].rpartition("@")
        user, colon, password = login.partition(":")
        # The user of ssh is not a secret; a lone word before the @ of https is a token.
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
