"""Addresses of channels and the logins within them."""

from __future__ import annotations

__all__ = ["Login", "is_address", "public", "split_login"]


class Login:
    """Who asks: a user with a password, or a token alone.

    Attributes:
        user: empty for a token that goes into a header of its own kind.
        password: or the token.
    """

    __slots__ = ("password", "user")

    def __init__(self, user: str, password: str) -> None:
        self.user = user
        self.password = password

    def header(self) -> str:
        """The value of `Authorization`."""
        if not self.user:
            return f"Bearer {self.password}"
        import base64

        return "Basic " + base64.b64encode(f"{self.user}:{self.password}".encode()).decode()


def is_address(text: str) -> bool:
    """Whether a text with `://` can be asked for; `${NAME}` in it is filled in later."""
    from urllib.parse import urlsplit

    if any(char.isspace() or not char.isprintable() for char in text):
        return False
    try:
        parts = urlsplit(text)
        return "$" in text or ((parts.port or 0) >= 0 and bool(parts.hostname or parts.path))
    except ValueError:  # of a bracket without its pair, or a port that is none
        return False


def split_login(url: str) -> tuple[str, Login | None]:
    """The address without user and password, and those.

    A conda token (`/t/<token>/`) is part of the path, and stays; `public` takes it out.
    """
    scheme, found, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    login, at, host = host.rpartition("@")
    if not found or not at:
        return url, None
    from urllib.parse import unquote

    user, _, password = login.partition(":")
    return f"{scheme}://{host}{slash}{path}", Login(unquote(user), unquote(password))


def public(text: str) -> str:
    """A text without the logins and tokens of the addresses in it; other text is as it was."""
    before, *rest = text.split("://")
    for part in rest:
        end = next((at for at, char in enumerate(part) if char in "/ \t\r\n\"'"), len(part))
        host = part[:end].rpartition("@")[2]
        path = part[end:]
        if path.startswith("/t/"):
            _token, slash, path = path[3:].partition("/")
            path = slash + path
        before += f"://{host}{path}"
    return before
