"""Nothing is silent for long, and a terminal's counting line leaves nothing behind."""

from __future__ import annotations

import io
import threading

from cnbkit_engine.cli.progress import Progress


class Lines:
    """What is shown; somebody may wait for a line."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._more = threading.Condition()

    def show(self, text: str) -> None:
        with self._more:
            self.lines.append(text)
            self._more.notify_all()

    def wait_for(self, count: int) -> None:
        with self._more:
            assert self._more.wait_for(lambda: len(self.lines) >= count, 30)


def test_in_silence_a_line_says_what_is_being_worked_on() -> None:
    lines = Lines()
    with Progress(lines.show, every=0.05, terminal=None) as progress:
        progress.show("  Installing 3 packages, 1.0 GB ...")
        lines.wait_for(3)
        progress.show("    done in 2.0 s")
        lines.wait_for(5)
    first, *rest = lines.lines
    assert first == "  Installing 3 packages, 1.0 GB ..."
    done = rest.index("    done in 2.0 s")
    assert all(line.endswith(" s: Installing 3 packages, 1.0 GB") for line in rest[:done])
    assert all(line.endswith(" s: done in 2.0 s") for line in rest[done + 1 :])
    assert done >= 2


def test_who_speaks_often_is_not_interrupted() -> None:
    lines = Lines()
    with Progress(lines.show, every=3600, terminal=None) as progress:
        for number in range(100):
            progress.show(str(number))
    assert lines.lines == list(map(str, range(100)))


def test_nothing_is_shown_after_the_end() -> None:
    lines = Lines()
    with Progress(lines.show, every=0.01, terminal=None) as progress:
        progress.show("one")
        lines.wait_for(2)
    before = list(lines.lines)
    threading.Event().wait(0.1)
    assert lines.lines == before


class Terminal(io.StringIO):
    """A terminal; somebody may wait until it is written to."""

    def __init__(self) -> None:
        super().__init__()
        self.written = threading.Event()

    def flush(self) -> None:
        self.written.set()


def test_on_a_terminal_one_line_counts_and_makes_way() -> None:
    lines, terminal = Lines(), Terminal()
    with Progress(lines.show, terminal=terminal) as progress:
        progress.show("Exporting the image ...\x1b[31m")
        assert terminal.written.wait(30)
        progress.show("done")
    counted = terminal.getvalue()
    assert counted.startswith("\r\x1b[K  ")
    assert " s: Exporting the image" in counted
    assert counted.endswith("\r\x1b[K")
    assert "\x1b[31m" not in counted
    assert lines.lines == ["Exporting the image ...\x1b[31m", "done"]


def test_whoever_stops_reading_does_not_stop_the_command() -> None:
    called = threading.Event()

    def show(text: str) -> None:
        if text != "one":
            called.set()
            raise BrokenPipeError

    with Progress(show, every=0.01, terminal=None) as progress:
        progress.show("one")
        assert called.wait(30)


def test_after_an_error_its_remedy_is_not_what_is_being_worked_on() -> None:
    lines = Lines()
    with Progress(lines.show, every=0.05, terminal=None) as progress:
        progress.show("\x1b[31mError: uv.lock is out of step\x1b[0m")
        progress.show("  to do: run `uv lock`")
        lines.wait_for(4)
    assert all(
        line.endswith(" s: putting away what the build has made") for line in lines.lines[2:]
    )
