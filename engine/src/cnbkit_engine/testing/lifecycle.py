"""Builds through the real lifecycle, and the images they make: run, looked into, asked.

The counterpart of the in-process harness where the whole counts: several buildpacks, the image,
a process that answers. Slower (a second or more a build), and nothing of it is fake.
"""

from __future__ import annotations

import json
import shutil
import tomllib
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cnbkit.spec.toml import encode
from cnbkit.testing.inputs import AppFiles
from cnbkit_engine.testing.container import Container

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
            code: the exit status the lifecycle has to end with.

        Raises:
            AssertionError: it ended with another; the message has the whole log.
        """
        name = f"test-{uuid.uuid4().hex[:12]}"
        self._names.append(name)
        recipe = _Recipe(
            app=AppFiles.of(app),
            env=dict(env or {}),
            builder=self._choose(name, buildpacks, order, builder),
            prepare=prepare,
            default_process=default_process,
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
        outcome = self._engine.build(
            app,
            name,
            recipe.builder,
            recipe.env,
            clear_cache=clear_cache,
            default_process=recipe.default_process,
        )
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
    default_process: str


@dataclass(frozen=True)
class BuiltApp:
    """One build of an app, and its image.

    Attributes:
        name: the image's name; the newest build of the app has it.
        code: the lifecycle's exit status.
        log: all that the lifecycle and the buildpacks printed. When no buildpack joins, that
            includes what each of them said in detect.
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
            default_process=before.default_process,
        )
        return self._builds._build(self.name, recipe, clear_cache=clear_cache, code=code)

    def start(
        self,
        process: str | None = None,
        args: Sequence[str] = (),
        *,
        env: Mapping[str, str] | None = None,
        binds: Mapping[Path, str] | None = None,
        shell: str = "",
    ) -> Container:
        """Start a process in the background; to be used in a `with` block, which ends it.

        Args:
            process: its type; the image's default if not given.
            args: replace its default arguments.
            env: added to the image's environment.
            binds: host files and folders shown inside, writable: path here → path there. For
                tests of root's, what is below the folder for temporary files becomes the user's
                that processes run as; the rest they write as others may.
            shell: a shell command to run instead, with the launcher's environment.
        """
        self._root.mkdir(parents=True, exist_ok=True)
        command = ("/bin/sh", "-c", shell) if shell else ()
        engine, image = self._engine, self.image
        return Container(
            lambda output: engine.start(
                image, process, args, command, env or {}, binds or {}, output
            ),
            self._root,
        )

    def run(
        self,
        process: str | None = None,
        args: Sequence[str] = (),
        *,
        env: Mapping[str, str] | None = None,
        binds: Mapping[Path, str] | None = None,
        code: int = 0,
    ) -> str:
        """Run a process to its end; what it printed. See `start` for the arguments.

        Args:
            process: its type; the image's default if not given.
            args: replace its default arguments.
            env: added to the image's environment.
            binds: host files and folders shown inside.
            code: the exit status it has to end with.

        Raises:
            AssertionError: it ended with another.
        """
        with self.start(process, args, env=env, binds=binds) as container:
            return container.expect(code)

    def shell(self, command: str, *, env: Mapping[str, str] | None = None, code: int = 0) -> str:
        """Run a shell command in the image, with the environment its processes get.

        Raises:
            AssertionError: it ended with another exit status than `code`.
        """
        with self.start(shell=command, env=env) as container:
            return container.expect(code)

    def sbom(self) -> dict[str, Any]:
        """The SBOMs in the image: `buildpack_id/layer/sbom.cdx.json` → the document."""
        found = {}
        for root in self._engine.files(self.image, "sbom"):
            folder = root / "layers" / "sbom" / "launch"
            for path in sorted(folder.rglob("*.json")):
                found[path.relative_to(folder).as_posix()] = json.loads(path.read_bytes())
        return found


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
