"""What `cnbkit check` looks for in a folder, found without running a build."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnbkit.errors import UserFault

if TYPE_CHECKING:
    from pathlib import Path

    from cnbkit_engine.lint.finding import Finding

__all__ = ["check", "undeclared"]


def check(path: Path, *, fix: bool = False) -> list[Finding]:
    """Everything worth telling about a buildpack, a composite, an extension or a builder.

    Args:
        path: its folder, or a builder.toml.
        fix: write the tables of options into READMEs.

    Raises:
        UserFault: the folder holds none of them.
    """
    from cnbkit_engine.lint.builder import check_builder, check_folder
    from cnbkit_engine.lint.finding import Findings

    found = Findings(fix=fix)
    units = ("buildpack.toml", "extension.toml")
    if path.is_file() and path.suffix == ".toml" and path.name not in units:
        check_builder(path, found)
    else:
        folder = path.parent if path.is_file() else path
        names = [name for name in (*units, "builder.toml") if (folder / name).is_file()]
        if not names:
            raise UserFault(
                "nothing to check: no buildpack.toml, extension.toml or builder.toml",
                where=str(path),
                remedy="name a buildpack's or a builder's folder, or make one with `cnbkit new`",
            )
        if names[0] == "builder.toml":
            check_builder(folder / names[0], found)
        else:
            check_folder(folder, found)
    return found.sorted()


def undeclared(folder: Path, libraries: list[Path]) -> list[Finding]:
    """What a buildpack's code imports and no build of it would have.

    Args:
        folder: the buildpack's.
        libraries: the packages it shares with others.
    """
    from cnbkit_engine.lint.finding import Findings
    from cnbkit_engine.lint.imports import check_imports
    from cnbkit_engine.lint.text import Python
    from cnbkit_engine.lint.unit import code_in

    found = Findings()
    python = Python([path for each in (folder, *libraries) for path in code_in(each)])
    check_imports(python, folder, libraries, found)
    return found.sorted()
