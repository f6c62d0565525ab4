"""The `tpu` buildpack: Coral's Edge TPU, and Google's Cloud TPU."""

from __future__ import annotations

import os

from cnbkit import (
    Buildpack,
    BuildResult,
    Config,
    Decision,
    Layer,
    LayerKey,
    Option,
    Plan,
    Triggers,
    key,
)
from cnbkit.hardware import SETTING, TRIGGERS, Words, tell
from cnbkit_tpu.request import CLOUD, CORAL, request_for

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cnbkit import BuildContext, DetectContext, DetectResult
    from cnbkit_tpu.coral import Source

__all__ = ["Tpu"]

_CHECK = os.path.join(os.path.dirname(os.path.dirname(__file__)), "launch", "coral")


class Options(Config):
    """What people may set."""

    hardware = Option.text(SETTING, help="The hardware the image is for, like `coral`")
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


class Device(LayerKey):
    """What a Cloud TPU's environment depends on."""

    accelerator: str = key("hardware")


class Chosen(Decision):
    """What the image's TPU needs.

    Attributes:
        options: what people have set.
        sources: files of the Edge TPU's library.
        coral: what their layer depends on; None for a Cloud TPU.
    """

    def __init__(self, result: BuildResult, options: Options) -> None:
        super().__init__(result)
        self.options = options
        self.sources: list[Source] = []
        self.coral: Runtime | None = None


class Tpu(Buildpack[Chosen]):
    """Asks for wheels without CUDA; brings what a TPU needs besides Python."""

    repeatable = True
    triggers = Triggers(*TRIGGERS, settings=(SETTING,))
    config = Options

    device = Layer.launch("device")
    coral = Layer.launch("coral")

    def detect(self, ctx: DetectContext) -> DetectResult:
        """Join for its own words alone."""
        words = Words.read(ctx)
        kinds = [kind for kind in (CORAL, CLOUD) if kind.asked(words)]
        if not kinds:
            return ctx.skip("nothing names a TPU")
        requests = [request_for(kind, words, ctx.target.arch) for kind in kinds]
        # Provided by itself as well: an app without Python packages has nobody else to do it.
        plan = Plan()
        for name in ("site-packages", "conda-environment"):
            plan = plan.provides(name)
            for request in requests:
                plan = plan.requires(name, **request.metadata())
        return ctx.join(f"{kinds[0].asked(words)[0].text} in {words.source}", plan)

    def decide(self, ctx: BuildContext) -> Chosen:
        """The Edge TPU's library, or the Cloud TPU's variable."""
        options = Options.read(ctx.settings)
        words = Words.read(ctx)
        kind = CORAL if CORAL.asked(words) else CLOUD
        tell(ctx, request_for(kind, words, ctx.target.arch), kind.about, kind.reason(words))
        decision = Chosen(BuildResult(labels={"io.cnbkit.hardware": kind.name}), options)
        if kind is CORAL:
            from cnbkit_tpu.coral import find

            decision.sources = find(ctx)
            decision.coral = Runtime(
                sources=[f"{each.name} #{each.digest}" for each in decision.sources],
                target=str(ctx.target),
                clock=options.clock,
                check=f"#{_digest(_CHECK)}",
            )
            decision.layer(self.coral, decision.coral)
        else:
            decision.layer(self.device, Device(accelerator=kind.name))
        return decision

    def contribute(self, ctx: BuildContext, decision: Chosen) -> BuildResult:
        """Write them."""
        if decision.coral is not None:
            self._coral(ctx, decision.options, decision.sources, decision.coral)
        else:
            with ctx.layer(self.device, Device(accelerator=CLOUD.name)) as layer:
                if layer.rebuild:
                    layer.env.launch.default("PJRT_DEVICE", "TPU")
        return decision.result

    def _coral(
        self, ctx: BuildContext, options: Options, sources: list[Source], wanted: Runtime
    ) -> None:
        """The library, from where the user says, and a look for the device."""
        with ctx.layer(self.coral, wanted) as layer:
            if not layer.rebuild:
                return
            layer.exec_d("coral", _CHECK)
            if not sources:
                ctx.log.info("libedgetpu comes from the Aptfile")
                return
            from cnbkit_tpu.edgetpu import install

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


def _in_aptfile(ctx: BuildContext, name: str) -> bool:
    return ctx.app.has("Aptfile") and name in ctx.app.text("Aptfile")


def _digest(path: str) -> str:
    import hashlib

    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()[:16]
