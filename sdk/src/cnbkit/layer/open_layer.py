"""A layer during one build.

It is in one of three states, decided when it is opened and told to the author:

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
from cnbkit.layer import files
from cnbkit.layer.env import LayerEnv
from cnbkit.layer.key import digest_of
from cnbkit.spec import names
from cnbkit.spec.toml import encode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path
    from types import TracebackType
    from typing import Any, Literal

    from cnbkit.layer.key import LayerKey
    from cnbkit.layer.layer import Layer
    from cnbkit.log import Log

    State = Literal["rebuild", "keep", "reuse"]

__all__ = ["OpenLayer"]


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
        place: str = "",
        sboms: bool = True,
    ) -> None:
        self.layer = layer
        self.key = key
        self.began = self.ended = 0
        self._buildpack = buildpack
        self._place = place or f"layer {layer.name}"
        self.directory = f"{layers_dir}/{layer.name}"
        self._toml = f"{layers_dir}/{layer.name}.toml"
        self._layers_dir = layers_dir
        self._log = log
        self._restored = files.read(self._toml)
        self.state: State
        self.state, self.why = self._decide()
        # Of a layer that was cached until now: the old contents, to be exported once more.
        self._has_contents = self.state == "reuse" and os.path.isdir(self.directory)
        self.env = LayerEnv.read(self.directory) if self.state == "keep" else LayerEnv()
        self._exec_d: dict[str, bytes] = {}
        self._sboms: dict[str, bytes] = {}
        self._with_sboms = sboms
        self.failed = False

    @property
    def path(self) -> Path:
        """The layer's directory. A reused layer has none.

        Raises:
            BuildpackFault: the layer's `with` block has not begun: the directory is made there.
        """
        if not self.began:
            self._check_open("path")
        from pathlib import Path

        return Path(self.directory)

    @property
    def old(self) -> dict[str, Any]:
        """The metadata table of the restored layer; empty if none was restored."""
        return files.metadata_in(self._restored) if self._restored else {}

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
                itself, from the standard library alone, and uses nothing around it but
                `launch_bindings`. It runs
                with the `python3` that the app finds on PATH; without one the app does not
                start.
            process: run it for this process type only.

        Raises:
            BuildpackFault: a name that is none, or a function without a source of its own.
        """
        self._check_open("exec_d")
        try:
            at = f"{names.process_type(process)}/" if process else ""
            at += names.exec_d(name)
        except ValueError as error:
            raise BuildpackFault(
                str(error), where=f"exec.d {name!r}", remedy="name it like 10-settings"
            ) from None
        if callable(program):
            from cnbkit.layer.exec_d import script

            self._exec_d[at] = script(program)
        else:
            self._exec_d[at] = files.read_bytes(os.fspath(program))

    def sbom(self, kind: str, document: Mapping[str, Any] | str | bytes) -> None:
        """Say what the layer holds. All of its documents are replaced as a set.

        Args:
            kind: "cdx", "spdx" or "syft"; buildpack.toml has to name it in `sbom-formats`.
            document: the JSON document.

        Raises:
            BuildpackFault: not JSON, or the format is not declared.
        """
        self._check_open("sbom")
        from cnbkit.sbom.check import checked

        self._sboms[kind] = checked(kind, document, self._buildpack)

    def _check_open(self, what: str) -> None:
        if not self.began or self.ended:
            from cnbkit.layer.misuse import outside_of_block

            raise outside_of_block(self.layer.name, what, self._place, after=bool(self.ended))

    def check_finished(self) -> None:
        """Tell what would be lost without a word, once build has returned.

        Raises:
            BuildpackFault: the layer has no `with` block, or was changed after it.
        """
        if not self.began:
            from cnbkit.layer.misuse import without_block

            raise without_block(self.layer.name, self._place)
        if self.failed:
            return
        if not self.env.closed:
            from cnbkit.layer.misuse import env_replaced

            raise env_replaced(self.layer.name, self._place)
        self._check_absent("after its block")

    def _check_absent(self, when: str) -> None:
        # The lifecycle would export what is there in place of the layer of the old image.
        if self.state != "reuse" or self._has_contents:
            return
        if os.path.lexists(self.directory):
            from cnbkit.layer.misuse import filled_though_reused

            raise filled_though_reused(self.layer.name, self._place, when)

    @property
    def _restored_text(self) -> str:
        return self._restored or ""

    def _decide(self) -> tuple[State, list[str]]:
        layer = self.layer
        if not layer.is_cache and not (layer.is_launch and not layer.is_build):
            return "rebuild", []
        kept: State = "keep" if layer.is_cache else "reuse"
        if self._restored is None or (layer.is_cache and not os.path.isdir(self.directory)):
            return "rebuild", ["new"]
        if self.key is None:
            return kept, []
        # The digest covers version and key, so its presence needs no parser (and no tomllib).
        if f'digest = "{self.key._digest()}"' in self._restored:
            return kept, []
        why = self.key._changes(self.old)
        return ("rebuild", why) if why else (kept, [])

    def __enter__(self) -> OpenLayer:
        if self.rebuild:
            if self.key is not None:  # before the work, not after it
                from cnbkit.layer.misuse import check_key

                check_key(self.key, self.layer.name, self._place)
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
                self._check_absent("in its block")
                self._check_unchanged()
            else:
                self._write_env()
                files.write_exec_d(self.directory, self._exec_d)
            if self._sboms or not self._with_sboms:
                documents = self._sboms if self._with_sboms else {}
                files.write_sboms(self._layers_dir, self.layer.name, documents)
            text = self._toml_text()
            if self.layer.is_launch:
                self._log.warn_of_secrets(f"the metadata of the layer {self.layer.name}", text)
            with open(self._toml, "w", encoding="utf-8") as file:
                file.write(text)
        except BaseException:
            self._fail()
            raise
        self.env.close(self.layer.name)

    def _fail(self) -> None:
        self.failed = True
        self._remove()
        self.env = LayerEnv()  # else `run` would go on using it

    def _check_unchanged(self) -> None:
        # The old layer carries its old files: new ones would be lost without a word.
        for name, digest in self._extras().items():
            if f'{name} = "{digest}"' not in self._restored_text:
                from cnbkit.layer.misuse import changed_with_same_key

                what = "environment" if name == "env" else "exec.d"
                raise changed_with_same_key(self.layer.name, what, self.key)

    def _extras(self) -> dict[str, str]:
        """Digests of what the layer holds besides what its author puts into the directory."""
        extras = {}
        if self.env:
            extras["env"] = digest_of(self.env.snapshot())
        if self._exec_d:
            extras["exec-d"] = digest_of(self._exec_d)
        return extras

    def _write_env(self) -> None:
        if self.state == "keep" and self.env.snapshot() == LayerEnv.read(self.directory).snapshot():
            return  # as it was: what removes it takes longer to import than all of this
        for directory in ("env", "env.build", "env.launch"):
            files.remove_tree(f"{self.directory}/{directory}")
        self.env.write(self.directory)
        if self.layer.is_launch:
            what = f"the environment of the layer {self.layer.name}"
            self._log.warn_of_secrets(what, str(self.env.snapshot()))

    def _toml_text(self) -> str:
        layer = self.layer
        types = files.types_table(layer)
        if self.state == "rebuild":
            metadata = {} if self.key is None else self.key._metadata()
            if layer.is_cache or layer.is_launch:
                metadata.update(self._extras())
            rest = encode({"metadata": metadata}) if metadata else ""
        elif self.key is not None and f'digest = "{self.key._digest()}"' not in self._restored_text:
            # Migrated: today's key, with all else as it was.
            before = self.old
            kept = {name: before[name] for name in ("env", "exec-d", "note") if name in before}
            rest = encode({"metadata": {**self.key._metadata(), **kept}})
        else:
            # What was restored is only [metadata], and it stays as it is.
            rest = self._restored_text
        return types + rest

    def _remove(self) -> None:
        files.remove_tree(self.directory)
        files.unlink(self._layers_dir, self.layer.name, "toml", "sbom.")
