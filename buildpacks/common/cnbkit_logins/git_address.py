"""Logins in addresses of git repositories, and of files.

Whoever installs starts `git` with the address as an argument, which every user of the machine can
read: so the engines get addresses without logins, and git gets these by its environment.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cnbkit_logins.address import Login

__all__ = ["without_file_logins", "without_git_logins"]

# A sign @ in a password ends nothing; one behind the first slash is before a commit. The kind is
# what says that it is a repository: `git+https://…`, or a table's `git = "https://…"`.
_LOGIN = (
    r"(?i)(?P<kind>git\+|\bgit[\"']?\s*[=:]\s*[\"'])?(?P<scheme>https?://)(?P<login>[^/\s\"']+)@"
)
_END = r"[@#;\s\"']"
_FILE = (
    r"(?i)(?P<scheme>https?://)[^/\s\"']+@"
    r"(?P<rest>[^\s\"'@#?]+\.(?:whl|zip|tgz|tar\.(?:gz|bz2|xz)))"
)


def without_git_logins(text: str, found: dict[str, Login], *, bare: bool = False) -> str:
    """A text whose addresses of repositories have no logins any more.

    Args:
        text: it.
        found: gets address → login.
        bare: the text is such an address, which need not begin with `git+`.
    """
    if "://" not in text:
        return text
    import re

    from cnbkit_logins.address import split_login

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


def without_file_logins(text: str) -> str:
    """A text whose addresses of wheels and source archives have no logins any more."""
    if "://" not in text:
        return text
    import re

    return re.sub(_FILE, r"\g<scheme>\g<rest>", text)
