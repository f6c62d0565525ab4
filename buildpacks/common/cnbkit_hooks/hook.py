"""A hook: a script of the app, and what it says of itself in comments at its beginning.

#!/bin/sh
# cnbkit: inputs = data/*.csv, schema
# cnbkit: outputs = build/clean.csv
# cnbkit: timeout = 600
# cnbkit: working-dir = tools
# cnbkit: env = MODE:fast
"""

from __future__ import annotations

import hashlib
import os

from cnbkit import BuildContext, PythonBuild, UserFault
from cnbkit_hooks.files import digest_of, inside, named

__all__ = ["Hook"]

# Where declarations may stand, in lines.
_HEAD = 50
_LIMIT = 1800
# A script's first line, and a compiled program.
_STARTS = (b"#!", b"\x7fELF")
_LISTS = ("inputs", "outputs", "env")
_KEYS = (*_LISTS, "timeout", "working-dir")
_NAME = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")


class Hook:
    """What is to run.

    Attributes:
        script: its file, relative to the app's root.
        digest: of its contents.
        inputs: files, folders and patterns it reads; the whole app if empty.
        outputs: files and folders it makes; without any it runs in every build.
        env: variables for it.
        limit: seconds it may take.
        working_dir: where it runs, relative to the app's root; empty for the root.
        by_shell: whether it has no first line, and a shell is what runs it.
    """

    def __init__(self, root: str, script: str, data: bytes) -> None:
        self.script = script
        self.digest = hashlib.sha256(data).hexdigest()
        self.inputs: list[str] = []
        self.outputs: list[str] = []
        self.env: dict[str, str] = {}
        self.limit = _LIMIT
        self.working_dir = ""
        self.root = root
        self.by_shell = False

    @classmethod
    def read(
        cls, ctx: BuildContext, script: str, *, executable: bool = False, shell: bool = False
    ) -> Hook:
        """Read it.

        Args:
            ctx: the build.
            script: its file, relative to the app's root.
            executable: it will be made executable before it runs, whatever its mode is now.
            shell: a shell runs it if it does not say what does.

        Raises:
            UserFault: there is none, it cannot be run, or what it declares is wrong; every fault
                with its line.
        """
        if not inside(script):
            raise UserFault(
                f"{script} is not within the app", where=script, remedy="name a file of the app"
            )
        data = ctx.app.bytes(script)
        hook = cls(ctx.app.root, script, data)
        hook.by_shell = shell and not data.startswith(_STARTS) and b"\0" not in data
        if not hook.by_shell:
            _check_runs(ctx.app.root, script, data, executable=executable)
        problems = []
        head = data.decode("utf-8", errors="replace").split("\n")[:_HEAD]
        for number, line in enumerate(head, 1):
            before, sign, declared = line.partition("cnbkit:")
            # Whatever the language's comments begin with.
            if not sign or before.strip(" \t#/*-;%") or not before.strip():
                continue
            try:
                hook._declare(declared.strip(" \t\r"))
            except ValueError as error:
                problems.append((number, str(error)))
        if problems:
            remedy = f"write `# cnbkit: key = value`; keys are {', '.join(_KEYS)}"
            raise UserFault.of(script, problems, remedy=remedy)
        return hook

    def _declare(self, text: str) -> None:
        name, sign, value = (part.strip() for part in text.partition("="))
        if not sign or name not in _KEYS:
            raise ValueError(f"{name or text!r} is not one of {', '.join(_KEYS)}")
        if name in _LISTS:
            items = [item.strip() for item in value.split(",") if item.strip()]
            if not items:
                raise ValueError(f"{name} is empty")
            for item in items:
                self._add(name, item)
        elif name == "timeout":
            if not (value.isascii() and value.isdigit() and 0 < int(value[:9]) <= 86400):
                raise ValueError(f"timeout is {value!r}, not a number of seconds up to 86400")
            self.limit = int(value)
        else:
            if not inside(value):
                raise ValueError(f"working-dir {value!r} is not within the app")
            self.working_dir = value.strip("/")

    def _add(self, name: str, item: str) -> None:
        if name == "env":
            variable, sign, value = (part.strip() for part in item.partition(":"))
            if not sign or not variable or not _NAME.issuperset(variable) or variable[0].isdigit():
                raise ValueError(f"env {item!r} is not NAME:value")
            self.env[variable] = value
            return
        path = item.removeprefix("./").rstrip("/")
        if not inside(path):
            raise ValueError(f"{item!r} is not within the app")
        if name == "outputs" and ("*" in path or "?" in path):
            raise ValueError(f"outputs are files and folders, not patterns: {item!r}")
        (self.inputs if name == "inputs" else self.outputs).append(path)

    def env_texts(self) -> list[str]:
        """What its variables are, as part of a key."""
        where = [f"working-dir:{self.working_dir}"] if self.working_dir else []
        return [f"{name}:{value}" for name, value in sorted(self.env.items())] + where

    def input_digests(self) -> list[str]:
        """`name #digest` of everything it reads; a pattern that names nothing has none."""
        skip = {*self.outputs, ".git"}
        if not self.inputs:
            return [f"the app #{digest_of(self.root, '', skip)}"]
        names = sorted({name for each in self.inputs for name in named(self.root, each)})
        return [f"{name} #{digest_of(self.root, name, skip)}" for name in names]

    @staticmethod
    def packages(told: PythonBuild) -> str:
        """A digest of what is installed by now; empty before that."""
        if not os.path.isfile(told.packages):
            return ""
        with open(told.packages, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()[:24]


def _check_runs(root: str, script: str, data: bytes, *, executable: bool) -> None:
    first = data.partition(b"\n")[0]
    if not data.startswith(_STARTS):
        raise UserFault(
            f"{script} does not say what runs it",
            where=f"{script}:1",
            remedy="begin it with a line such as #!/bin/sh or #!/usr/bin/env python3",
        )
    if first.startswith(b"#!") and first.endswith(b"\r"):
        raise UserFault(
            f"{script} has Windows line ends, so there is no program of that name",
            where=f"{script}:1",
            remedy="save it with Unix line ends (dos2unix; `*.sh text eol=lf` in .gitattributes)",
        )
    if not executable and not os.access(f"{root}/{script}", os.X_OK):
        raise UserFault(
            f"{script} is not executable",
            where=script,
            remedy=f"chmod +x {script}; in a repository made on Windows: "
            f"git update-index --chmod=+x {script}",
        )
