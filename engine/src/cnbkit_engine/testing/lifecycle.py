"""Builds through the real lifecycle, and the images they make: run, looked into, asked.

The counterpart of the in-process harness where the whole counts: several buildpacks, the image,
a process that answers. Slower (a second or more a build), and nothing of it is fake.
"""

from __future__ import annotations

import shutil
import tomllib
import uuid
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from cnbkit.spec.toml import encode
from cnbkit.testing.inputs import AppFiles, write_files
from cnbkit_engine.testing.engine import Options
from cnbkit_engine.testing.startable import Startable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from cnbkit.testing.inputs import Files
    from cnbkit_engine.oci.image import Image
    from cnbkit_engine.testing.engine import Engine, Outcome

__all__ = ["BuiltApp", "LifecycleBuild"]


class LifecycleBuild:
    """Builds apps: the fixture `lifecycle_build`.

    Args:
        engine: what builds and runs.
        root: an empty directory.
        builder: the builder.toml to use where a build names no buildpacks.
    """

    def __init__(self, engine: Engine, root: Path, builder: Path | None = None) -> None:
        self._engine = engine
        self._root = root
        self._builder = builder
        self._names: list[str] = []

    def build(
        self,
        app: Files | Path | str,
        *,
        buildpacks: Sequence[Path | str] | None = None,
        order: Sequence[Sequence[str]] | None = None,
        builder: Path | None = None,
        env: Mapping[str, str] | None = None,
        prepare: Callable[[Path], object] | None = None,
        default_process: str = "",
        bindings: Mapping[str, Mapping[str, str]] | None = None,
        volumes: Mapping[Path, str] | None = None,
        exec_env: str = "",
        target: str = "",
        network: Literal["host", "none", "private"] = "host",
        previous: BuiltApp | None = None,
        code: int = 0,
    ) -> BuiltApp:
        """Build an app for the first time; image and cache are its own.

        Args:
            app: the app's files, by name; or a folder, which is copied.
            buildpacks: folders of buildpacks, written on cnbkit or not, in one group.
            order: groups of ids for these buildpacks, `id?` for an optional one.
            builder: a builder.toml instead.
            env: build-time variables, BP_* for instance.
            prepare: changes the copy of the app before it is built.
            default_process: the process type the image starts.
            bindings: service bindings: name → entry → contents.
            volumes: folders and files of this machine that buildpacks see: path here → path there.
            exec_env: what the image is for; "production" if not given.
            target: `linux/amd64` or `linux/arm64`; this machine's if not given.
            network: what buildpacks reach: this machine's, none, or one of their own.
            previous: a build of another app whose image and cache this one finds, as if it were
                the same app with all of its files changed.
            code: the exit status the lifecycle has to end with.

        Raises:
            AssertionError: it ended with another; the message has the whole log.
        """
        name = previous.name if previous else f"test-{uuid.uuid4().hex[:12]}"
        self._names += [] if previous else [name]
        recipe = _Recipe(
            app=AppFiles.of(app),
            env=dict(env or {}),
            builder=self._choose(name, buildpacks, order, builder),
            prepare=prepare,
            options=Options(
                volumes=dict(volumes or {}),
                exec_env=exec_env,
                arch=target.removeprefix("linux/"),
                network=network,
                default_process=default_process,
            ),
            bindings=dict(bindings or {}),
        )
        return self._build(name, recipe, code=code)

    def close(self) -> None:
        """Remove all images and caches."""
        for name in self._names:
            self._engine.remove(name)

    def _choose(
        self,
        name: str,
        buildpacks: Sequence[Path | str] | None,
        order: Sequence[Sequence[str]] | None,
        builder: Path | None,
    ) -> Path:
        if buildpacks is not None:
            made = self._root / f"{name}-{uuid.uuid4().hex[:6]}.toml"
            made.parent.mkdir(parents=True, exist_ok=True)
            made.write_text(_builder([Path(each).resolve() for each in buildpacks], order))
            return made
        chosen = builder or self._builder
        if chosen is None:
            raise ValueError("name buildpacks or a builder.toml to build with")
        return chosen

    def _build(
        self, name: str, recipe: _Recipe, *, clear_cache: bool = False, code: int = 0
    ) -> BuiltApp:
        app = self._root / name
        shutil.rmtree(app, ignore_errors=True)
        recipe.app.write(app)
        if recipe.prepare:
            recipe.prepare(app)
        shown = self._root / f"{name}-bindings"
        shutil.rmtree(shown, ignore_errors=True)
        for binding, entries in recipe.bindings.items():
            write_files(shown / binding, entries)
        bound = {shown / each: f"/platform/bindings/{each}" for each in recipe.bindings}
        options = replace(
            recipe.options,
            volumes={**recipe.options.volumes, **bound},
            clear_cache=clear_cache,
        )
        outcome = self._engine.build(app, name, recipe.builder, recipe.env, options)
        print(outcome.log)
        if outcome.code != code:
            raise AssertionError(
                f"the lifecycle ended with {outcome.code} and not {code}:\n{outcome.log}"
            )
        return BuiltApp(name, outcome, self._engine, self._root, self, recipe)


@dataclass(frozen=True)
class _Recipe:
    """What an app is built of."""

    app: AppFiles
    env: Mapping[str, str]
    builder: Path
    prepare: Callable[[Path], object] | None
    options: Options
    bindings: Mapping[str, Mapping[str, str]]


@dataclass(frozen=True)
class BuiltApp(Startable):
    """One build of an app, and its image.

    Attributes:
        name: the image's name; the newest build of the app has it.
        code: the lifecycle's exit status.
        log: all that the lifecycle and the buildpacks printed, in detect as well.
        detected: the reason each buildpack of the last group gave for joining or not, by its id.
        states: "built" or "reused" for each layer, by `buildpack/id:layer`, "app" and so on.
        why: reasons for rebuilds, by `buildpack_id:layer`.
        image: config, labels, processes, environment and layers.
    """

    name: str
    _outcome: Outcome = field(repr=False)
    _engine: Engine = field(repr=False)
    _root: Path = field(repr=False)
    _builds: LifecycleBuild = field(repr=False)
    _recipe: _Recipe = field(repr=False)

    @property
    def code(self) -> int:
        """The lifecycle's exit status."""
        return self._outcome.code

    @property
    def log(self) -> str:
        """All that was printed."""
        return self._outcome.log

    @property
    def detected(self) -> Mapping[str, str]:
        """What each buildpack said in detect: `join: found app.py`."""
        return self._outcome.detected

    @property
    def states(self) -> Mapping[str, str]:
        """Whether each layer was built or reused."""
        return self._outcome.states

    @property
    def why(self) -> Mapping[str, str]:
        """Why layers were rebuilt."""
        return self._outcome.why

    @property
    def image(self) -> Image:
        """The image.

        Raises:
            LookupError: the build failed.
        """
        if self._outcome.image is None:
            raise LookupError(f"the build failed, there is no image; the log was:\n{self.log}")
        return self._outcome.image

    @property
    def layers(self) -> dict[str, str]:
        """Digests of the layers' contents, by `buildpack/id:layer`, "app" and so on."""
        return {layer.what: layer.diff_id for layer in self.image.layers}

    def rebuild(
        self,
        *,
        app: Files | Path | str | None = None,
        env: Mapping[str, str | None] | None = None,
        buildpacks: Sequence[Path | str] | None = None,
        order: Sequence[Sequence[str]] | None = None,
        builder: Path | None = None,
        prepare: Callable[[Path], object] | None = None,
        bindings: Mapping[str, Mapping[str, str]] | None = None,
        volumes: Mapping[Path, str] | None = None,
        exec_env: str | None = None,
        network: Literal["host", "none", "private"] | None = None,
        clear_cache: bool = False,
        code: int = 0,
    ) -> BuiltApp:
        """Build the app again, with the image and the cache of its last build.

        What is not given stays as it was.

        Args:
            app: files that changed, None for one that went; or a folder, for all of them.
            env: variables that changed, None for one that went.
            buildpacks: other folders of buildpacks.
            order: their groups.
            builder: another builder.toml.
            prepare: changes the copy of the app before it is built.
            bindings: service bindings, all of them.
            volumes: what else buildpacks see, all of it.
            exec_env: what the image is for.
            network: what buildpacks reach.
            clear_cache: forget what the last build left.
            code: the exit status the lifecycle has to end with.
        """
        before = self._recipe
        variables = {**before.env, **(env or {})}
        other = buildpacks is not None or builder is not None
        recipe = _Recipe(
            app=before.app.changed(app),
            env={name: value for name, value in variables.items() if value is not None},
            builder=self._builds._choose(self.name, buildpacks, order, builder)
            if other
            else before.builder,
            prepare=prepare or before.prepare,
            options=replace(
                before.options,
                volumes=before.options.volumes if volumes is None else dict(volumes),
                exec_env=before.options.exec_env if exec_env is None else exec_env,
                network=network or before.options.network,
            ),
            bindings=before.bindings if bindings is None else dict(bindings),
        )
        return self._builds._build(self.name, recipe, clear_cache=clear_cache, code=code)


def _builder(buildpacks: Sequence[Path], order: Sequence[Sequence[str]] | None) -> str:
    known = {}
    for folder in buildpacks:
        table = tomllib.loads((folder / "buildpack.toml").read_text(encoding="utf-8"))
        known[table["buildpack"]["id"]] = table["buildpack"]["version"]
    groups = [list(known)] if order is None else order
    return encode(
        {
            "buildpacks": [{"uri": str(folder)} for folder in buildpacks],
            "order": [{"group": [_entry(text, known) for text in group]} for group in groups],
        }
    )


def _entry(text: str, known: Mapping[str, str]) -> dict[str, Any]:
    identity = text.removesuffix("?")
    return {"id": identity, "version": known[identity], "optional": text.endswith("?")}
