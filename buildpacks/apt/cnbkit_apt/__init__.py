"""The `apt` buildpack: Debian packages the app declares → a layer, without root."""

from __future__ import annotations

import os

from cnbkit import (
    BuildContext,
    Buildpack,
    BuildResult,
    Decision,
    DetectContext,
    DetectResult,
    Layer,
    LayerKey,
    Log,
    OpenLayer,
    Plan,
    Triggers,
    key,
)
from cnbkit_aptfile import APT_TXT, FILES, INSTALLED, MODE, AptConfig, Inputs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cnbkit_apt.apt import AptGet
    from cnbkit_apt.archive import Archive

__all__ = ["Apt"]

# Left in the build image when it is made; a buildpack never sees the run image itself.
_RECORD = "/usr/share/cnbkit/run-image/status"


_BINDERS = (f"binder/{APT_TXT}", f".binder/{APT_TXT}")


class Wanted(LayerKey):
    """What is declared, and all else the resolution depends on."""

    inputs: list[str] = key("inputs")
    settings: list[str] = key("settings")
    base: str = key("packages of the run image")
    target: str = key("target")


class Packages(LayerKey):
    """What a layer holds: each package with version and checksum."""

    packages: list[str] = key("packages")
    target: str = key("target")


class Chosen(Decision):
    """What is declared.

    Attributes:
        config: what the person who builds has set.
        inputs: the files.
        wanted: the key of the resolution.
        why: reasons to resolve; none if the previous image has it.
    """

    def __init__(self, config: AptConfig, inputs: Inputs, wanted: Wanted, why: list[str]) -> None:
        super().__init__()
        self.config = config
        self.inputs = inputs
        self.wanted = wanted
        self.why = why


class Apt(Buildpack[Chosen]):
    """Installs Debian packages.

    Attributes:
        system: where the build image's own files are; tests have them elsewhere.
    """

    repeatable = True

    # What lies in a folder of Binder's is for the `binder` buildpack to ask for.
    triggers = Triggers(*FILES, APT_TXT, *_BINDERS, settings=("BP_APT_INPUT",))
    config = AptConfig
    system = ""

    # Keyed by the declaration: while it can be re-used, so can the others, and apt is not run.
    resolution = Layer.launch("resolution")
    # What the app runs with. The name is short: a path in it has to take the place of
    # /usr/lib/x86_64-linux-gnu in programs.
    packages = Layer.launch("debs")
    # What only later buildpacks need: headers, compilers. Likewise.
    build_packages = Layer.cached("dev", build=True)

    def detect(self, ctx: DetectContext) -> DetectResult:
        """Join if packages are declared; most pyproject.toml files do not mention apt."""
        inputs = Inputs.find(ctx.app, ctx.settings.get("BP_APT_INPUT"))
        asked = Plan().requires("binder-apt")
        if inputs:
            return ctx.join(f"found {', '.join(inputs.files)}", asked | Plan())
        for name in _BINDERS:
            if ctx.app.has(name):
                return ctx.join(f"found {name}", asked)
        return ctx.skip("no Aptfile, and no [tool.cnbkit.apt]")

    def decide(self, ctx: BuildContext) -> Chosen:
        """What is declared, and whether the previous image has exactly that.

        What that comes to is apt's to say, by lists that take longer than all else in a plan; so
        a plan names what is known without fetching them.
        """
        config = self.config.read(ctx.settings)
        inputs = Inputs.find(ctx.app, config.input)
        wanted = Wanted(
            inputs=inputs.digests(ctx.app),
            settings=config.changed(),
            base="" if config.mode == "image" else _digest(self._status()),
            target=str(ctx.target),
        )
        if config.mode == "image":
            in_images = Chosen(config, inputs, wanted, [])
            if ctx.dry:
                self._plan(ctx, in_images)
            return in_images
        resolution = ctx.look(self.resolution, wanted)
        restored = ctx.restored_layers()
        known = self.packages.name in restored and (
            self.build_packages.name in restored or not inputs.for_build
        )
        why = []
        if resolution.rebuild or not known:
            why = resolution.why or ["a layer of the last build is gone"]
        decision = Chosen(config, inputs, wanted, why)
        decision.layer(self.resolution, wanted)
        decision.layer(self.packages, why=why)
        if inputs.for_build:
            decision.layer(self.build_packages, why=why)
        if ctx.dry:
            self._plan(ctx, decision)
        return decision

    def _plan(self, ctx: BuildContext, decision: Chosen) -> None:
        from cnbkit_apt.planned import name_known, name_packages

        layer = "" if decision.config.mode == "image" else self.packages.name
        if layer and not decision.why:
            kept = ctx.look(self.packages).old.get("key", {}).get("packages", [])
            name_known(decision, kept, layer)
        else:
            status = self._status() if layer else ""
            name_packages(
                ctx, decision, decision.config, system=self.system, status=status, layer=layer
            )

    def contribute(self, ctx: BuildContext, decision: Chosen) -> BuildResult:
        """Install, unless the previous image has exactly this."""
        inputs = decision.inputs
        if decision.config.mode == "image":
            self._installed_by_extension(ctx, inputs)
            return decision.result
        with ctx.layer(self.resolution, decision.wanted) as resolution:
            if decision.why:
                why = "; ".join(decision.why)
                ctx.log.info(f"Resolving {', '.join(inputs.files)}: {why}")
                self._install(ctx, decision.config, inputs, resolution)
            else:
                self._reuse(ctx, inputs)
        return decision.result

    def _installed_by_extension(self, ctx: BuildContext, inputs: Inputs) -> None:
        """Make sure that the extension was there: platforms without extensions say nothing.

        Raises:
            UserFault: it was not.
        """
        try:
            with open(self.system + INSTALLED, encoding="utf-8") as file:
                there = file.read().strip()
        except FileNotFoundError:
            there = ""
        if there != inputs.identity(ctx.app):
            from cnbkit import UserFault

            raise UserFault(
                "nothing has installed the packages in the images: this platform has no image "
                "extensions, or its builder has no cnbkit/apt-image",
                where=f"{MODE}=image",
                remedy=f"set {MODE}=layer, or name the extension in the builder's "
                "[[order-extensions]]",
            )
        ctx.log.info(
            f"Packages of {', '.join(inputs.files)} are installed in run and build image. New "
            "versions come by a build with BP_APT_REFRESH=<new value>, not by a rebase"
        )

    def _reuse(self, ctx: BuildContext, inputs: Inputs) -> None:
        with ctx.layer(self.packages):
            pass
        if inputs.for_build:
            with ctx.layer(self.build_packages):
                pass
        ctx.log.info(
            f"{', '.join(inputs.files)} unchanged: packages as in the previous image "
            "(BP_APT_REFRESH=<new value> looks for newer ones)"
        )

    def _install(
        self, ctx: BuildContext, config: AptConfig, inputs: Inputs, resolution: OpenLayer
    ) -> None:
        # Imported here: a build that changes nothing does without them.
        from cnbkit_apt.apt import AptGet
        from cnbkit_aptfile.declared import read
        from cnbkit_limits import Limits

        declared = read(ctx)
        if self._status() != self._recorded():
            ctx.log.warning(
                "what the run image has is unknown, so what the build image has counts; if the "
                f"app lacks a library, add to the build image {_RECORD}, a copy of the run "
                "image's /var/lib/dpkg/status"
            )
        limits = Limits("BP_APT_SIZE_LIMIT", config.limit, config.size_limit)
        sources = declared.repositories
        apt = AptGet(ctx, self.system, config.mirror, sources, config.recommends, limits)
        with ctx.log.timed("Reading the lists of packages"):
            apt.update()
        found = apt.resolve(
            [each for each in declared.packages if not each.for_build], self._status(), "run"
        )
        ctx.log.info(f"{_sum(found)} for the image, on top of what the run image has")
        asked = {each.name for each in declared.packages}
        self._fill(ctx, apt, found, self.packages, self._status(), asked)
        if inputs.for_build:
            installed = f"{self.system}/var/lib/dpkg/status"
            later = apt.resolve(declared.for_build, installed, "build")
            ctx.log.info(f"{_sum(later)} for later buildpacks, on top of what the build image has")
            self._fill(ctx, apt, later, self.build_packages, installed, asked)
        if resolution.rebuild:
            text = "".join(f"{each.name}={each.version}\n" for each in found)
            (resolution.path / "packages.txt").write_text(text)
        both = [each.name for each in declared.for_build if not each.for_build]
        if both:
            ctx.log.info(
                f"{', '.join(sorted({*both}))}: for building. If the app does not need it to run, "
                "write `:build:` before it, and the image becomes smaller"
            )

    def _fill(
        self,
        ctx: BuildContext,
        apt: AptGet,
        found: list[Archive],
        layer: Layer,
        status: str,
        asked: set[str],
    ) -> None:
        from cnbkit_apt.bill import describe
        from cnbkit_apt.install import install

        contents = Packages(packages=[each.identity for each in found], target=str(ctx.target))
        with ctx.layer(layer, contents) as opened:
            if not opened.rebuild:
                ctx.log.info(f"{layer.name}: the same packages as before")
                return
            ctx.log.info(f"{layer.name}: {'; '.join(opened.why)}")
            if found:
                role = "run" if layer is self.packages else "build"
                with ctx.log.timed("Downloading", lambda: apt.so_far(role)):
                    debs = apt.download(role)
                with ctx.log.timed("Unpacking"):
                    install(ctx, debs, opened, self.system, status, asked, apt.limits)
                describe(opened, found)

    def _status(self) -> str:
        """The database of dpkg in the run image; of the build image, if nothing else is known."""
        known = self._recorded()
        return known if os.path.exists(known) else f"{self.system}/var/lib/dpkg/status"

    def _recorded(self) -> str:
        return self.system + _RECORD


def _sum(found: list[Archive]) -> str:
    size = sum(each.size for each in found)
    return f"{Log.counted(len(found), 'package')}, {size / 1e6:.1f} MB"


def _digest(path: str) -> str:
    import hashlib

    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()
