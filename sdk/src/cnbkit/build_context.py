"""What build sees, and does by it: layers, downloads, programs."""

from __future__ import annotations

import os

from cnbkit.context import C, PhaseContext, read_plan
from cnbkit.errors import BuildpackFault, InvalidDocument

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path
    from typing import TypeVar

    from cnbkit.command import Runner
    from cnbkit.dependencies import Dependencies
    from cnbkit.dependency import Dependency
    from cnbkit.layer.key import LayerKey
    from cnbkit.layer.layer import Layer
    from cnbkit.layer.open_layer import OpenLayer
    from cnbkit.log import Log
    from cnbkit.package_request import PackageRequest
    from cnbkit.spec.build_plan import BuildpackPlan
    from cnbkit.spec.model import Model

    D = TypeVar("D")
    M = TypeVar("M", bound=Model)

__all__ = ["WITHOUT_SBOM", "BuildContext"]

WITHOUT_SBOM = "BP_DISABLE_SBOM"
"""The setting that leaves bills of materials out of the image, of every buildpack (libpak's)."""


class BuildContext(PhaseContext[C]):
    """Given to `Buildpack.build`. The working directory is the app's.

    Attributes:
        run: runs programs with the build environment and the layers opened so far.
        dry: whether only `decide` is asked (`cnbkit plan`): what earlier buildpacks install is not
            there.
        resolves: whether `decide` may ask indexes (not with `cnbkit plan --no-resolve`).
    """

    def __init__(
        self,
        *,
        app: str,
        env: Mapping[str, str],
        buildpack: str,
        platform: str,
        layers: str,
        plan: str,
        log: Log,
    ) -> None:
        super().__init__(app=app, env=env, buildpack=buildpack, platform=platform, log=log)
        self._layers = layers
        self._plan = plan
        self.opened: list[OpenLayer] = []
        self.dry = False
        self.resolves = True
        self._deciding = False
        self.run = self._runner()

    def deciding(self, decide: Callable[[BuildContext], D]) -> D:
        """What `Buildpack.decide` comes to; meanwhile no layer can be opened."""
        self._deciding = True
        try:
            return decide(self)
        finally:
            self._deciding = False

    def _runner(self) -> Runner:
        from cnbkit.command import Runner  # not for detect

        log = self.log
        return Runner(
            self._env_of_programs,
            self.app.root,
            lambda line: log.info(f"  {line}"),
            log.secrets,
            log.still,
        )

    def enter(self, folder: str, setting: str) -> None:
        """Take a folder of the app for the app; programs run there as well."""
        super().enter(folder, setting)
        self.run = self._runner()

    @property
    def plan(self) -> BuildpackPlan:
        """What other buildpacks require of this one."""
        return read_plan(self._plan)

    def package_requests(self, name: str) -> list[PackageRequest]:
        """What later buildpacks ask of this one, which installs packages (`PackageRequest`).

        Args:
            name: what this buildpack provides: `site-packages` or `conda-environment`.

        Raises:
            UserFault: one of the requirers cannot be served, or two of them exclude each other.
            BuildpackFault: a request does not fit.
        """
        if not self._plan:
            return []
        # As text first: hardly an app has any, and a TOML parser takes longer than most builds.
        with open(self._plan, encoding="utf-8", errors="replace") as file:
            text = file.read()
        if "request" not in text or "subject" not in text:
            return []
        from cnbkit.package_request import asked_of

        return asked_of(self.plan, name)

    @property
    def store(self) -> dict[str, object]:
        """What the last build put into `BuildResult(store=…)`; empty the first time.

        Whole numbers come back as such, also those that were written as 1.0: on its way through
        the lifecycle every number is a float.
        """
        from cnbkit.store import read_store

        return read_store(f"{self._layers}/store.toml")

    def stored(self, kind: type[M]) -> M | None:
        """`store` as a model of yours, typed; None the first time, or if it does not fit any more.

        Args:
            kind: a `Model`; write it with `BuildResult(store=model.to_plain())`.
        """
        table = self.store
        if not table:
            return None
        try:
            return kind.parse(table, name="store.toml")
        except InvalidDocument as invalid:
            self.log.debug(f"what the last build stored does not fit: {invalid.faults[0]}")
            return None

    def layer(self, layer: Layer, key: LayerKey | None = None) -> OpenLayer:
        """Open a layer for the length of a `with` block.

        Args:
            layer: its declaration.
            key: what its contents depend on. Without one, whatever was restored fits.

        Raises:
            BuildpackFault: it was opened before, and that did not fail; or what is given is no
                `Layer` or no `LayerKey`.
        """
        from cnbkit.blame import calling_line  # not for detect
        from cnbkit.layer.layer import check_given
        from cnbkit.layer.open_layer import OpenLayer

        check_given(layer, key)
        if self._deciding:
            raise BuildpackFault(
                f"the layer {layer.name} is opened in decide",
                where=f"layer {layer.name}",
                remedy="open it in contribute; ctx.look(layer, key) tells what state it is in",
            )
        others = [each for each in self.opened if each.layer.name != layer.name]
        if any(not each.failed for each in self.opened if each not in others):
            raise BuildpackFault(
                f"the layer {layer.name} is opened twice in one build",
                where=f"layer {layer.name}",
                remedy="open it once, or name the second one differently",
            )
        opened = OpenLayer(
            layer,
            key,
            self._layers,
            self.log,
            buildpack=self._buildpack,
            place=calling_line(),
            sboms=not self.settings.flag(WITHOUT_SBOM),
        )
        self.opened = [*others, opened]
        return opened

    def look(self, layer: Layer, key: LayerKey | None = None) -> OpenLayer:
        """The layer as `layer` would open it, to read its `state`, `why` and `old`.

        Nothing is made or written; for `decide`. What was restored of it lies in its `directory`.

        Args:
            layer: its declaration.
            key: what its contents depend on.
        """
        from cnbkit.layer.layer import check_given
        from cnbkit.layer.open_layer import OpenLayer

        check_given(layer, key)
        return OpenLayer(layer, key, self._layers, self.log, buildpack=self._buildpack)

    @property
    def run_image(self) -> str:
        """Name of the image that the app's is made on, like `registry.example.com/base:12`.

        As the platform gave it, with a tag or a digest; where it gave none (Platform API before
        0.12), whatever the lifecycle says of it. Empty where nothing is known of it. The
        lifecycle writes it down for its own phases (platform.md, "analyzed.toml"); it is a fact
        for rules and messages, and no part of what a buildpack is promised.
        """
        from cnbkit.spec.analyzed import run_image

        try:
            with open(f"{os.path.dirname(self._layers)}/analyzed.toml", "rb") as file:
                return run_image(file.read())
        except OSError:
            return ""

    @property
    def scratch(self) -> str:
        """A directory beside the layers that the lifecycle neither exports nor keeps.

        For caches to hard-link from, and other files this build alone needs.
        """
        path = f"{self._layers}/.scratch"
        os.makedirs(path, exist_ok=True)
        return path

    @property
    def fetched(self) -> str:
        """A directory for what is fetched, to link or copy it into layers.

        On the same mount as the layers. Where `cnbkit build` fails, its next build of the same
        image has what is in it; on other platforms it is as short-lived as `scratch`. So whatever
        is found in it has to be checked, or its user has to be one who may write it.
        """
        top, name = os.path.split(self._layers)
        path = f"{top}/.fetched/{name}"
        try:
            os.makedirs(path, exist_ok=True)
        except OSError:  # a platform where only the folder of layers is the build's
            return self.scratch
        return path

    def program(self, name: str) -> str:
        """A program that the buildpack's own requirements bring, to be run with `run`.

        In a test it is the command of that name, so that a fake one can stand for it.
        """
        path = f"{self._buildpack}/lib/bin/{name}"
        return path if os.path.exists(path) else name

    def dependencies(self, id: str, *, licenses: Sequence[str] = ()) -> Dependencies:  # noqa: A002
        """What `[[metadata.dependencies]]` of the descriptor lists for this target.

            node = ctx.dependencies("node").best("20.*", where="package.json")
            ctx.unpack(ctx.download(node), layer.path, strip=1)

        Args:
            id: of the entries.
            licenses: SPDX identifiers of which a dependency has to have one; those that name none
                fit as well.

        Raises:
            BuildpackFault: none is listed with that id, or the list is not as it should be.
        """
        import time

        from cnbkit.dependencies import Dependencies, dependencies_in
        from cnbkit.spec.toml import decode

        text, name, path = self._descriptor()
        metadata = decode(text, name=name, where=path).get("metadata", {})
        return Dependencies(
            id,
            dependencies_in(metadata, path),
            self.target,
            where=path,
            log=self.log,
            today=time.strftime("%Y-%m-%d", time.gmtime()),
            licenses=licenses,
        )

    def unpack(self, archive: str | Path, to: str | Path, *, strip: int = 0) -> None:
        """Unpack an archive into a folder: tar (gz, bz2, xz, zst), zip, deb, or one packed file.

        Nothing is written outside of the folder, whatever the archive's names and links say.
        Owners are this user's; set-user-ID bits are dropped.

        Args:
            archive: its path, such as `download` gives.
            to: the folder; made if it is not there.
            strip: how many leading folders of each name are left out, as by tar's
                `--strip-components`.

        Raises:
            BuildpackFault: it is not an archive, is damaged, or has names that lead out of the
                folder.
            PlatformFault: the disk is full.
        """
        from cnbkit.archive import unpack

        unpack(str(archive), str(to), strip=strip)

    def download(self, dependency: Dependency) -> Path:
        """A file from elsewhere, its checksum verified; in `fetched`, or in an offline package.

        Raises:
            DownloadFailed: none of its addresses gives it.
            PlatformFault: the disk is full.
        """
        from pathlib import Path

        from cnbkit.download import Downloads

        downloads = Downloads(
            f"{self.fetched}/dependencies",
            f"{self._buildpack}/dependencies",
            self.settings,
            self.bindings,
            self.log,
        )
        return Path(downloads.fetch(dependency))

    def restored_layers(self) -> list[str]:
        """Names of the layers the lifecycle restored, opened or not."""
        reserved = ("build", "launch", "store")
        found = (e.removesuffix(".toml") for e in os.listdir(self._layers) if e.endswith(".toml"))
        return sorted(name for name in found if name not in reserved)

    def _env_of_programs(self) -> dict[str, str]:
        # What runs next may print a secret: know them all before.
        _ = self.bindings
        return self.build_env()

    def build_env(self) -> dict[str, str]:
        """The build environment with the build layers opened so far, by the lifecycle's rules."""
        env = dict(self.env)
        for opened in self.opened:
            if opened.layer.is_build:
                env = opened.env.apply_layer(env, opened.directory, phase="build")
        return env
