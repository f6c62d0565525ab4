from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cnbkit_engine.build.report import reasons, size_text, summary

if TYPE_CHECKING:
    from pathlib import Path


def test_reasons_come_from_what_buildpacks_left_beside_their_layers(tmp_path: Path) -> None:
    for name, text in {
        "cnbkit_pip": "seconds\t1.5\nlayer\tsite\trebuild\tPython changed\nlayer\tlock\tkeep\t\n",
        "other": "layer\ttoo few\n\xff\n",
    }.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / ".cnbkit-report.tsv").write_bytes(text.encode("latin-1"))
    (tmp_path / "without").mkdir()
    assert reasons(tmp_path) == {"cnbkit_pip:site": "Python changed", "cnbkit_pip:lock": ""}


def test_the_table_has_a_line_a_layer_and_a_reason_only_for_what_was_built() -> None:
    states = {
        "cnbkit/pip:site": "built",
        "cnbkit/pip:wheels-numpy": "reused",
        "buildpacksio/lifecycle:launcher": "built",
        "app": "built",
    }
    why = {"cnbkit_pip:site": "Python changed " * 10, "cnbkit_pip:wheels-numpy": "not shown"}
    lines = list(summary(states, why, None))
    assert len(lines) == 3
    assert lines[0].startswith("  built   cnbkit/pip:site ")
    assert lines[0].endswith("…")
    assert lines[1].strip() == "reused  cnbkit/pip:wheels-numpy"
    assert lines[2].strip() == "built   app"


def test_nothing_gives_no_table() -> None:
    assert list(summary({}, {}, None)) == []


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (999_949, "999.9 kB"),
        (999_950, "1.0 MB"),
        (64_123_456, "64.1 MB"),
        (1_234_567_890, "1.23 GB"),
    ],
)
def test_a_size_is_told_in_the_unit_people_compare_it_in(count: int, text: str) -> None:
    assert size_text(count) == text
