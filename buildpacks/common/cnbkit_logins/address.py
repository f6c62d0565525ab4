"""Addresses of package indexes, and the logins within them."""

from __future__ import annotations

__all__ = ["Login", "host_of", "is_address", "same_place", "split_login", "with_login"]


class Login:
    """Who asks an index.

    Attributes:
        user: name; empty if only a password is known.
        password: as it is, not percent-encoded. Never shown: not in `repr` either.
    """

    __slots__ = ("password", "user")

    def __init__(self, user: str, password: str) -> None:
        self.user = user
        self.password = password

    def __repr__(self) -> str:
        return f"Login({self.user!r}, …)"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Login) and (self.user, self.password) == (
            other.user,
            other.password,
        )

    def __hash__(self) -> int:
        return hash((self.user, self.password))


def is_address(text: str) -> bool:
    """Whether it begins with a scheme a package index can have."""
    scheme, found, rest = text.partition("://")
    return bool(found and rest) and scheme.lower() in ("http", "https", "file")


def split_login(url: str) -> tuple[str, Login | None]:
    """An address without its login, and the login."""
    scheme, found, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    login, at, bare = host.rpartition("@")
    if not found or not at:
        return url, None
    user, _, password = login.partition(":")
    if "%" in login:
        from urllib.parse import unquote

        user, password = unquote(user), unquote(password)
    return f"{scheme}://{bare}{slash}{path}", Login(user, password)


def with_login(url: str, login: Login | None) -> str:
    """An address with a login in it, for files that only one program reads."""
    if login is None:
        return url
    from urllib.parse import quote

    scheme, _, rest = url.partition("://")
    return f"{scheme}://{quote(login.user, safe='')}:{quote(login.password, safe='')}@{rest}"


def host_of(url: str) -> str:
    """The host of an address, without port."""
    rest = split_login(url)[0].partition("://")[2].partition("/")[0]
    host, colon, port = rest.rpartition(":")
    return (host if colon and port.isdigit() else rest).strip("[]").lower()


def same_place(url: str, prefix: str) -> bool:
    """Whether an address is the other one or lies below it: on its host, in its folder."""
    url, prefix = split_login(url)[0].rstrip("/"), split_login(prefix)[0].rstrip("/")
    return url == prefix or url.startswith(f"{prefix}/")
