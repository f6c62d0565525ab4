"""The `pip` buildpack: requirements → lock → layers split by weight."""

from __future__ import annotations

from cnbkit import BuildContext, Buildpack, Built, Layer, LayerKey, OpenLayer, Plan, Triggers, key
from cnbkit_pip.interpreter import Interpreter
from cnbkit_pip.requirements import TYPOS, Requirements

__all__ = ["Pip"]


class Inputs(LayerKey):
    """Everything the installed set depends on.

    While it is unchanged nothing is resolved, installed, restored or exported.
    """

    requirements: list[str] = key("requirements")
    python: str = key("Python")
    target: str = key("target")
    settings: str = key("settings of uv or BP_PIP_*")


class Pip(Buildpack):
    """Installs Python packages from requirements files."""

    triggers = Triggers("requirements.txt", *TYPOS, settings=("BP_PIP_REQUIREMENTS",))
    plan = Plan().requires("python")

    # A virtual environment that ties the packages' layers together. Its key is all inputs, so
    # while it can be re-used, so can every other layer of the previous image.
    site = Layer.in_image("site")

    # The lock of the last resolution: it holds unpinned packages where they are when only
    # another line changes.
    lock = Layer.cached("lock")

    def build(self, ctx: BuildContext) -> Built:
        """Install, unless the previous image has exactly this."""
        requirements = Requirements.read(ctx)
        python = Interpreter.find(ctx)
        inputs = Inputs(
            requirements=requirements.digests(),
            python=str(python),
            target=str(ctx.target),
            settings=_settings(ctx),
        )
        with ctx.layer(self.site, inputs) as site, ctx.layer(self.lock) as lock:
            if site.rebuild:
                self._install(ctx, requirements, python, site, lock)
            else:
                self._reuse(ctx, requirements)
        return Built()

    def _install(
        self,
        ctx: BuildContext,
        requirements: Requirements,
        python: Interpreter,
        site: OpenLayer,
        lock: OpenLayer,
    ) -> None:
        # Imported here: a build that changes nothing does without them.
        from cnbkit_pip.environment import add_site_directories, make_environment
        from cnbkit_pip.install import install
        from cnbkit_pip.partition import partition
        from cnbkit_pip.resolve import resolve

        ctx.log.info(f"Resolving {requirements}: {'; '.join(site.why)}")
        packages = resolve(ctx, requirements, python, f"{lock.directory}/pylock.toml")
        ctx.log.info(f"{len(packages)} packages for Python {python}")
        environment = make_environment(site, python)
        directories = install(ctx, partition(packages), python, environment)
        add_site_directories(site, python, directories)

    def _reuse(self, ctx: BuildContext, requirements: Requirements) -> None:
        names = [name for name in ctx.restored_layers() if name.startswith("wheels-")]
        for name in names:
            with ctx.layer(Layer.in_image(name)):
                pass
        ctx.log.info(
            f"{requirements} unchanged: {len(names) + 1} layers as in the previous image "
            "(BP_PIP_REFRESH=<new value> resolves again)"
        )


def _settings(ctx: BuildContext) -> str:
    """A digest of the variables that change what is resolved; they may hold passwords."""
    import hashlib

    ours = f"BP_PIP_REFRESH={ctx.settings.get('BP_PIP_REFRESH')}"
    uvs = sorted(f"{name}={value}" for name, value in ctx.env.items() if name.startswith("UV_"))
    return hashlib.sha256("\0".join([ours, *uvs]).encode(errors="surrogateescape")).hexdigest()
