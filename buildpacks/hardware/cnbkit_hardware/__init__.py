"""The `hardware` buildpack: one word, and all that follows from it."""

from __future__ import annotations

import os

from cnbkit import Buildpack, Built, Config, Layer, LayerKey, Option, Triggers, key
from cnbkit_hardware.choice import FILE, SETTING, Choice, source_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cnbkit import BuildContext, DetectContext, Detected

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
    device = Layer.in_image("device")

    def detect(self, ctx: DetectContext) -> Detected:
        """Join where anything says which hardware; most a pyproject.toml does not."""
        source = source_of(ctx)
        return ctx.join(f"found {source}") if source else ctx.skip("nothing names hardware")

    def build(self, ctx: BuildContext) -> Built:
        """Publish the choice; add checks, variables and libraries of the accelerator."""
        options = Options.read(ctx.settings)
        choice = Choice.read(ctx)
        if choice is None:
            ctx.log.info("Nothing names hardware")
            return Built()
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
        elif accelerator.name == "tpu":
            with ctx.layer(self.device, _key(choice)) as layer:
                if layer.rebuild:
                    layer.env.launch.default("PJRT_DEVICE", "TPU")
        labels = {"io.cnbkit.hardware": str(choice)}
        return Built(labels=labels)

    def _check(self, ctx: BuildContext, choice: Choice, options: Options) -> None:
        """A look at driver and GPU before the app starts."""
        if options.check == "off":
            return
        path = os.path.join(os.path.dirname(os.path.dirname(__file__)), "launch", "cuda")
        with open(path, "rb") as file:
            program = file.read()
        import hashlib

        digest = hashlib.sha256(program).hexdigest()[:16]
        with ctx.layer(self.device, _key(choice, options.check, digest)) as layer:
            if layer.rebuild:
                drivers = next(r for r in choice.accelerator.rules if r.startswith("drivers "))
                layer.env.launch.override("CNBKIT_CUDA_DRIVERS", drivers.partition(" ")[2])
                layer.env.launch.default("BPL_CUDA_CHECK", options.check)
                # What the installed wheels are for is better known by who installs them.
                layer.env.launch.default("CNBKIT_CUDA_STATED", choice.version)
                layer.exec_d("cuda", path)


def _key(choice: Choice, check: str = "", program: str = "") -> Launch:
    return Launch(accelerator=str(choice), check=check, program=f"#{program}")
