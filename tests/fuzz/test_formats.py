"""Whatever stands in a file: a result or a clear fault; no traceback, no hang, no flood."""

from __future__ import annotations

import resource
import signal
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cnbkit import CnbkitError

from .formats import FORMATS, corpus
from .lab import Lab

# Of libraries that Poetry and PDM import; and an input may be as long as a book.
pytestmark = [
    pytest.mark.filterwarnings("ignore:open_text is deprecated:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:open_binary is deprecated:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:Generating overly large repr"),
]

if TYPE_CHECKING:
    from pathlib import Path
    from types import FrameType

# Of processor time, so that a busy machine is no hang.
_SECONDS = 5
_MEMORY = 500_000  # kB
_NIGHTLY = 100_000

HOSTILE = (
    b"[" * 100_000, b"{" * 100_000, b"(" * 50_000, b"9" * 5_000, b"-" * 5_000, b"1e99999",
    b"0x" + b"f" * 5_000, b"a" * 100_000, b"\\" * 1_000, b"\x00", b"\xff\xfe", b"\xef\xbb\xbf",
    b"x = " + b"[" * 50_000, b"x = " + b"{a=" * 20_000, b'{"a":' * 50_000, b"x = " + b"9" * 5_000,
    b"\r", b"\xed\xa0\x80", b"/", b"..", b"../../..", b"file:///", b"http://[bad", b"${A}",
    b"&a [*a]", b"*a", b"!!python/object:os.system", b"<<: *x", b"null", b"true", b"[]", b"{}",
    b'""', b"0", b"-1", b"2026-01-01", b"nan", b"name = 1", b"version = []", b"= x",
    b"\n" * 50_000, b" " * 50_000, b"\t" * 50_000, b"*" * 200, b"a*" * 200, b"(a+)+" * 20,
    b"**/" * 100, b"..a" * 1_000, b"\x1b[2J", b"${A:-" * 1_000, b"'" * 999, b'"' * 999,
    b"a.b.c.d = 1\n" * 500, b"- " * 2_000, b"x: " * 2_000, b"x==1; " + b"(" * 5_000,
)  # fmt: skip


class Hung(BaseException):
    """Reading takes too long."""


def _hung(_number: int, _frame: FrameType | None) -> None:
    raise Hung


def mutated(seed: bytes, steps: list[tuple[int, int, int, bytes]]) -> bytes:
    """A seed after cuts, copies and insertions."""
    data = seed
    for kind, at, length, token in steps:
        start = at % (len(data) + 1)
        end = min(len(data), start + length)
        match kind:
            case 0:
                data = data[:start] + token + data[start:]
            case 1:
                data = data[:start] + token + data[end:]
            case 2:
                data = data[:start] + data[end:]
            case 3:
                data = data[:end] + data[start:]
            case _:
                line = data.rfind(b"\n", 0, start) + 1
                value = data.find(b"=", line, line + 200)
                value = value if value >= 0 else data.find(b":", line, line + 200)
                stop = data.find(b"\n", line)
                stop = len(data) if stop < 0 else stop
                if 0 <= value < stop:
                    data = data[: value + 1] + b" " + token + data[stop:]
    return data[:300_000]


def inputs(file: str) -> st.SearchStrategy[bytes]:
    """Mutations of the corpus; some that are only bytes."""
    token = st.sampled_from(HOSTILE) | st.binary(max_size=8)
    step = st.tuples(st.integers(0, 4), st.integers(0, 4000), st.integers(0, 60), token)
    return st.builds(
        mutated, st.sampled_from(corpus(file)), st.lists(step, min_size=1, max_size=4)
    ) | st.binary(max_size=60)


def read(lab: Lab, file: str, data: bytes) -> None:
    """Read one input, and look at how that ended."""
    found = FORMATS[file]
    found.write(lab, data)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    fault: CnbkitError | None = None
    previous = signal.signal(signal.SIGVTALRM, _hung)
    signal.setitimer(signal.ITIMER_VIRTUAL, _SECONDS)
    try:
        found.read(lab)
    except CnbkitError as error:
        fault = error
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, previous)
    if fault is not None:
        # Nobody reads a line of a page.
        assert max(map(len, str(fault).splitlines())) < 2_000
        assert fault.remedy or fault.blame != "your app"
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < _MEMORY


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lab:
    made = Lab(tmp_path)
    monkeypatch.chdir(made.app)
    return made


@pytest.mark.parametrize("file", FORMATS)
def test_every_input_of_the_corpus_is_read_or_refused(lab: Lab, file: str) -> None:
    for data in corpus(file):
        read(lab, file, data)


@pytest.mark.full
@pytest.mark.parametrize("file", FORMATS)
def test_hostile_words_are_read_or_refused(lab: Lab, file: str) -> None:
    for data in HOSTILE:
        read(lab, file, data)
        read(lab, file, data + b"\n" + corpus(file)[0])


@pytest.mark.parametrize("file", FORMATS)
def test_some_inputs_are_read_or_refused(lab: Lab, file: str) -> None:
    _fuzz(lab, file, 15)


@pytest.mark.nightly
@pytest.mark.parametrize("file", FORMATS)
def test_a_hundred_thousand_inputs_are_read_or_refused(lab: Lab, file: str) -> None:
    _fuzz(lab, file, _NIGHTLY // len(FORMATS))


def _fuzz(lab: Lab, file: str, count: int) -> None:
    @settings(
        max_examples=count,
        deadline=None,
        suppress_health_check=[*HealthCheck],
    )
    @given(data=inputs(file))
    def one(data: bytes) -> None:
        read(lab, file, data)

    one()
