"""Files whose purpose is to name the Python: pyenv's, Heroku's, asdf's, mise's."""

from __future__ import annotations

from cnbkit import BuildContext, UserFault
from cnbkit_python.pyproject import line_of, table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Named", "named"]

_MISE = ("mise.toml", ".mise.toml", ".config/mise.toml")


class Named:
    """A version in a file.

    Attributes:
        text: as it is written.
        file: relative to the app's root.
        line: where it stands, from 1.
        more: others in the same place that are not taken.
    """

    __slots__ = ("file", "line", "more", "text")

    def __init__(self, text: str, file: str, line: int, more: list[str]) -> None:
        self.text = text
        self.file = file
        self.line = line
        self.more = more


def named(ctx: BuildContext) -> Iterator[Named]:
    """What these files name, in the order they are asked; empty files and `system` do not count.

    Raises:
        UserFault: a file is not text, or not TOML.
    """
    for file in (".python-version", "runtime.txt"):
        if ctx.app.has(file):
            lines = _lines(ctx.app.text(file))
            if lines:
                (number, text), *more = lines
                yield Named(text, file, number, [each for _, each in more])
    if ctx.app.has(".tool-versions"):
        for number, text in _lines(ctx.app.text(".tool-versions")):
            tool, *versions = text.split()
            if tool == "python" and versions:
                yield Named(versions[0], ".tool-versions", number, versions[1:])
                break
    for file in _MISE:
        if ctx.app.has(file):
            versions = _of_mise(ctx, file)
            if versions:
                line = line_of(ctx.app.text(file), "python")
                yield Named(versions[0], file, line, versions[1:])


def _lines(text: str) -> list[tuple[int, str]]:
    """Lines that are neither empty nor a comment, by number."""
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        # Echoed on Windows, a file may end with a null character or have one before it.
        content = line.partition("#")[0].strip().strip("\0\ufeff").strip()
        if content:
            found.append((number, content))
    return found


def _of_mise(ctx: BuildContext, file: str) -> list[str]:
    value = table(ctx.app.toml(file), "tools").get("python", [])
    values = value if isinstance(value, list) else [value]
    found = []
    for each in values:
        version = each.get("version", "") if isinstance(each, dict) else each
        # A number will not do: 3.10 is 3.1.
        if not isinstance(version, str):
            raise UserFault(
                f"tools.python is {version!r}, not a version in quotes",
                where=f"{file}:{line_of(ctx.app.text(file), 'python')}",
                remedy='write python = "3.12" below [tools]',
            )
        found.append(version)
    return [each for each in found if each]
