"""Which of the app's files says what to install: one rule for every buildpack of the group."""

from __future__ import annotations

import os
import re

from cnbkit import BuildContext, UserFault
from cnbkit_misspelt import MISSPELT
from cnbkit_python.pyproject import FILE, Pyproject

__all__ = ["LOCKS", "Input"]

_SETTING = "BP_PYTHON_INPUT"

# Each is a whole answer. Two of them may contradict each other, and nobody would notice.
LOCKS = {
    "pylock.toml": "PEP 751",
    "uv.lock": "uv",
    "poetry.lock": "Poetry",
    "pdm.lock": "PDM",
    "Pipfile.lock": "Pipenv",
}
# PEP 751's names for locks of one purpose.
_NAMED = re.compile(r"pylock\.[^.]+\.toml")
# Without a lock the first of these is taken. What `pip-compile` made of a requirements.in
# stands before it.
_UNLOCKED = ("requirements.txt", "requirements.in", "Pipfile", "pyproject.toml", "setup.py")


class Input:
    """The app's file (or files) with its dependencies.

    Attributes:
        names: relative to the app's root; more than one are requirements files.
        reason: why these.
    """

    def __init__(self, names: list[str], reason: str) -> None:
        self.names = names
        self.reason = reason

    @classmethod
    def choose(cls, ctx: BuildContext, setting: str = "") -> Input:
        """What is set, else the only lock, else requirements, else the project itself.

        Args:
            ctx: the build.
            setting: BP_PYTHON_INPUT.

        Raises:
            UserFault: two lock files, a misspelt name, or BP_PYTHON_INPUT names no file.
        """
        if setting:
            return cls._set(ctx, setting)
        locks = [name for name in LOCKS if ctx.app.has(name)]
        exported: list[str] = []
        if locks == ["pylock.toml", "uv.lock"]:
            from cnbkit_python.exported import is_exported  # few have both

            if is_exported(ctx, *locks):
                exported, locks = locks[:1], locks[1:]
        if len(locks) > 1:
            tools = " and ".join(f"{name} ({LOCKS[name]})" for name in locks)
            raise UserFault(
                f"there is more than one lock file: {tools}",
                where=", ".join(locks),
                remedy=f"delete those that are not kept up to date, or set {_SETTING} to the one "
                f"that counts, like {_SETTING}={locks[0]}",
            )
        pyproject = Pyproject.read(ctx)
        others = [name for name in _UNLOCKED if _has(ctx, name, pyproject)]
        if locks or others:
            chosen, *rest = [*locks, *exported, *others]
            if chosen == FILE:
                if pyproject.fault:
                    raise pyproject.fault
                pyproject.check_resolvable(ctx)
                from cnbkit_python.listed import check_lists  # few have no lock

                check_lists(pyproject, alone=ctx.app.root == ctx.app.top)
            unread = [name for name in rest if name not in _BELONGS.get(chosen, ())]
            note = f"; {', '.join(unread)} not read ({_SETTING} chooses)" if unread else ""
            return cls([chosen], f"Dependencies from {chosen}{note}")
        if named := sorted(each for each in os.listdir(ctx.app.root) if _NAMED.fullmatch(each)):
            raise UserFault(
                f"there is no pylock.toml, but {' and '.join(named)}",
                where=named[0],
                remedy=f"say which counts: set {_SETTING}, like {_SETTING}={named[0]}",
            )
        typo = next((name for name in MISSPELT if ctx.app.has(name)), "")
        if typo:
            raise UserFault(
                f"there is no requirements.txt, but a {typo}",
                where=typo,
                remedy=f"rename {typo} to requirements.txt",
            )
        return cls([], "")

    @classmethod
    def _set(cls, ctx: BuildContext, setting: str) -> Input:
        names = [name.strip() for name in setting.split(",") if name.strip()]
        missing = [name for name in names if not ctx.app.has(name)]
        if missing:
            raise UserFault(
                f"there is no file {', '.join(missing)}",
                where=_SETTING,
                remedy=f"correct {_SETTING}; names are relative to the app's root",
            )
        if names == [FILE]:
            pyproject = Pyproject.read(ctx)
            if pyproject.fault:
                raise pyproject.fault
            pyproject.check_resolvable(ctx)
        for name in names:
            folder, _, base = name.rpartition("/")
            if folder and base in (*LOCKS, *_UNLOCKED[2:]) and base != "pylock.toml":
                raise UserFault(
                    f"{name} is the file of a project in {folder}",
                    where=_SETTING,
                    remedy=f"set BP_PYTHON_FOLDER={folder} in place of it: the project's other "
                    "files are looked for there, too",
                )
        whole = [name for name in names if not name.endswith((".txt", ".in"))]
        if len(names) > 1 and whole:
            raise UserFault(
                f"{whole[0]} cannot be combined with other files",
                where=_SETTING,
                remedy=f"name {whole[0]} alone, or requirements files (.txt, .in) only",
            )
        return cls(names, f"Dependencies from {', '.join(names)}, from {_SETTING}")


# Files that a lock was made of: that they are read through it needs no words.
_BELONGS = {
    "uv.lock": ("pyproject.toml", "setup.py"),
    "poetry.lock": ("pyproject.toml",),
    "pdm.lock": ("pyproject.toml",),
    "Pipfile.lock": ("Pipfile",),
    "pylock.toml": ("pyproject.toml", "requirements.in"),
    "requirements.txt": ("requirements.in",),
    "pyproject.toml": ("setup.py",),
}


def _has(ctx: BuildContext, name: str, pyproject: Pyproject) -> bool:
    # Many hold nothing but settings of linters; one that cannot be read may hold anything.
    if name == FILE:
        return pyproject.fault is not None or pyproject.declares(ctx)
    return ctx.app.has(name)
