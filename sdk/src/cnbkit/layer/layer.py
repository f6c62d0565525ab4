"""Layers: what a buildpack declares, and one opened for this build.

A layer is in one of three states, decided when it is opened and told to the author:

- `rebuild`: nothing usable was restored; the directory is there, empty, to be filled.
- `keep`: the cache restored contents and key; they stay.
- `reuse`: the previous image has it; only the toml is written, the directory stays away and
  the lifecycle takes the old layer without reading, packing or hashing it.

buildpack.md, "Layer Types" and "Layers"; the restore rules are the lifecycle's.
"""

from __future__ import annotations

import os
import time

from cnbkit.errors import BuildpackFault
from cnbkit.layer.env import LayerEnv
from cnbkit.spec import names, sbom
from cnbkit.spec.model import MISSING, Field, Model
from cnbkit.spec.toml import decode, encode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path
    from types import TracebackType
    from typing import Any, ClassVar, Literal

    from cnbkit.log import Log

    State = Literal["rebuild", "keep", "reuse"]
    from typing import dataclass_transform
else:

    def dataclass_transform(**_):
        return lambda cls: cls


__all__ = ["Layer", "LayerKey", "OpenLayer", "key", "migrates", "note"]

_FORMAT = "1"
_SHOWN = 20


def key(
    label: str, *, default: Any = MISSING, default_factory: Callable[[], Any] | None = None
) -> Any:
    """Declare a field whose change rebuilds the layer.

    Args:
        label: what the log calls it: "Python version changed from 3.11 to 3.12". Of a list
            the log shows what came and went. In an item, what follows ` #` counts but is
            not shown: `requirements.txt #<digest>` gives "requirements changed:
            requirements.txt".
        default: value when none is given.
        default_factory: makes the default, for mutable ones.
    """
    return Field(default, default_factory=default_factory, label=label, role="key")


def note(*, default: Any = MISSING, default_factory: Callable[[], Any] | None = None) -> Any:
    """Declare a field that is stored with the layer but never rebuilds it."""
    return Field(default, default_factory=default_factory, role="note")


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(key, note))
class LayerKey(Model):
    """What a layer depends on; author's models derive from it.

        class Wheels(LayerKey, version=2):
            python: str = key("Python version")
            packages: list[str] = key("packages")

    Raise `version` when the same key should give other contents (the buildpack fills the
    layer differently now), or when its fields change. Where old contents still serve, say
    with `migrates` what the old fields would be today.
    """

    __version__: ClassVar[int] = 1
    __migrations__: ClassVar[dict[int, Callable[[dict[str, Any]], dict[str, Any]]]] = {}

    def __init_subclass__(
        cls, *, version: int = 1, hyphens: bool | None = None, extra: str | None = None
    ) -> None:
        super().__init_subclass__(hyphens=hyphens, extra=extra)
        cls.__version__ = version
        found = {each.version: each.function for each in _migrations(cls)}
        wrong = [each for each in found if not 0 < each < version]
        if wrong:
            raise TypeError(
                f"{cls.__name__} has version {version}, so nothing migrates from {wrong}"
            )
        cls.__migrations__ = found
        for name, spec in cls.__fields__.items():
            if spec.role not in ("key", "note"):
                raise TypeError(f"{cls.__name__}.{name}: declare it with key(…) or note(…)")

    def role(self, role: str) -> dict[str, Any]:
        """The plain values of all fields declared as `key` or as `note`."""
        plain = self.to_plain()
        fields = ((name, spec) for name, spec in self.__fields__.items() if spec.role == role)
        return {name: plain[at] for name, spec in fields if (at := spec.toml or name) in plain}

    def digest(self) -> str:
        """SHA-256 over version and key fields, in hexadecimal."""
        import hashlib

        text = repr((self.__version__, _canonical(self.role("key"))))
        return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()

    def metadata(self) -> dict[str, Any]:
        """The layer's `[metadata]` table."""
        table: dict[str, Any] = {
            "cnbkit": _FORMAT,
            "digest": self.digest(),
            "version": self.__version__,
            "key": self.role("key"),
        }
        notes = self.role("note")
        if notes:
            table["note"] = notes
        return table

    def changes(self, old: dict[str, Any]) -> list[str]:
        """Why a layer with that metadata does not fit, one line a field; empty if it does."""
        before, after = old.get("key"), self.role("key")
        if old.get("cnbkit") != _FORMAT or not isinstance(before, dict):
            return ["it was written by something else"]
        migrated = old.get("version") != self.__version__
        if migrated:
            try:
                table = self._migrate(old.get("version"), before)
            except Exception as error:  # an author's function on a table of any shape
                return [f"what an earlier version wrote of it cannot be migrated ({error!r})"]
            if table is None:
                return [f"this buildpack makes it differently now (version {self.__version__})"]
            before = table
        lines = []
        for name, spec in self.__fields__.items():
            if spec.role == "key" and not _same(before.get(name), after.get(name)):
                lines.append(_change(spec.label or name, before.get(name), after.get(name)))
        gone = sorted(before.keys() - self.__fields__.keys())
        lines.extend(f"{name} is no longer part of its key" for name in gone)
        if not lines and not migrated and old.get("digest") != self.digest():
            return ["its key changed"]
        return lines

    def _migrate(self, version: object, table: dict[str, Any]) -> dict[str, Any] | None:
        """The key of an earlier version as it would be today; None if there is no way."""
        at = int(version) if isinstance(version, int | float) else 0
        while at != self.__version__:
            if at not in self.__migrations__:
                return None
            table = self.__migrations__[at]({**table})
            if not isinstance(table, dict):
                raise TypeError(f"the migration from {at} gave no dict")
            at += 1
        return table


class _Migration:
    def __init__(self, version: int, function: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
        self.version = version
        self.function = function

    def __call__(self, table: dict[str, Any]) -> dict[str, Any]:
        return self.function(table)


def _migrations(cls: type) -> list[_Migration]:
    inherited = (vars(base).values() for base in reversed(cls.__mro__))
    return [each for values in inherited for each in values if isinstance(each, _Migration)]


def migrates(
    version: int,
) -> Callable[[Callable[[dict[str, Any]], dict[str, Any]]], _Migration]:
    """Declare how the key's table of a version becomes that of the next one.

        class Wheels(LayerKey, version=2):
            python: str = key("Python version")

            @migrates(1)
            @staticmethod
            def _from_1(old: dict[str, Any]) -> dict[str, Any]:
                return {"python": old["interpreter"]}

    Whatever it raises only means that the layer is rebuilt, with that as the reason.

    Args:
        version: the one it migrates from.
    """

    def decorate(function: Callable[[dict[str, Any]], dict[str, Any]]) -> _Migration:
        return _Migration(version, getattr(function, "__func__", function))

    return decorate


class Layer:
    """A layer as a buildpack declares it. Use one of the constructors."""

    __slots__ = ("is_build", "is_cache", "is_launch", "name")

    def __init__(
        self, name: str, *, build: bool = False, launch: bool = False, cache: bool = False
    ) -> None:
        try:
            self.name = names.layer_name(name)
        except ValueError as error:
            raise BuildpackFault(str(error), where=f"layer {name!r}") from None
        self.is_build = build
        self.is_launch = launch
        self.is_cache = cache

    @classmethod
    def launch(cls, name: str) -> Layer:
        """For the running app only, and re-used from the previous image while its key fits.

        The right choice for anything large that later buildpacks do not need: an unchanged
        layer costs nothing at all.
        """
        return cls(name, launch=True)

    @classmethod
    def cached(cls, name: str, *, build: bool = False, launch: bool = False) -> Layer:
        """Kept in the build cache; its contents are there again at the next build.

        Args:
            name: the layer's name.
            build: later buildpacks see it (PATH, environment).
            launch: it is part of the image as well.
        """
        return cls(name, build=build, launch=launch, cache=True)

    @classmethod
    def for_build(cls, name: str) -> Layer:
        """For later buildpacks of this build; made anew each time."""
        return cls(name, build=True)

    @classmethod
    def temporary(cls, name: str) -> Layer:
        """For this buildpack while it runs; neither kept nor exported."""
        return cls(name)


class OpenLayer:
    """One layer during one build: a context manager.

    Everything said about the layer is written when the block ends well. When it fails, the
    layer's directory and files are removed.

    Attributes:
        state: "rebuild", "keep" or "reuse".
        why: the reasons for a rebuild, for people; empty otherwise.
        failed: whether the block ended with an exception.
        env: the environment it provides. For a kept layer the old one until changed.
    """

    def __init__(
        self,
        layer: Layer,
        key: LayerKey | None,
        layers_dir: str,
        log: Log,
        *,
        buildpack: str = "",
    ) -> None:
        self.layer = layer
        self.key = key
        self.began = self.ended = 0
        self._buildpack = buildpack
        self.directory = f"{layers_dir}/{layer.name}"
        self._toml = f"{layers_dir}/{layer.name}.toml"
        self._layers_dir = layers_dir
        self._log = log
        self._restored = _read(self._toml)
        self.state: State
        self.state, self.why = self._decide()
        self.env = LayerEnv.read(self.directory) if self.state == "keep" else LayerEnv()
        self._exec_d: dict[str, bytes] = {}
        self._sboms: dict[str, bytes] = {}
        self.failed = False

    @property
    def path(self) -> Path:
        """The layer's directory. A reused layer has none."""
        from pathlib import Path

        return Path(self.directory)

    @property
    def old(self) -> dict[str, Any]:
        """The metadata table of the restored layer; empty if none was restored."""
        return _metadata(self._restored) if self._restored else {}

    @property
    def rebuild(self) -> bool:
        """Whether the author has to fill the layer."""
        return self.state == "rebuild"

    def exec_d(
        self,
        name: str,
        program: str | os.PathLike[str] | Callable[[], Mapping[str, str] | None],
        *,
        process: str = "",
    ) -> None:
        """Have a program run before the app starts (buildpack.md, "Exec.d").

        Args:
            name: its file name; programs run in the order of their names.
            program: a file, which is copied, or a Python function that returns variables to
                set. Its source is what goes into the layer, so it imports what it needs
                itself, from the standard library alone, and uses nothing around it. It runs
                with the `python3` that the app finds on PATH; without one the app does not
                start.
            process: run it for this process type only.

        Raises:
            BuildpackFault: a name that is none, or a function without a source of its own.
        """
        try:
            at = f"{names.process_type(process)}/" if process else ""
            at += names.process_type(name)
        except ValueError as error:
            raise BuildpackFault(str(error), where=f"exec.d {name!r}") from None
        if callable(program):
            from cnbkit.layer.exec_d import script

            self._exec_d[at] = script(program)
        else:
            self._exec_d[at] = _bytes(os.fspath(program))

    def sbom(self, kind: str, document: Mapping[str, Any] | str | bytes) -> None:
        """Say what the layer holds. All of its documents are replaced as a set.

        Args:
            kind: "cdx", "spdx" or "syft"; buildpack.toml has to name it in `sbom-formats`.
            document: the JSON document.

        Raises:
            BuildpackFault: not JSON, or the format is not declared.
        """
        from cnbkit.sbom.check import checked

        self._sboms[kind] = checked(kind, document, self._buildpack)

    @property
    def _restored_text(self) -> str:
        return self._restored or ""

    def _decide(self) -> tuple[State, list[str]]:
        layer = self.layer
        if not layer.is_cache and not (layer.is_launch and not layer.is_build):
            return "rebuild", []
        kept: State = "keep" if layer.is_cache else "reuse"
        if self._restored is None or (layer.is_cache and not os.path.isdir(self.directory)):
            return "rebuild", ["there is none from an earlier build"]
        if self.key is None:
            return kept, []
        # The digest covers version and key, so its presence needs no parser (and no tomllib).
        if f'digest = "{self.key.digest()}"' in self._restored:
            return kept, []
        why = self.key.changes(self.old)
        return ("rebuild", why) if why else (kept, [])

    def __enter__(self) -> OpenLayer:
        if self.rebuild:
            if self.key is not None:  # before the work, not after it
                self.key.parse(self.key.to_plain(), name=type(self.key).__name__)
            self._remove()
            os.makedirs(self.directory)
        self.began = time.time_ns()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.ended = time.time_ns()
        if kind is not None:
            if error is not None and not getattr(error, "layer", ""):
                error.layer = self.layer.name  # type: ignore[attr-defined]
            self._fail()
            return
        try:
            if self.state == "reuse":
                self._check_unchanged()
            else:
                self._write_env()
                self._write_exec_d()
            self._write_sboms()
            text = self._toml_text()
            if self.layer.is_launch:
                self._log.warn_of_secrets(f"the metadata of the layer {self.layer.name}", text)
            with open(self._toml, "w", encoding="utf-8") as file:
                file.write(text)
        except BaseException:
            self._fail()
            raise

    def _fail(self) -> None:
        self.failed = True
        self._remove()
        self.env = LayerEnv()  # else `run` would go on using it

    def _check_unchanged(self) -> None:
        # The old layer carries its old files: new ones would be lost without a word.
        for name, digest in self._extras().items():
            if f'{name} = "{digest}"' not in self._restored_text:
                what = "environment" if name == "env" else "exec.d"
                key = "a key" if self.key is None else type(self.key).__name__
                raise BuildpackFault(
                    f"the {what} of the layer {self.layer.name} changed, but its key did not",
                    where=f"layer {self.layer.name}",
                    remedy=f"make what the {what} depends on part of {key}, or raise its version",
                )

    def _extras(self) -> dict[str, str]:
        """Digests of what the layer holds besides what its author puts into the directory."""
        extras = {}
        if self.env:
            extras["env"] = _digest(self.env.snapshot())
        if self._exec_d:
            extras["exec-d"] = _digest(self._exec_d)
        return extras

    def _write_env(self) -> None:
        if self.state == "keep" and self.env.snapshot() == LayerEnv.read(self.directory).snapshot():
            return  # as it was: what removes it takes longer to import than all of this
        for directory in ("env", "env.build", "env.launch"):
            _remove_tree(f"{self.directory}/{directory}")
        self.env.write(self.directory)
        if self.layer.is_launch:
            what = f"the environment of the layer {self.layer.name}"
            self._log.warn_of_secrets(what, str(self.env.snapshot()))

    def _write_exec_d(self) -> None:
        if not self._exec_d:
            return
        _remove_tree(f"{self.directory}/exec.d")
        for name, program in sorted(self._exec_d.items()):
            path = f"{self.directory}/exec.d/{name}"
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "wb") as file:
                file.write(program)
            os.chmod(path, 0o755)

    def _write_sboms(self) -> None:
        if not self._sboms:
            return
        self._unlink("sbom.")
        for kind, document in self._sboms.items():
            with open(f"{self._layers_dir}/{sbom.file_name(self.layer.name, kind)}", "wb") as file:
                file.write(document)

    def _toml_text(self) -> str:
        layer = self.layer
        types = (
            "[types]\n"
            f"launch = {str(layer.is_launch).lower()}\n"
            f"build = {str(layer.is_build).lower()}\n"
            f"cache = {str(layer.is_cache).lower()}\n\n"
        )
        if self.state == "rebuild":
            metadata = {} if self.key is None else self.key.metadata()
            if layer.is_cache or layer.is_launch:
                metadata.update(self._extras())
            rest = encode({"metadata": metadata}) if metadata else ""
        elif self.key is not None and f'digest = "{self.key.digest()}"' not in self._restored_text:
            # Migrated: today's key, with all else as it was.
            before = self.old
            kept = {name: before[name] for name in ("env", "exec-d", "note") if name in before}
            rest = encode({"metadata": {**self.key.metadata(), **kept}})
        else:
            # What was restored is only [metadata], and it stays as it is.
            rest = self._restored_text
        return types + rest

    def _remove(self) -> None:
        _remove_tree(self.directory)
        self._unlink("toml", "sbom.")

    def _unlink(self, *kinds: str) -> None:
        for entry in os.listdir(self._layers_dir):
            name, _, rest = entry.partition(".")
            if name == self.layer.name and rest.startswith(kinds):
                os.unlink(f"{self._layers_dir}/{entry}")


def _read(path: str) -> str | None:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except FileNotFoundError:
        return None


def _bytes(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()


def _remove_tree(path: str) -> None:
    """Remove a directory, also one whose content took away its owner's right to write."""
    if not os.path.isdir(path):
        return  # the usual case; importing shutil takes longer than everything else here
    import shutil

    shutil.rmtree(path, ignore_errors=True)
    if os.path.isdir(path):
        for directory, _, _ in os.walk(path):
            os.chmod(directory, 0o700)
        shutil.rmtree(path)


def _metadata(text: str) -> dict[str, Any]:
    """The metadata table of a restored layer; an unreadable one counts as empty."""
    from cnbkit.spec.model import InvalidDocument

    try:
        table = decode(text, name="layer").get("metadata", {})
    except InvalidDocument:
        return {}
    return table if isinstance(table, dict) else {}


def _canonical(value: Any) -> Any:
    if isinstance(value, dict):
        return sorted((name, _canonical(each)) for name, each in value.items())
    if isinstance(value, list):
        return [_canonical(each) for each in value]
    return value


def _digest(value: Any) -> str:
    import hashlib

    return hashlib.sha256(repr(_canonical(value)).encode(errors="surrogateescape")).hexdigest()


def _same(before: Any, after: Any) -> bool:
    # The lifecycle keeps metadata as JSON, where a whole number is a float and loses digits.
    if isinstance(before, float) and isinstance(after, int):
        return before == float(after)
    return bool(before == after)


def _change(label: str, before: Any, after: Any) -> str:
    # An empty list is left out of the table.
    before = [] if before is None and isinstance(after, list) else before
    after = [] if after is None and isinstance(before, list) else after
    before = int(before) if isinstance(before, float) and before.is_integer() else before
    if isinstance(before, list) and isinstance(after, list):
        gone = [_shown(each) for each in before if each not in after]
        new = [_shown(each) for each in after if each not in before]
        parts = [each for each in new if each in gone]
        parts += [f"-{each}" for each in gone if each not in new]
        parts += [f"+{each}" for each in new if each not in gone]
        if len(parts) > _SHOWN:
            parts[_SHOWN:] = [f"and {len(parts) - _SHOWN} more"]
        return f"{label} changed: {' '.join(parts) or 'other order'}"
    old, new_text = _shown(before), _shown(after)
    if len(old) + len(new_text) > 80 or before is None or after is None or old == new_text:
        return f"{label} changed"
    return f"{label} changed from {old} to {new_text}"


def _shown(item: Any) -> str:
    """An item without what follows ` #`."""
    return str(item).partition(" #")[0]
