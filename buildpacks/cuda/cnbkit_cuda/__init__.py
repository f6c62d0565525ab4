"""The `cuda` buildpack: NVIDIA GPUs, from the word to the check before the app starts."""

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
from cnbkit_cuda.request import CUDA, request_for

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cnbkit import BuildContext, DetectContext, DetectResult, OpenLayer
    from cnbkit_cuda.installed import Installation

__all__ = ["Cuda"]

_CHECK = os.path.join(os.path.dirname(os.path.dirname(__file__)), "launch", "cuda")


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
    """What the app's environment depends on."""

    accelerator: str = key("hardware")
    packages: str = key("packages")
    check: str = key("check")
    program: str = key("program")


class Chosen(Decision):
    """What the image's start needs.

    Attributes:
        found: the packages.
        wanted: what its layer depends on.
        cuda: the version the packages are for, else the one that is asked for.
        check: what is done at launch.
    """

    def __init__(
        self, result: BuildResult, found: Installation, wanted: Launch, cuda: str, check: str
    ) -> None:
        super().__init__(result)
        self.found = found
        self.wanted = wanted
        self.cuda = cuda
        self.check = check


class Cuda(Buildpack[Chosen]):
    """Asks for CUDA's wheels; then looks at what was installed and prepares its start."""

    repeatable = True
    triggers = Triggers(*TRIGGERS, settings=(SETTING,))
    config = Options

    device = Layer.launch("device")

    def detect(self, ctx: DetectContext) -> DetectResult:
        """Join for its own words alone."""
        words = Words.read(ctx)
        asked = CUDA.asked(words)
        if not asked:
            return ctx.skip("nothing names NVIDIA GPUs")
        request = request_for(words, ctx.target.arch)
        # Provided by itself as well: an app without Python packages has nobody else to do it.
        plan = Plan()
        for name in ("site-packages", "conda-environment"):
            plan = plan.provides(name).requires(name, **request.metadata())
        return ctx.join(f"{asked[0].text} in {words.source}", plan)

    def decide(self, ctx: BuildContext) -> Chosen:
        """Labels, the check of driver and GPU, and what libraries need to be found."""
        from cnbkit_cuda.installed import Installation

        options = Options.read(ctx.settings)
        words = Words.read(ctx)
        request = request_for(words, ctx.target.arch)
        tell(ctx, request, CUDA.about, CUDA.reason(words))
        found = Installation.read(ctx)
        wanted = Launch(
            accelerator=request.subject,
            packages=found.digest,
            check=options.check,
            program=f"#{_digest(_CHECK)}",
        )
        cuda = found.cuda() if found.known else request.runtime
        labels = {"io.cnbkit.hardware": request.subject, **_labels(cuda)}
        decision = Chosen(
            BuildResult(labels=labels), found, wanted, cuda or request.runtime, options.check
        )
        decision.layer(self.device, wanted)
        if ctx.look(self.device, wanted).rebuild:
            for line in found.warnings(request.subject, request.runtime):
                ctx.log.warning(line)
        return decision

    def contribute(self, ctx: BuildContext, decision: Chosen) -> BuildResult:
        """Write what checks at launch, and where libraries are."""
        with ctx.layer(self.device, decision.wanted) as layer:
            if layer.rebuild:
                self._prepare(layer, decision.found, decision.cuda, decision.check)
        return decision.result

    def _prepare(self, layer: OpenLayer, found: Installation, cuda: str, check: str) -> None:
        from cnbkit_cuda.versions import DRIVERS

        launch = layer.env.launch
        found.add_environment(launch)
        if check == "off":
            return
        launch.override("CNBKIT_CUDA", cuda)
        if recent := found.without_old_gpus(cuda):
            launch.override("CNBKIT_CUDA_GPUS", recent)
        launch.override("CNBKIT_CUDA_DRIVERS", " ".join(f"{v}={d}" for v, d in DRIVERS))
        launch.default("BPL_CUDA_CHECK", check)
        layer.exec_d("cuda", _CHECK)


def _labels(cuda: str) -> dict[str, str]:
    """For schedulers; none if nothing is for CUDA."""
    from cnbkit_cuda.versions import DRIVERS

    if not cuda:
        return {}
    driver = next((d for version, d in DRIVERS if f"{cuda}.".startswith(f"{version}.")), "")
    floor = {"io.cnbkit.cuda.driver": f">={driver}"} if driver else {}
    return {"io.cnbkit.cuda": cuda, **floor}


def _digest(path: str) -> str:
    import hashlib

    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()[:16]
