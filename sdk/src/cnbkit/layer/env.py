"""The environment a layer provides, as a value.

buildpack.md, "Layer-Provided Environment" and "Environment Variable Modification Rules",
as the lifecycle implements them (env/env.go), which differs from the text in places:

- a file name is cut at its *first* dot, so `FOO.BAR.append` has the action `BAR.append`,
  which is unknown and ignored;
- `default` applies when the variable is empty, not only when it is unset;
- there is no delimiter unless a `.delim` file in the same directory gives one;
- within a directory, files apply in the order of their names.
"""

from __future__ import annotations

import os

from cnbkit.errors import BuildpackFault
from cnbkit.spec import names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Literal, TypeAlias

    Value: TypeAlias = str | int | float | os.PathLike[str]

__all__ = ["EnvChanges", "LayerEnv"]

# What stands between the values of variables that are called so.
_LISTS = {("PATH", "_DIRS"): ":", ("FLAGS", "OPTIONS", "OPTS"): " "}
_ACTIONS = ("append", "default", "delim", "override", "prepend")
_LAUNCH_PATHS = (("bin", ("PATH",)), ("lib", ("LD_LIBRARY_PATH",)))
_BUILD_PATHS = (
    ("bin", ("PATH",)),
    ("lib", ("LD_LIBRARY_PATH", "LIBRARY_PATH")),
    ("include", ("CPATH",)),
    ("pkgconfig", ("PKG_CONFIG_PATH",)),
)


def _between(action: str, name: str, delim: str | None) -> str:
    if delim is not None:
        return delim
    for endings, usual in _LISTS.items():
        if isinstance(name, str) and name.endswith(endings):
            raise BuildpackFault(
                f"nothing stands between the values of {name}: {action} is given no delimiter",
                remedy=f'write: {action}("{name}", value, "{usual}")',
            )
    return ""


class EnvChanges:
    """The changes of one env directory, each a file `NAME.action` holding the value.

    What is said replaces what the directory of a kept layer says of the same variable and
    action.
    """

    def __init__(self, files: Mapping[str, str] | None = None) -> None:
        self._files = dict(files or {})
        # What was said since, as against what a kept layer brought along.
        self._said: set[str] = set()
        self._closed = ""

    def __bool__(self) -> bool:
        return bool(self._files)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, EnvChanges) and self._files == other._files

    def __repr__(self) -> str:
        return f"EnvChanges({dict(self.files())!r})"

    def files(self) -> Iterator[tuple[str, str]]:
        """File names and contents, in the order in which they apply."""
        yield from sorted(self._files.items())

    def override(self, name: str, value: Value) -> None:
        """Set the variable, whatever it was."""
        self._set(name, "override", value)

    def default(self, name: str, value: Value) -> None:
        """Set the variable if it is empty or unset."""
        self._set(name, "default", value)

    def append(self, name: str, value: Value, delim: str | None = None) -> None:
        """Put the value after what is there; the delimiter only between two values.

        Said twice, the second value comes after the first. Without a delimiter the texts are
        joined as they are; for a variable that holds a list that has to be said, by "".

        Raises:
            BuildpackFault: no delimiter is given for PATH and the like, or for flags.
            ValueError: another delimiter was given for that variable. A directory of the
                layer has one for each, so it cannot say both.
        """
        self._set(name, "append", value, _between("append", name, delim))

    def prepend(self, name: str, value: Value, delim: str | None = None) -> None:
        """Put the value before what is there; the delimiter only between two values.

        Said twice, the second value comes before the first.

        Raises:
            BuildpackFault, ValueError: as `append`.
        """
        self._set(name, "prepend", value, _between("prepend", name, delim))

    @property
    def closed(self) -> bool:
        """Whether it is written, so that no change would arrive."""
        return bool(self._closed)

    def close(self, layer: str) -> None:
        """Take no more changes: the layer is written."""
        self._closed = layer

    def _set(self, name: str, action: str, value: object, delim: str | None = None) -> None:
        if self._closed:
            raise BuildpackFault(
                f"{name} is set in the environment of the layer {self._closed} after its block",
                remedy="move it into the `with` block of the layer",
            )
        if not name or "." in name or "=" in name or "/" in name or "\0" in name:
            raise ValueError(f"{name!r} cannot name an environment variable of a layer")
        if value is None or isinstance(value, bytes | list | tuple | dict | set):
            raise BuildpackFault(
                f"{name} of a layer's environment is {value!r}, not text",
                remedy="give a text, a path or a number",
            )
        text = str(value)
        if "\0" in text:
            raise ValueError(f"the value for {name} holds a NUL character")
        file, delim_file = f"{name}.{action}", f"{name}.delim"
        if delim is not None:
            if delim_file not in self._said:
                self._files.pop(delim_file, None)
            if delim_file in self._said and self._files.get(delim_file, "") != delim:
                raise ValueError(
                    f"{name} has the delimiter {self._files.get(delim_file, '')!r} already, "
                    f"so it cannot have {delim!r} as well"
                )
            if delim:
                self._files[delim_file] = delim
            self._said.add(delim_file)
            if file in self._said:
                pair = (
                    (self._files[file], text) if action == "append" else (text, self._files[file])
                )
                text = delim.join(pair)
        self._files[file] = text
        self._said.add(file)

    def apply(self, env: Mapping[str, str]) -> dict[str, str]:
        """The environment after these changes."""
        result = dict(env)
        for file, value in self.files():
            name, dot, action = file.partition(".")
            old = result.get(name, "")
            if not dot or action == "override":
                result[name] = value
            elif action == "default":
                result[name] = old or value
            elif action in ("append", "prepend", ""):
                delim = self._files.get(f"{name}.delim", "" if action else os.pathsep)
                pair = (old, value) if action == "append" else (value, old)
                result[name] = delim.join(pair) if old else value
        return result

    @classmethod
    def read(cls, directory: str) -> EnvChanges:
        """Read an env directory; a missing one has no changes. Subdirectories are skipped."""
        files = {}
        try:
            entries = sorted(os.listdir(directory))
        except (FileNotFoundError, NotADirectoryError):
            return cls()
        for entry in entries:
            path = f"{directory}/{entry}"
            if not os.path.isdir(path):
                with open(path, encoding="utf-8", errors="surrogateescape", newline="") as file:
                    files[entry] = file.read()
        return cls(files)

    def write(self, directory: str) -> None:
        """Make the directory and its files; nothing at all if there are no changes."""
        if not self._files:
            return
        os.makedirs(directory, exist_ok=True)
        for entry, value in self.files():
            path = f"{directory}/{entry}"
            with open(path, "w", encoding="utf-8", errors="surrogateescape", newline="") as file:
                file.write(value)


class LayerEnv(EnvChanges):
    """All environment a layer provides.

    Its own methods change build and launch alike (`env/`); `build`, `launch` and
    `process(type)` hold what is limited to those.
    """

    def __init__(
        self,
        files: Mapping[str, str] | None = None,
        *,
        build: EnvChanges | None = None,
        launch: EnvChanges | None = None,
        processes: Mapping[str, EnvChanges] | None = None,
    ) -> None:
        super().__init__(files)
        self.build = build or EnvChanges()
        self.launch = launch or EnvChanges()
        self._processes = dict(processes or {})

    def __bool__(self) -> bool:
        return super().__bool__() or any(changes for _, changes in self._scopes())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, LayerEnv) and self.snapshot() == other.snapshot()

    def __repr__(self) -> str:
        return f"LayerEnv({self.snapshot()!r})"

    def process(self, type: str) -> EnvChanges:
        """The changes for one process type only."""
        changes = self._processes.setdefault(names.process_type(type), EnvChanges())
        if self._closed:
            changes.close(self._closed)
        return changes

    def close(self, layer: str) -> None:
        """Take no more changes: the layer is written."""
        super().close(layer)
        for _, changes in self._scopes():
            changes.close(layer)

    def _scopes(self) -> Iterator[tuple[str, EnvChanges]]:
        yield "env.build", self.build
        yield "env.launch", self.launch
        for type, changes in sorted(self._processes.items()):
            yield f"env.launch/{type}", changes

    def snapshot(self) -> dict[str, str]:
        """Every file of every env directory: path in the layer → contents."""
        files = {f"env/{name}": value for name, value in self.files()}
        for directory, changes in self._scopes():
            files.update({f"{directory}/{name}": value for name, value in changes.files()})
        return files

    def apply_layer(
        self,
        env: Mapping[str, str],
        layer: str,
        *,
        phase: Literal["build", "launch"],
        process: str = "",
    ) -> dict[str, str]:
        """The environment after this layer alone, as the lifecycle computes it.

        Args:
            env: what was there before.
            layer: the layer's directory, for the implicit `bin`, `lib`, … (which need to exist).
            phase: whose rules apply.
            process: the type started, at launch.
        """
        result = dict(env)
        for child, variables in _BUILD_PATHS if phase == "build" else _LAUNCH_PATHS:
            path = f"{layer}/{child}"
            if os.path.exists(path):
                for variable in variables:
                    old = result.get(variable, "")
                    result[variable] = f"{path}{os.pathsep}{old}" if old else path
        result = self.apply(result)
        if phase == "build":
            return self.build.apply(result)
        result = self.launch.apply(result)
        return self._processes[process].apply(result) if process in self._processes else result

    @classmethod
    def read(cls, directory: str) -> LayerEnv:
        """Read what a layer's directory provides."""
        launch = f"{directory}/env.launch"
        types = [e for e in _listdir(launch) if os.path.isdir(f"{launch}/{e}")]
        return cls(
            EnvChanges.read(f"{directory}/env")._files,
            build=EnvChanges.read(f"{directory}/env.build"),
            launch=EnvChanges.read(launch),
            processes={type: EnvChanges.read(f"{launch}/{type}") for type in types},
        )

    def write(self, directory: str) -> None:
        """Write all env directories of a layer."""
        EnvChanges.write(self, f"{directory}/env")
        for name, changes in self._scopes():
            changes.write(f"{directory}/{name}")


def _listdir(directory: str) -> list[str]:
    try:
        return sorted(os.listdir(directory))
    except (FileNotFoundError, NotADirectoryError):
        return []
