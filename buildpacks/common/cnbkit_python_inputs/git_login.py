"""Logins in the addresses of git repositories.

Whoever installs starts `git` with the address as an argument, which every user of the machine can
read: so the engines get addresses without logins, and git gets these by its environment.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cnbkit_indexes.address import Login

__all__ = ["without_git_logins"]

# A sign @ in a password ends nothing; one behind the first slash is before a commit.
_LOGIN = r"(?i)(?P<kind>git\+)?(?P<scheme>https?://)(?P<login>[^/\s\"']+)@"
_END = r"[@#;\s\"']"


def without_git_logins(text: str, found: dict[str, Login], *, bare: bool = False) -> str:
    """A text whose addresses `git+https://…` have no logins any more.

    Args:
        text: it.
        found: gets address → login.
        bare: the text is the address of a repository, which need not begin with `git+`.
    """
    if "://" not in text:
        return text
    import re

    from cnbkit_indexes.address import split_login

    ending = re.compile(_END)
    parts, done = [], 0
    for match in re.finditer(_LOGIN, text):
        if not (bare or match["kind"]):
            continue
        end = ending.search(text, match.end())
        rest = text[match.end() : end.start() if end else len(text)]
        plain, login = split_login(f"{match['scheme']}{match['login']}@{rest}")
        if login:
            found[plain] = login
        parts += [text[done : match.start()], match["kind"] or "", match["scheme"]]
        done = match.end()
    return "".join((*parts, text[done:]))
