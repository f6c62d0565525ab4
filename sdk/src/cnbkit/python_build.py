"""What buildpacks tell later ones of the app's Python, while an image is built.

The lifecycle hands nothing on but environment, so one variable, CNBKIT_BUILD, names a JSON file:

    {"version": 1, "python": "/layers/…/bin/python3", "python-version": "3.12.4",
     "inputs": ["requirements.txt"], "packages": "/layers/…/packages.json"}

Whoever adds to it writes a file of its own, with all that was told before, into a layer for the
build. Whoever reads it heeds what it knows: everything may be missing, and Python is then found on
PATH. What later buildpacks ask of earlier ones goes the other way, through the build plan.
"""

from __future__ import annotations

import os

from cnbkit.errors import BuildpackFault, UserFault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from cnbkit.build_context import BuildContext
    from cnbkit.context import DetectContext
    from cnbkit.layer.open_layer import OpenLayer

__all__ = ["VARIABLE", "PythonBuild"]

VARIABLE = "CNBKIT_BUILD"
_FORMAT = 1
_FILE = "build.json"
_TEXTS = (
    *("python", "python_version", "python_site", "python_restore"),
    *("lock", "packages", "environment"),
    *("conda_file", "conda_packages", "conda_wheels", "missing_libraries"),
)


class PythonBuild:
    """What is known by now. Names in the file have hyphens for underscores.

    Attributes:
        python: absolute path of the interpreter that packages are for; empty if nobody told.
        python_version: its full version, like "3.12.4".
        python_site: its own site-packages, if packages there are to be seen; else empty.
        python_restore: a program that makes it, should only the previous image have it.
        inputs: files that say which packages are wanted, from the app's root; none if the app wants
            none, None if nobody has chosen.
        groups: dependency groups that the image gets besides what is asked for.
        left_out: process type → the groups it would need, of processes that the image cannot have.
        lock: path of the lock that is to be installed (PEP 751).
        packages: path of a JSON list of what is installed: each one's `name`, `version` and
            `directory`.
        environment: the virtual environment of these packages; empty where their files are in
            the image alone.
        conda_file: the file that a conda environment was made of.
        conda_packages: path of a list of its packages, `name version` a line.
        conda_wheels: folder with what pip finds of them in place.
        missing_libraries: path of a JSON list of what cannot be loaded, because a shared library is
            missing: `path`, `module`, `owner`, `needs` and `remedy` of each.
        others: what else the file holds, by its own names; it is handed on.
    """

    __slots__ = (*_TEXTS, "groups", "inputs", "left_out", "others")

    def __init__(
        self,
        *,
        python: str = "",
        python_version: str = "",
        python_site: str = "",
        python_restore: str = "",
        inputs: list[str] | None = None,
        groups: list[str] | None = None,
        left_out: Mapping[str, list[str]] | None = None,
        lock: str = "",
        packages: str = "",
        environment: str = "",
        conda_file: str = "",
        conda_packages: str = "",
        conda_wheels: str = "",
        missing_libraries: str = "",
        others: Mapping[str, Any] | None = None,
    ) -> None:
        self.python = python
        self.python_version = python_version
        self.python_site = python_site
        self.python_restore = python_restore
        self.inputs = inputs
        self.groups = groups or []
        self.left_out = dict(left_out or {})
        self.lock = lock
        self.packages = packages
        self.environment = environment
        self.conda_file = conda_file
        self.conda_packages = conda_packages
        self.conda_wheels = conda_wheels
        self.missing_libraries = missing_libraries
        self.others = dict(others or {})

    @classmethod
    def read(cls, ctx: BuildContext | DetectContext) -> PythonBuild:
        """What the buildpacks before this one have told; nothing, if there are none.

        Raises:
            BuildpackFault: the file is no such document.
        """
        path = ctx.env.get(VARIABLE, "")
        return cls._read(path) if path else cls()

    @classmethod
    def load(cls, folder: str) -> PythonBuild:
        """What `write` left in a folder.

        Raises:
            BuildpackFault: there is no such document.
        """
        return cls._read(f"{folder}/{_FILE}")

    @classmethod
    def _read(cls, path: str) -> PythonBuild:
        try:
            with open(path, encoding="utf-8") as file:
                return cls.loads(file.read(), where=path)
        except OSError as error:
            raise _wrong(path, f"it cannot be read: {error.strerror}") from None

    @classmethod
    def loads(cls, text: str, *, where: str = VARIABLE) -> PythonBuild:
        """Read the document.

        Args:
            text: it.
            where: for faults.

        Raises:
            BuildpackFault: it is none, or of another version of the format.
        """
        table = _decoded(text)
        if not isinstance(table, dict):
            raise _wrong(where, "it is not a JSON object")
        if table.pop("version", None) != _FORMAT:
            raise _wrong(where, f"it is not of version {_FORMAT} of the format")
        inputs, groups = table.pop("inputs", None), table.pop("groups", None)
        left_out = table.pop("left-out", {})
        known = {name: table.pop(name.replace("_", "-"), "") for name in _TEXTS}
        wrong = [name for name, value in known.items() if not isinstance(value, str)]
        wrong += [] if inputs is None or _are_texts(inputs) else ["inputs"]
        wrong += [] if groups is None or _are_texts(groups) else ["groups"]
        if not (isinstance(left_out, dict) and all(map(_are_texts, left_out.values()))):
            wrong.append("left-out")
        if wrong:
            names = ", ".join(name.replace("_", "-") for name in wrong)
            raise _wrong(where, f"of another type than it should be: {names}")
        return cls(inputs=inputs, groups=groups, left_out=left_out, others=table, **known)

    def dumps(self) -> str:
        """The document; what is not known is left out."""
        table: dict[str, Any] = {"version": _FORMAT}
        for name in _TEXTS:
            if value := getattr(self, name):
                table[name.replace("_", "-")] = value
        if self.inputs is not None:
            table["inputs"] = self.inputs
        if self.groups:
            table["groups"] = self.groups
        if self.left_out:
            table["left-out"] = self.left_out
        return _encoded({**table, **self.others}) + "\n"

    def replace(self, **changes: Any) -> PythonBuild:
        """The same with other values of some attributes."""
        values = {name: getattr(self, name) for name in self.__slots__}
        return PythonBuild(**{**values, **changes})

    def tell(self, layer: OpenLayer) -> None:
        """Hand it to the buildpacks after this one.

        Args:
            layer: open, and for the build; it gets the file and the variable.
        """
        layer.env.build.override(VARIABLE, self.write(str(layer.directory)))

    def write(self, folder: str) -> str:
        """Write the document into a folder.

        Returns:
            Its path: the value of CNBKIT_BUILD, in a test of a buildpack that reads it.
        """
        path = f"{folder}/{_FILE}"
        with open(path, "w", encoding="utf-8") as file:
            file.write(self.dumps())
        return path

    def with_python(self, ctx: BuildContext) -> PythonBuild:
        """The same with an interpreter: the one told, else the first `python3` on PATH.

        So a third party's buildpack that provides `python` has only to put one there.

        Raises:
            UserFault: there is none.
            CommandFailed: it does not run.
        """
        if self.python:
            return self
        path = _on_path(ctx.env.get("PATH", ""))
        program = "import sys; print('%d.%d.%d' % sys.version_info[:3])"
        version = ctx.run(path, "-I", "-S", "-c", program, quiet=True).stdout.strip()
        return self.replace(python=path, python_version=version)


def _on_path(search: str) -> str:
    for directory in search.split(os.pathsep):
        for name in ("python3", "python"):
            path = f"{directory}/{name}"
            if directory and os.access(path, os.X_OK):
                return path
    raise UserFault(
        "there is no Python to install packages for",
        where="PATH of the build",
        remedy="put a buildpack that provides `python` before this one",
    )


def _are_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)


def _wrong(where: str, detail: str) -> BuildpackFault:
    return BuildpackFault(
        "what earlier buildpacks tell of the app's Python cannot be read",
        where=where,
        remedy="use buildpacks of one release of cnbkit; a buildpack of yours that writes it does "
        "so with cnbkit.PythonBuild",
        detail=detail,
    )


# `json` imports `re`, which takes longer than all that an unchanged build does with the document;
# these are the functions in C that it calls itself.


class _Rules:
    strict = True
    object_hook = object_pairs_hook = None
    parse_float = float
    parse_int = int

    @staticmethod
    def parse_constant(name: str) -> object:
        raise ValueError(name)  # NaN and the like are not JSON


def _decoded(text: str) -> object:
    """The value; None for what is not JSON."""
    from _json import make_scanner

    text = text.strip()
    try:
        value, end = make_scanner(_Rules)(text, 0)  # type: ignore[arg-type]
    except (StopIteration, ValueError):
        return None
    return value if end == len(text) else None


def _encoded(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_encoded(k)}: {_encoded(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_encoded, value)) + "]"
    if isinstance(value, str):
        from _json import encode_basestring_ascii

        return str(encode_basestring_ascii(value))
    words = {None: "null", True: "true", False: "false"}
    if value is None or isinstance(value, bool):
        return words[value]
    return repr(value).replace("inf", "1e999")
