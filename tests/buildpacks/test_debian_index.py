"""Which release's names of packages a system understands."""

from __future__ import annotations

import lzma
from typing import TYPE_CHECKING

import pytest

from cnbkit_debian_index import release_of, supplied

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("told", "release"),
    [
        ('ID=debian\nVERSION_ID="12"\n', "12"),
        ('ID=debian\nVERSION_ID="13"\n', "13"),
        ("ID=debian\nVERSION_ID=11\n", "12"),
        ("ID=debian\n", "13"),  # the release to come
        ('ID=ubuntu\nVERSION_ID="22.04"\n', "12"),
        ('ID=ubuntu\nVERSION_ID="24.04"\n', "13"),
        ('ID=alpine\nVERSION_ID="3.20"\n', "13"),
        ("VERSION_ID\n=\nID\n", "13"),
        (None, "13"),
    ],
)
def test_a_system_has_the_names_of_a_release(
    tmp_path: Path, told: str | None, release: str
) -> None:
    if told is not None:
        (tmp_path / "etc").mkdir()
        (tmp_path / "etc/os-release").write_text(told)
    assert release_of(str(tmp_path)) == release


def test_each_release_has_its_own_lines_and_those_of_both(tmp_path: Path) -> None:
    index = tmp_path / "index.xz"
    index.write_bytes(lzma.compress(b"- all a.h\n12 old b.h c.h\n13 new b.h\n"))
    asked = ["a.h", "b.h", "c.h", "d.h"]
    assert supplied(str(index), asked, "12") == {"a.h": "all", "b.h": "old", "c.h": "old"}
    assert supplied(str(index), asked, "13") == {"a.h": "all", "b.h": "new"}
