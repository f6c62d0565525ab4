"""What the lifecycle's detector prints of the groups it tries, read back.

It prints this when no group fits, and otherwise only at its level `debug`:

    ======== Output: acme/node@1.0.0 ========
      join: found package.json
    ======== Results ========
    pass: acme/node@1.0.0
    fail: acme/node@1.0.0 requires ssl
"""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["OF_DETECTOR", "Detection", "Trial", "Unmet"]

_OUTPUT = "======== Output: "
OF_DETECTOR = "======== Error: "
"""Before what the detector itself could not do with a buildpack."""

_RESULTS = "======== Results ========"
_STATES = ("pass", "skip", "fail", "err")
_ANSWERS = ("join:", "skip:")
_NONE_OF = "skip: none of "


@dataclass(frozen=True)
class Unmet:
    """Why a build plan does not come out.

    Args:
        buildpack: `id@version` of the one that says it.
        name: what nobody provides, or nobody requires.
        required: whether the buildpack requires it; it provides it otherwise.
        fatal: whether the group fails by it; the buildpack is only left out otherwise.
    """

    buildpack: str
    name: str
    required: bool
    fatal: bool

    def __str__(self) -> str:
        """In words."""
        if self.required:
            lack = f"requires {self.name}, which nothing before it in its group provides"
        else:
            lack = f"provides {self.name}, which nothing after it in its group requires"
        return f"{self.buildpack} {lack}"


@dataclass
class Trial:
    """One group of the order, as it was tried.

    Attributes:
        states: by `id@version`: pass, skip, fail or err, as its own detect ended.
        output: by `id@version`, the lines that its detect printed.
        unmet: what the plan lacks.
    """

    states: dict[str, str] = field(default_factory=dict)
    output: dict[str, list[str]] = field(default_factory=dict)
    unmet: list[Unmet] = field(default_factory=list)

    @property
    def fails_by_plan(self) -> bool:
        """Whether all that have to join would, and only the plan does not come out."""
        own = not {"fail", "err"} & set(self.states.values())
        return own and any(each.fatal for each in self.unmet)

    def answer(self, buildpack: str) -> str:
        """The line with which a buildpack's detect gives its reason; empty if there is none."""
        lines = [line.strip() for line in self.output.get(buildpack, ())]
        return next((line for line in reversed(lines) if line.startswith(_ANSWERS)), "")

    def said(self, buildpack: str) -> list[str]:
        """What else its detect printed."""
        lines = [line.strip() for line in self.output.get(buildpack, ())]
        return [line for line in lines if line and not line.startswith(_ANSWERS)]


class Detection:
    """Reads the detector's lines one by one.

    Attributes:
        trials: the groups, in the order in which they were tried.
    """

    def __init__(self) -> None:
        self.trials: list[Trial] = []
        self._of = ""
        self._results = True

    def line(self, text: str) -> None:
        """Take in one line without its newline."""
        if text.startswith((_OUTPUT, OF_DETECTOR)):
            self._begin()
            self._of = text.partition(": ")[2].removesuffix(" ========")
            self.trials[-1].output.setdefault(self._of, [])
        elif text == _RESULTS:
            self._begin()
            self._results = True
        elif self._results and self.trials:
            self._result(text)
        elif self.trials and not self._results:
            self.trials[-1].output.setdefault(self._of, []).append(text)

    def _begin(self) -> None:
        """Begin another group if the last one's results are known."""
        if self._results:
            self.trials.append(Trial())
            self._results = False

    def _result(self, text: str) -> None:
        state, colon, rest = text.partition(": ")
        if not colon or state not in _STATES:
            return
        trial = self.trials[-1]
        buildpack, *words = rest.split()
        if not words or words[0].startswith("("):  # err: acme/node@1.0.0 (65)
            trial.states[buildpack] = state
        elif words[0] == "requires" or words[:2] == ["provides", "unused"]:
            trial.unmet.append(Unmet(buildpack, words[-1], words[0] == "requires", state == "fail"))

    @property
    def plan_faults(self) -> list[Unmet]:
        """What keeps a group from building whose buildpacks all would join; empty if none is."""
        found = [
            each
            for trial in self.trials
            if trial.fails_by_plan
            for each in trial.unmet
            if each.fatal
        ]
        return list(dict.fromkeys(found))

    @property
    def faults(self) -> list[str]:
        """What detects printed as their faults, each once, as a text of several lines."""
        found: list[list[str]] = []
        for trial in self.trials:
            for lines in trial.output.values():
                inside = False
                for line in lines:
                    if line.startswith("Error: "):
                        found.append([line])
                        inside = True
                    elif inside and line.startswith("  ") and not line.strip().startswith(_ANSWERS):
                        found[-1].append(line)
        # A buildpack of several groups is asked for each of them.
        return list(dict.fromkeys(map("\n".join, found)))

    @property
    def answers(self) -> dict[str, str]:
        """What each buildpack gave as its reason, by its id, in the last group that asked it."""
        return {
            buildpack.rpartition("@")[0]: trial.answer(buildpack)
            for trial in self.trials
            for buildpack in trial.output
        }

    @property
    def looked_for(self) -> list[str]:
        """Files and settings that those looked for which would have had to join."""
        found: list[str] = []
        for trial in self.trials:
            for buildpack, state in trial.states.items():
                answer = trial.answer(buildpack)
                if state == "fail" and answer.startswith(_NONE_OF):
                    found += answer.removeprefix(_NONE_OF).split(", ")
        return list(dict.fromkeys(found))
