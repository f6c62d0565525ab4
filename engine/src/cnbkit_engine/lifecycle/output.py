"""The lifecycle's output, told to a person.

What the buildpacks print is shown as it is; of the lifecycle's own lines only those that say
something to whoever waits. Everything is in the log file, and shown with --verbose.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnbkit_engine.lifecycle.detection import OF_DETECTOR, Detection
from cnbkit_engine.lifecycle.timeline import Timeline

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import TextIO

__all__ = ["FAULT", "Narrator"]

_LAYER_LINES = {"Adding layer '": "built", "Reusing layer '": "reused"}
FAULT = "Error: "
"""How a buildpack's words on its fault begin, as cnbkit prints them."""
_BUILDPACKS_SPEAK = ("DETECTING", "BUILDING")
# Shown only when a detect fails without saying why; the lifecycle then prints all their output.
_DETECT_LINES = ("=====", "fail: ", "err: ", "pass: ", "skip: ", "  ")
# They sum up what stands before them.
_NOT_DETECTED = ("ERROR: No buildpack groups passed", "ERROR: failed to detect: ")
_APP_LINES = {"Added ": "built", "Reused ": "reused"}


class Narrator:
    """Reads the lifecycle's lines one by one.

    Args:
        show: prints a line.
        log: gets every line.
        verbose: show everything.
        notes: lines to show once it is settled which buildpacks take part, or below a fault that
            one of them finds before.

    Attributes:
        layers: what became of each layer of the image: "built" or "reused", by the name the
            lifecycle gives it.
        digest: the image's digest, as the lifecycle reports it; empty before the end.
        error: the last line in which the lifecycle itself says what went wrong; empty if none.
        told: whether a buildpack's own words on its fault have been shown.
        ready: layers that this build made and the lifecycle takes for an earlier image's.
        detection: what it prints of the groups that it tries.
        timeline: when its phases and the buildpacks began.
    """

    def __init__(
        self,
        show: Callable[[str], None],
        log: TextIO,
        *,
        verbose: bool,
        notes: Iterable[str] = (),
    ) -> None:
        self._show = show
        self._log = log
        self._verbose = verbose
        self._phase = ""
        self._detected: list[str] = []
        self._notes = list(notes)
        self.detection = Detection()
        self.timeline = Timeline()
        self.layers: dict[str, str] = {}
        self.digest = ""
        self.error = ""
        self._of_detector = ""
        self._follows = False
        self.told = False
        self.ready: frozenset[str] = frozenset()

    def line(self, text: str) -> None:
        """Take in one line without its newline."""
        self._log.write(text + "\n")
        self.timeline.line(text)
        if text.startswith("===> "):
            self._phase = text.removeprefix("===> ").strip()
            self.told = False
            self._of_detector = ""
            if self._phase == "BUILDING":
                self._tell_notes()
        for prefix, state in _LAYER_LINES.items():
            if text.startswith(prefix):
                name = text.removeprefix(prefix).rstrip("'")
                self.layers[name] = "built" if name in self.ready else state
        for prefix, state in _APP_LINES.items():
            # "Added 1/1 app layer(s)"
            if text.startswith(prefix) and text.endswith(" app layer(s)"):
                self.layers["app"] = state
        if text.startswith("*** Images ("):
            self.digest = text.removeprefix("*** Images (").partition(")")[0]
        self._keep_error(text)
        if self._phase == "DETECTING":
            self.detection.line(text)
        if self._phase == "DETECTING" and not self._verbose:
            self._detected.append(text)
            # Where nothing fits, the engine says what the app looks like.
            if text.startswith("ERROR: failed to detect") and "with err" in text:
                self._tell_detected()
        elif self._verbose or self._tells(text):
            self._show(text)
            self._hear(text)

    def _keep_error(self, text: str) -> None:
        """Keep what the lifecycle itself says went wrong; where buildpacks speak, it ends by it."""
        if self._phase == "DETECTING":
            if self._follows:
                self._of_detector = f"ERROR: {text}"
            self._follows = text.startswith(OF_DETECTOR)
        failed = text.startswith("ERROR: ")
        if self._phase not in _BUILDPACKS_SPEAK:
            self.error = text if failed else self.error
        elif not text.startswith(_NOT_DETECTED):
            self.error = text if failed else self._of_detector

    def progress(self, text: str) -> None:
        """Show and keep how far the engine's own work has come."""
        self._log.write(text + "\n")
        self._show(text)

    def _tell_notes(self) -> None:
        for note in self._notes:
            self._show(note)
        self._notes.clear()

    def _tell_detected(self) -> None:
        """What the detects print that failed; what all of them print if those say no fault."""
        for fault in self.detection.faults:
            self._show(fault)
        if self.detection.faults:
            self.told = True
            self._tell_notes()  # another tool's file may say what the fault asks for
            return
        for text in self._detected:
            own = self._of_detector == f"ERROR: {text}"
            if own or text.startswith(("ERROR: ", "Error: ", *_DETECT_LINES)):
                self._show(text)

    def _hear(self, text: str) -> None:
        if self._phase in _BUILDPACKS_SPEAK and text.startswith(FAULT):
            self.told = True
        elif self._phase == "BUILDING" and not text.startswith((" ", "ERROR: ")):
            self.told = False  # some tool's error, with which its buildpack went on

    def _tells(self, text: str) -> bool:
        if text.startswith("===> "):
            if self._phase == "EXPORTING":
                self._show("Exporting the image ...")
            return False
        if text.startswith(("ERROR: ", "Error: ")):
            return not text.startswith("ERROR: failed to build: exit status")
        if self._phase == "BUILDING":
            return True
        # The lifecycle that a builder names may have none: nobody who builds can help it.
        return text.startswith("Warning: ") and not text.startswith("Warning: Did not find SBOM")
