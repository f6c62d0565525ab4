"""An accelerator that cnbkit does not know: wheels from an index of its own, a check at start."""

from __future__ import annotations

from cnbkit import (
    BuildContext,
    Buildpack,
    BuildResult,
    DetectContext,
    DetectResult,
    Layer,
    LayerKey,
    PackageRequest,
    Plan,
    Triggers,
    key,
)
from cnbkit.hardware import SETTING, TRIGGERS, Accelerator, Words, tell
from cnbkit.package_request import IndexBinding, Preference, RequestFault

GAUDI = Accelerator(
    "gaudi",
    "Intel Gaudi",
    aliases={"hpu": "Gaudi's processors"},
    versions=("1.21", "1.22"),
    architectures=("amd64",),
)
INDEX = "https://wheels.acme.example.com/gaudi"


def look_for_device() -> None:
    """Say so if the container was started without the accelerator."""
    import sys
    from pathlib import Path

    if not Path("/dev/accel").exists():
        print("gaudi: /dev/accel is not there; start the container with it", file=sys.stderr)


class Launch(LayerKey):
    """What the check depends on."""

    accelerator: str = key("hardware")


class Gaudi(Buildpack):
    """Asks for the wheels, and looks for the device before the app starts."""

    triggers = Triggers(*TRIGGERS, settings=(SETTING,))
    device = Layer.launch("device")

    def detect(self, ctx: DetectContext) -> DetectResult:
        words = Words.read(ctx)
        if not GAUDI.asked(words):
            return ctx.skip("nothing names Gaudi")
        request = _request(words, ctx.target.arch)
        return ctx.join("Gaudi", Plan().requires("site-packages", **request.metadata()))

    def build(self, ctx: BuildContext) -> BuildResult:
        words = Words.read(ctx)
        request = _request(words, ctx.target.arch)
        tell(ctx, request, GAUDI.about, GAUDI.reason(words))
        with ctx.layer(self.device, Launch(accelerator=request.subject)) as layer:
            layer.exec_d("gaudi", look_for_device)
        return BuildResult(labels={"com.acme.hardware": request.subject})


def _request(words: Words, architecture: str) -> PackageRequest:
    return PackageRequest(
        subject=GAUDI.subject(words),
        where=words.where(GAUDI.asked(words)[0]),
        accelerator=GAUDI.name,
        indexes=[IndexBinding(url=INDEX, packages=["torch", "habana-torch-plugin"])],
        preferences=[Preference(package="transformers", better="optimum-habana", unused=True)],
        faults=[RequestFault(**fault) for fault in GAUDI.faults(words, architecture)],
    )
