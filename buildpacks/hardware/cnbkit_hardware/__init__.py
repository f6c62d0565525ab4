"""The `hardware` buildpack: choices of wheels or of a processor, and words nobody knows."""

from __future__ import annotations

import os

from cnbkit import Buildpack, BuildResult, Config, Decision, Option, PackageRequest, Plan, Triggers
from cnbkit.hardware import SETTING, TRIGGERS, Accelerator, Word, Words, tell
from cnbkit.package_request import RequestFault
from cnbkit_frameworks import CUDA_EVIDENCE, REFUSALS, SERVING
from cnbkit_hardware.vocabulary import (
    ACCELERATORS,
    ARCHITECTURES,
    DEVICES,
    PROCESSORS,
    REFUSED,
    REQUESTS,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cnbkit import BuildContext, DetectContext, DetectResult

__all__ = ["Hardware", "requests_for"]

_REMEDY = "write one word a line, like cpu, cuda, cuda:12.8, rocm, coral, tpu, neuron or arm64"


class Options(Config):
    """What people may set."""

    hardware = Option.text(SETTING, help="The hardware the image is for, like `cpu`")


class Hardware(Buildpack[Decision]):
    """Asks for the wheels of its words, and says which words nobody knows."""

    repeatable = True
    triggers = Triggers(*TRIGGERS, settings=(SETTING,))
    config = Options

    def detect(self, ctx: DetectContext) -> DetectResult:
        """Join for its own words, and for words that no buildpack of the builder serves."""
        words = Words.read(ctx)
        if not words.source:
            return ctx.skip("nothing names hardware")
        requests = requests_for(words, ctx.target.arch, _folder(ctx))
        if not requests:
            return ctx.skip("other buildpacks serve it")
        # Provided by itself as well: an app without Python packages has nobody else to do it.
        plan = Plan()
        for name in ("site-packages", "conda-environment"):
            plan = plan.provides(name)
            for request in requests:
                plan = plan.requires(name, **request.metadata())
        return ctx.join(f"found {words.source}", plan)

    def decide(self, ctx: BuildContext) -> Decision:
        """Say what was chosen; the wheels are the installer's."""
        words = Words.read(ctx)
        requests = requests_for(words, ctx.target.arch, _folder(ctx))
        labels = {}
        for request in requests:
            about = next((a.about for a in ACCELERATORS if a.name == request.accelerator), "")
            tell(ctx, request, about, _reason(words))
            if device := DEVICES.get(request.accelerator):
                ctx.log.info(f"The container needs the host's {device}")
            if all(_own(word) for word in words.words):  # else the other's buildpack says it
                labels["io.cnbkit.hardware"] = request.subject
        return Decision(BuildResult(labels=labels))


def _folder(ctx: BuildContext | DetectContext) -> str:
    """This buildpack's own: pathlib, which `ctx.buildpack_dir` needs, takes detect too long."""
    return ctx.env.get("CNB_BUILDPACK_DIR") or os.path.dirname(os.path.dirname(__file__))


def requests_for(words: Words, architecture: str, buildpack: str) -> list[PackageRequest]:
    """What follows from the words that are this buildpack's; all faults are in the first.

    Args:
        words: the app's.
        architecture: of the image.
        buildpack: this buildpack's folder.
    """
    faults = _faults(words, architecture, buildpack)
    chosen = [each for each in ACCELERATORS if each.asked(words)]
    for each in chosen:
        faults += [RequestFault(**fault) for fault in each.faults(words, architecture)]
    if not chosen and not faults and all(_processor(word) for word in words.words):
        chosen = [ACCELERATORS[0]]  # processor cores alone
    if faults and not chosen:
        return [PackageRequest(subject=words.source, where=words.source, faults=faults)]
    requests = [_request(each, words) for each in chosen]
    if faults:
        requests[0] = requests[0].replace(faults=faults)
    return requests


def _request(accelerator: Accelerator, words: Words) -> PackageRequest:
    refusals = [r for r in REFUSALS if (accelerator.name, r.package) != ("neuron", "torch-neuronx")]
    asked = accelerator.asked(words)
    return PackageRequest(
        subject=accelerator.subject(words),
        where=words.where(asked[0] if asked else None),
        accelerator=accelerator.name,
        runtime=accelerator.version(words),
        refusals=refusals,
        evidence=CUDA_EVIDENCE,
        serving=SERVING,
        **REQUESTS[accelerator.name],
    )


def _own(word: Word) -> bool:
    own = {name for each in ACCELERATORS for name in (each.name, *each.aliases)}
    return word.name in own or bool(_processor(word))


def _processor(word: Word) -> str:
    """The architecture a word stands for; empty if it stands for none."""
    return word.name if word.name in ARCHITECTURES else PROCESSORS.get(word.name, ("",))[0]


def _faults(words: Words, architecture: str, buildpack: str) -> list[RequestFault]:
    if words.fault:
        return [RequestFault(what=words.fault, where=words.source, remedy=_REMEDY)]
    strange = [word for word in words.words if not _own(word) and word.name not in REFUSED]
    faults = [
        _fault(words, word, f"{word.name} cannot be built for: {REFUSED[word.name]}")
        for word in words.words
        if word.name in REFUSED
    ]
    if strange:
        from cnbkit_hardware.known import words_of_others

        others = words_of_others(buildpack)
        faults += [
            _fault(words, word, f"{word.name} is not hardware known here" + _nearest(word, others))
            for word in strange
            if word.name not in others
        ]
    return [*faults, *_faults_of_processors(words, architecture)]


def _faults_of_processors(words: Words, architecture: str) -> list[RequestFault]:
    asked = {name: word for word in words.words if (name := _processor(word))}
    faults = []
    for name, word in asked.items():
        if ":" in word.text:
            what = f"{word.name} has no versions, so {word.text} means nothing"
            faults.append(_fault(words, word, what))
        elif len(asked) > 1:
            what = f"{' and '.join(asked)} exclude each other in one image"
            return [*faults, _fault(words, word, what)]
        elif name != architecture:
            what = f"{word.text} is for {name}, but this build is for {architecture}"
            remedy = f"build with --platform linux/{name}"
            faults.append(RequestFault(what=what, where=words.where(word), remedy=remedy))
    return faults


def _fault(words: Words, word: Word, what: str) -> RequestFault:
    return RequestFault(what=what, where=words.where(word), remedy=_REMEDY)


def _nearest(word: Word, others: set[str]) -> str:
    from difflib import get_close_matches

    own = [name for each in ACCELERATORS for name in (each.name, *each.aliases)]
    known = [*own, *ARCHITECTURES, *PROCESSORS, *REFUSED, *sorted(others)]
    near = get_close_matches(word.name, known, 3, 0.6)
    return f"; did you mean {' or '.join(near)}?" if near else f" (known: {', '.join(own)})"


def _reason(words: Words) -> str:
    notes = [
        f"{word.name} is {PROCESSORS[word.name][0]}: {PROCESSORS[word.name][1]}"
        for word in words.words
        if word.name in PROCESSORS
    ]
    notes += [
        f"{word.name} is {each.name}: {each.aliases[word.name]}"
        for each in ACCELERATORS
        for word in each.asked(words)
        if word.name in each.aliases
    ]
    first = words.words[0] if len(words.words) == 1 else None
    return "; ".join([f"from {words.where(first)}", *dict.fromkeys(notes)])
