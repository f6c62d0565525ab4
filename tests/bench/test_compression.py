"""The bench of compressors: what it measures is what layers are made by."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.compression import archive, compressors, measure, table

from cnbkit_engine.lifecycle.compression import compressed

if TYPE_CHECKING:
    from pathlib import Path


def test_the_levels_of_layers_are_marked_and_measured_by_the_code_of_builds(
    tmp_path: Path,
) -> None:
    (tmp_path / "a.py").write_text("print('a')\n" * 5000)
    (tmp_path / "large").write_bytes(bytes(100_000))
    data = archive(tmp_path, 80_000)
    assert b"print('a')" in data
    assert len(data) < 100_000  # the large file is left out
    marked = {name: each for name, each in compressors().items() if name.startswith("**")}
    made = {name.rsplit(" ", 1)[1].strip("`"): each(data) for name, each in marked.items()}
    assert made == {kind: b"".join(compressed([data], kind)) for kind in ("gzip", "zstd")}


def test_the_table_compares_with_the_gzip_of_layers_and_sorts_by_level(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("print('a')\n" * 5000)
    found = measure(archive(tmp_path, 1_000_000))
    lines = table(found).splitlines()
    assert len(lines) == len(found) + 2
    gzip = next(line for line in lines if "--compression gzip" in line)
    assert "| 1.00 |" in gzip
    levels = [line.split("|")[1] for line in lines if "zstd" in line]
    assert levels[:2] == [" zstd 1 ", " zstd 2 "]
    assert levels[-1] == " zstd 19 "
