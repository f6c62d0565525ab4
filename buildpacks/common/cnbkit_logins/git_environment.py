"""Logins of git repositories, which git gets by its environment and never as an argument."""

from __future__ import annotations

from typing import Any

from cnbkit_logins.address import Login
from cnbkit_logins.git_address import without_git_logins

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["GitLogins"]

# git hands this to a shell, with the word `get` behind it; its arguments name variables only.
_HELPER = (
    "!printf 'username=%s\\npassword=%s\\n'"
    ' "$CNBKIT_GIT_USER_{number}" "$CNBKIT_GIT_PASSWORD_{number}"; :'
)


class GitLogins:
    """Those of one build.

    Args:
        environment: the build's: there may be settings for git in it.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._found: dict[str, Login] = {}

    def add(self, logins: Mapping[str, Login]) -> None:
        """More of them, by the repositories' addresses."""
        self._found.update(logins)

    def taken_from(self, text: str) -> str:
        """A text without the logins of the repositories in it."""
        return without_git_logins(text, self._found)

    def taken_from_entry(self, entry: dict[str, Any]) -> dict[str, Any]:
        """The same of an entry of a lock."""
        address = str(entry.get("vcs", {}).get("url", ""))
        plain = without_git_logins(address, self._found, bare=True)
        return {**entry, "vcs": {**entry["vcs"], "url": plain}} if plain != address else entry

    def variables(self) -> dict[str, str]:
        """What makes git log in, where it is asked to."""
        if not self._found:
            return {}
        given = self._environment.get("GIT_CONFIG_COUNT", "")
        settings: list[tuple[str, str]] = []
        variables = {}
        # Each repository's own first; then its host's, for submodules that lie beside it.
        for number, (address, login) in enumerate(self._found.items()):
            variables[f"CNBKIT_GIT_USER_{number}"] = login.user
            variables[f"CNBKIT_GIT_PASSWORD_{number}"] = login.password
            settings += _settings(address, number, login)
        for number, (address, login) in enumerate(self._found.items()):
            scheme, _, rest = address.partition("://")
            settings += _settings(f"{scheme}://{rest.partition('/')[0]}", number, login)[-1:]
        first = int(given) if given.isdecimal() else 0
        for place, (key, value) in enumerate(settings, first):
            variables[f"GIT_CONFIG_KEY_{place}"] = key
            variables[f"GIT_CONFIG_VALUE_{place}"] = value
        return {**variables, "GIT_CONFIG_COUNT": str(first + len(settings))}


def _settings(address: str, number: int, login: Login) -> list[tuple[str, str]]:
    key = f"credential.{address}.helper"
    own = (key, _HELPER.format(number=number))
    # An empty one forgets those before it. Where the address has a user alone, they may know
    # the password.
    return [(key, ""), own] if login.password else [own]
