"""The app's Python files, read as text, line by line; nothing of the app is imported."""

from __future__ import annotations

import os

from cnbkit import BuildContext

__all__ = ["Source", "folders", "sources"]

_MODULES = (
    *("app.py", "main.py", "server.py", "api.py", "service.py", "serve.py"),
    *("wsgi.py", "asgi.py", "streamlit_app.py", "Home.py"),
)
_IN_PACKAGES = ("main.py", "app.py", "__init__.py", "server.py", "api.py", "wsgi.py", "asgi.py")
_NOT_PACKAGES = ("tests", "test", "docs", "node_modules", "venv", "env", "examples")


class Source:
    """A Python file of the app.

    Attributes:
        name: relative to the app's root.
        module: what to import it as.
        root: the folder from where that works, relative to the app's root; empty for the root.
        lines: its text.
    """

    def __init__(self, name: str, lines: list[str]) -> None:
        self.name = name
        self.lines = lines
        inner = name.removeprefix("src/")
        self.root = "src" if inner != name else ""
        self.module = inner.removesuffix(".py").removesuffix("/__init__").replace("/", ".")

    def imports(self, package: str) -> bool:
        """Whether it imports a package, or something of it."""
        return any(
            words[:1] in (["import"], ["from"])
            and len(words) > 1
            and (words[1].rstrip(",") == package or words[1].startswith(f"{package}."))
            for words in map(str.split, self.lines)
        )

    def made_by(self, *makers: str) -> tuple[str, int]:
        """The variable, and its line, that a call of one of these gives its value."""
        for number, line in enumerate(self.lines, 1):
            target, sign, value = line.partition("=")
            name = target.partition(":")[0].strip()
            if not sign or not name.isidentifier() or line[0] in " \t":
                continue
            called = value.strip().partition("(")[0].strip()
            if "(" in value and any(called == e or called.endswith(f".{e}") for e in makers):
                return name, number
        return "", 0

    def factory(self) -> tuple[str, int]:
        """`create_app` or `make_app`, if it can be called without arguments."""
        for number, line in enumerate(self.lines, 1):
            for name in ("create_app", "make_app"):
                rest = line.removeprefix(f"def {name}(")
                if rest != line and (rest.startswith(")") or "=" in rest.partition(",")[0]):
                    return name, number
        return "", 0

    @property
    def runs(self) -> bool:
        """Whether it does something when it is started."""
        return any(
            line.replace("'", '"').startswith('if __name__ == "__main__"') for line in self.lines
        )


def sources(ctx: BuildContext) -> list[Source]:
    """The files where an app usually begins, in the order in which they count."""
    names = [*_MODULES, *(f"src/{name}" for name in _MODULES)]
    for folder in ("", "src/"):
        packages = [name for name in folders(f"{ctx.app.root}/{folder}") if name != "src"]
        names += [f"{folder}{each}/{name}" for each in packages for name in _IN_PACKAGES]
    return [_source(ctx, name) for name in names if ctx.app.has(name)]


def _source(ctx: BuildContext, name: str) -> Source:
    # Python files may have any encoding; what is looked for is ASCII.
    return Source(name, ctx.app.bytes(name).decode("utf-8", errors="replace").splitlines())


def folders(path: str) -> list[str]:
    """Names of folders that may be packages, sorted; not those of tests and the like."""
    try:
        with os.scandir(path) as entries:
            found = [each.name for each in entries if each.is_dir()]
    except OSError:
        return []
    return sorted(name for name in found if name.isidentifier() and name not in _NOT_PACKAGES)
