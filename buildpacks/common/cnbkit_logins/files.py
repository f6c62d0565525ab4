"""The app's files without logins, for as long as tools read them by themselves.

uv, pip and build back ends read a project on their own, hand the addresses in it to git, and write
them into the metadata of what they build, which gets into a layer.
"""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress

from cnbkit_logins.git_address import without_file_logins, without_git_logins

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from cnbkit_logins.address import Login

__all__ = ["logins_taken_out"]

_DECLARING = ("pyproject.toml", "setup.py", "setup.cfg", "Pipfile")
_LEFT_OUT = ("__pycache__", ".git", ".hg", ".venv", ".tox", "node_modules")
# Nobody writes larger ones by hand.
_LARGEST = 1 << 20


@contextmanager
def logins_taken_out(app: str, *, of_files: bool = False) -> Iterator[dict[str, Login]]:
    """The logins of repositories in the files that declare projects; inside, these have none.

    Afterwards the files are as they were.

    Args:
        app: the app's folder; projects in folders below count.
        of_files: take logins out of addresses of wheels and archives as well. Nothing is fetched
            from those once all is resolved.
    """
    found: dict[str, Login] = {}
    before: list[tuple[str, bytes]] = []
    try:
        for path in _declaring(app):
            with open(path, "rb") as file:
                data = file.read()
            text = data.decode("utf-8", "surrogateescape")
            plain = without_git_logins(text, found)
            if of_files:
                plain = without_file_logins(plain)
            if plain != text:
                before.append((path, data))
                _replace(path, plain.encode("utf-8", "surrogateescape"))
        yield found
    finally:
        for path, data in before:
            _replace(path, data)


def _declaring(app: str) -> list[str]:
    """Real paths of the files, each once; a link's is what it leads to, if that is in the app."""
    top = os.path.realpath(app)
    found: dict[str, None] = {}
    for folder, folders, names in os.walk(top):
        folders[:] = sorted(name for name in folders if name not in _LEFT_OUT)
        requirements = os.path.basename(folder) == "requirements"
        for name in sorted(names):
            listed = name.endswith((".txt", ".in")) and (requirements or "requirement" in name)
            if name in _DECLARING or listed:
                path = os.path.realpath(os.path.join(folder, name))
                inside = path.startswith(f"{top}/")
                if inside and os.path.isfile(path) and os.path.getsize(path) <= _LARGEST:
                    found[path] = None
    return list(found)


def _replace(path: str, data: bytes) -> None:
    """Other contents; mode and times stay, so that nothing else takes it for another file."""
    status = os.stat(path)
    closed = not os.access(path, os.W_OK)
    if closed:
        os.chmod(path, status.st_mode | 0o200)
    with open(path, "r+b") as file:
        file.write(data)
        file.truncate()
    if closed:
        os.chmod(path, status.st_mode)
    # Only its owner may set times.
    with suppress(PermissionError):
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
