"""The `hardware` buildpack: one word, and all that follows from it."""

from __future__ import annotations

import os

from cnbkit import Buildpack, BuildResult, Config, Layer, LayerKey, Option, Triggers, key
from cnbkit_hardware.choice import FILE, SETTING, Choice, source_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cnbkit import BuildContext, DetectContext, DetectResult

__all__ = ["Hardware"]


class Options(Config):
    """What people may set."""

    hardware = Option.text(SETTING, help="The hardware the image is for, like `cuda:12.8`")
    check = Option.choice(
        "BP_CUDA_CHECK",
        "warn",
        "fail",
        "off",
        help="What happens at start where driver or GPU do not fit; BPL_CUDA_CHECK at start",
    )
    runtime = Option.words(
        "BP_CORAL_RUNTIME",
        help="Where libedgetpu is: files of the app, or addresses with `@sha256:<hex>` behind them",
    )
    clock = Option.choice(
        "BP_CORAL_CLOCK", "std", "max", help="The Edge TPU's clock; with `max` it gets hot"
    )


class Runtime(LayerKey):
    """What the layer with the Edge TPU's library depends on."""

    sources: list[str] = key("sources")
    target: str = key("target")
    clock: str = key("clock")
    check: str = key("check")


class Launch(LayerKey):
    """What runs before the app."""

    accelerator: str = key("hardware")
    check: str = key("check")
    program: str = key("program")


class Hardware(Buildpack):
    """Reads the choice, tells the later buildpacks, and gives the image what is not Python."""

    triggers = Triggers(FILE, "pyproject.toml", settings=(SETTING,))
    config = Options

    choice = Layer.for_build("choice")
    device = Layer.launch("device")
    coral = Layer.launch("coral")

    def detect(self, ctx: DetectContext) -> DetectResult:
        """Join where anything says which hardware; most a pyproject.toml does not."""
        source = source_of(ctx)
        return ctx.join(f"found {source}") if source else ctx.skip("nothing names hardware")

    def build(self, ctx: BuildContext) -> BuildResult:
        """Publish the choice; add checks, variables and libraries of the accelerator."""
        options = Options.read(ctx.settings)
        choice = Choice.read(ctx)
        if choice is None:
            ctx.log.info("Nothing names hardware")
            return BuildResult()
        accelerator = choice.accelerator
        ctx.log.info(f"{choice} ({accelerator.about}), {choice.reason}")
        with ctx.layer(self.choice) as layer:
            layer.env.build.override("CNBKIT_HARDWARE", str(choice))
            rules = "\n".join(accelerator.rules)
            layer.env.build.override("CNBKIT_HARDWARE_RULES", rules)
        for rule in accelerator.rules:
            verb, _, rest = rule.partition(" ")
            if verb == "device":
                ctx.log.info(f"The container needs the host's {rest}")
        if accelerator.name == "cuda":
            self._check(ctx, choice, options)
        elif accelerator.name == "coral":
            self._coral(ctx, options)
        elif accelerator.name == "tpu":
            with ctx.layer(self.device, _key(choice)) as layer:
                if layer.rebuild:
                    layer.env.launch.default("PJRT_DEVICE", "TPU")
        labels = {"io.cnbkit.hardware": str(choice)}
        return BuildResult(labels=labels)

    def _check(self, ctx: BuildContext, choice: Choice, options: Options) -> None:
        """A look at driver and GPU before the app starts."""
        if options.check == "off":
            return
        path, digest = _program("cuda")
        with ctx.layer(self.device, _key(choice, options.check, digest)) as layer:
            if layer.rebuild:
                drivers = next(r for r in choice.accelerator.rules if r.startswith("drivers "))
                layer.env.launch.override("CNBKIT_CUDA_DRIVERS", drivers.partition(" ")[2])
                layer.env.launch.default("BPL_CUDA_CHECK", options.check)
                # What the installed wheels are for is better known by who installs them.
                layer.env.launch.default("CNBKIT_CUDA_STATED", choice.version)
                layer.exec_d("cuda", path)

    def _coral(self, ctx: BuildContext, options: Options) -> None:
        """The library, from where the user says, and a look for the device."""
        from cnbkit_hardware.coral import find

        sources = find(ctx)
        path, digest = _program("coral")
        wanted = Runtime(
            sources=[f"{each.name} #{each.digest}" for each in sources],
            target=str(ctx.target),
            clock=options.clock,
            check=f"#{digest}",
        )
        with ctx.layer(self.coral, wanted) as layer:
            if not layer.rebuild:
                return
            layer.exec_d("coral", path)
            if not sources:
                ctx.log.info("libedgetpu comes from the Aptfile")
                return
            from cnbkit_hardware.edgetpu import install

            fast = options.clock == "max"
            found = install(ctx, sources, f"{layer.directory}/lib", fast=fast)
            ctx.log.info(f"{', '.join(found)} from {', '.join(each.name for each in sources)}")
            if "libusb-1.0.so.0" not in found and not _in_aptfile(ctx, "libusb-1.0-0"):
                ctx.log.warning("libedgetpu needs libusb-1.0.so.0: add libusb-1.0-0 to the Aptfile")
        for each in sources:
            if "16.0" in each.name and "tf" not in each.name.lower():
                ctx.log.warning(
                    f"{each.name}: version 16.0 as Google published it crashes with TensorFlow "
                    "Lite after 2.11; take a build for the version you have, like 16.0TF2.17"
                )


def _program(name: str) -> tuple[str, str]:
    """Path and digest of a program for exec.d."""
    import hashlib

    path = os.path.join(os.path.dirname(os.path.dirname(__file__)), "launch", name)
    with open(path, "rb") as file:
        return path, hashlib.sha256(file.read()).hexdigest()[:16]


def _in_aptfile(ctx: BuildContext, name: str) -> bool:
    return ctx.app.has("Aptfile") and name in ctx.app.text("Aptfile")


def _key(choice: Choice, check: str = "", program: str = "") -> Launch:
    return Launch(accelerator=str(choice), check=check, program=f"#{program}")
