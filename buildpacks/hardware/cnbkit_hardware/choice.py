"""What the app or the person who builds asks for, read and checked."""

from __future__ import annotations

from cnbkit import UserFault
from cnbkit_hardware.vocabulary import ACCELERATORS, ALIASES, ARCHITECTURES, REFUSED, Accelerator

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cnbkit import BuildContext, DetectContext

__all__ = ["FILE", "SETTING", "Choice", "source_of"]

FILE = "hardware.txt"
SETTING = "BP_HARDWARE"
_PROJECT = "pyproject.toml"
_REMEDY = "write one word a line, like cpu, cuda, cuda:12.8, rocm, coral, tpu, neuron or arm64"


class _Word:
    """A word as it was written.

    Attributes:
        text: in lower case.
        line: of the file, from 1.
        name: what it stands for.
        version: what stands behind its colon; empty for nothing.
    """

    __slots__ = ("line", "name", "text", "version")

    def __init__(self, text: str, line: int) -> None:
        self.text = text
        self.line = line
        name, _, self.version = text.partition(":")
        self.name = ALIASES.get(name, (name, ""))[0]

    def __str__(self) -> str:
        return f"{self.name}:{self.version}" if self.version else self.name


class Choice:
    """The accelerator of an image.

    Attributes:
        accelerator: what computes.
        version: of its software, "12.8"; empty if nobody says.
        architecture: that was asked for; empty if nobody says.
        reason: where it stands, and what an alias means.
    """

    def __init__(
        self, accelerator: Accelerator, version: str, architecture: str, reason: str
    ) -> None:
        self.accelerator = accelerator
        self.version = version
        self.architecture = architecture
        self.reason = reason

    def __str__(self) -> str:
        name = self.accelerator.name
        return f"{name}:{self.version}" if self.version else name

    @classmethod
    def read(cls, ctx: BuildContext) -> Choice | None:
        """BP_HARDWARE, else hardware.txt, else `[tool.cnbkit] hardware` in pyproject.toml.

        Returns:
            None if nothing says anything.

        Raises:
            UserFault: words that are unknown, contradict each other, or cannot be had for what
                is built; all of them at once.
        """
        source = source_of(ctx)
        if not source:
            return None
        words, others = _words(ctx, source)
        if not words:
            if source == _PROJECT and others is None:
                return None
            raise UserFault(f"{source} names no hardware", where=source, remedy=_REMEDY)
        faults = _faults(words)
        if not faults:
            faults = _contradictions(words, ctx.target.arch)
        if faults:
            if source == FILE:
                raise UserFault.of(source, faults, remedy=_REMEDY)
            lines = [what for _, what in faults]
            what = lines[0] if len(lines) == 1 else f"{len(lines)} faults"
            detail = "\n".join(lines) if len(lines) > 1 else None
            raise UserFault(f"{source}: {what}", where=source, remedy=_REMEDY, detail=detail)
        return cls._of(words, source)

    @classmethod
    def _of(cls, words: list[_Word], source: str) -> Choice:
        main = next((each for each in words if each.name in ACCELERATORS), None)
        # A version may stand on one line, the bare word on another.
        versions = [each.version for each in words if main and each.name == main.name]
        version = next((each for each in versions if each), "")
        architecture = next((each.name for each in words if each.name in ARCHITECTURES), "")
        notes = [
            f"{each.text.partition(':')[0]} is {each.name}: {ALIASES[name][1]}"
            for each in words
            if (name := each.text.partition(":")[0]) in ALIASES
        ]
        line = f":{main.line}" if main and source == FILE else ""
        reason = "; ".join([f"from {source}{line}", *notes])
        # Apple silicon and Graviton ask for processor cores alone.
        accelerator = ACCELERATORS[main.name if main else "cpu"]
        return cls(accelerator, version, architecture, reason)


def source_of(ctx: BuildContext | DetectContext) -> str:
    """What says which hardware: a setting or a file; empty for nothing."""
    if ctx.settings.get(SETTING):
        return SETTING
    if ctx.app.has(FILE):
        return FILE
    if ctx.app.has(_PROJECT):
        lines = [line.strip() for line in ctx.app.text(_PROJECT).splitlines()]
        # Read as TOML only where there is a chance: that takes longer than all the rest.
        if any(line.startswith("[tool.cnbkit]") for line in lines) and any(
            line.startswith(("hardware", '"hardware"')) for line in lines
        ):
            return _PROJECT
    return ""


def _words(ctx: BuildContext, source: str) -> tuple[list[_Word], object]:
    if source == _PROJECT:
        tool = ctx.app.toml(_PROJECT).get("tool", {})
        value = tool.get("cnbkit", {}).get("hardware")
        texts = [value] if isinstance(value, str) else value
        if value is None:
            return [], None
        if not isinstance(texts, list) or not all(isinstance(each, str) for each in texts):
            raise UserFault(
                f"[tool.cnbkit] hardware is {value!r}, not text or a list of it",
                where=_PROJECT,
                remedy='write hardware = "cuda:12.8"',
            )
        return _parsed("\n".join(texts)), value
    text = ctx.settings.get(SETTING) if source == SETTING else ctx.app.text(FILE)
    return _parsed(text), text


def _parsed(text: str) -> list[_Word]:
    return [
        _Word(word, number)
        for number, line in enumerate(text.splitlines(), 1)
        for word in line.partition("#")[0].replace(",", " ").lower().split()
    ]


def _faults(words: list[_Word]) -> list[tuple[int, str]]:
    faults = []
    for word in words:
        name = word.text.partition(":")[0]
        if name in REFUSED:
            faults.append((word.line, f"{name} cannot be built for: {REFUSED[name]}"))
        elif word.name in ARCHITECTURES:
            if ":" in word.text:
                faults.append((word.line, f"{name} has no versions, so {word.text} means nothing"))
        elif word.name not in ACCELERATORS:
            faults.append((word.line, f"{name} is no hardware known here{_nearest(name)}"))
        elif ":" in word.text:
            known = ACCELERATORS[word.name].versions
            if not known:
                faults.append((word.line, f"{name} has no versions, so {word.text} means nothing"))
            elif word.version not in known:
                faults.append(
                    (
                        word.line,
                        f"there is no {word.name} {word.version!r}; known: {', '.join(known)}",
                    )
                )
    return faults


def _contradictions(words: list[_Word], target: str) -> list[tuple[int, str]]:
    faults = []
    accelerators = {each.name: each for each in words if each.name in ACCELERATORS}
    # The Edge TPU does not keep the rest of the model from the processor's cores.
    if "coral" in accelerators:
        accelerators.pop("cpu", None)
        words[:] = [each for each in words if each.name != "cpu"]
    if len(accelerators) > 1:
        last = list(accelerators.values())[-1]
        names = " and ".join(accelerators)
        what = f"{names} exclude each other in one image: build one for each with --hardware"
        faults.append((last.line, what))
    for name, last in accelerators.items():
        versions = {each.version for each in words if each.name == name and each.version}
        if len(versions) > 1:
            faults.append(
                (last.line, f"{name} is asked for as {' and as '.join(sorted(versions))}")
            )
    wanted = {each.name: each for each in words if each.name in ARCHITECTURES}
    for name, word in wanted.items():
        if len(wanted) > 1:
            faults.append((word.line, f"{' and '.join(wanted)} exclude each other in one image"))
            break
        if name != target:
            faults.append(
                (
                    word.line,
                    (
                        f"{word.text} is for {name}, but this build is for {target}: build with "
                        f"--platform linux/{name}"
                    ),
                )
            )
    for name, word in accelerators.items():
        allowed = ACCELERATORS[name].architectures
        if allowed and target not in allowed:
            faults.append(
                (
                    word.line,
                    (
                        f"{name} ({ACCELERATORS[name].about}) is only for {', '.join(allowed)}"
                        f", and this build is for {target}"
                    ),
                )
            )
    return faults


def _nearest(name: str) -> str:
    from difflib import get_close_matches

    known = [*ACCELERATORS, *ARCHITECTURES, *ALIASES, *REFUSED]
    near = get_close_matches(name, known, 3, 0.6)
    return f"; did you mean {' or '.join(near)}?" if near else f" ({', '.join(ACCELERATORS)} are)"
