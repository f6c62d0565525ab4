"""The bench of many packages: what it makes can be installed, and its table has every case."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from bench.many import CASES, HEAVY, LIGHT, index, publish, requirements, table


def test_the_packages_are_installed_by_uv_and_what_was_sent_is_counted(tmp_path: Path) -> None:
    publish(tmp_path / "index", 0.025)
    lines = requirements(light="1.1").splitlines()
    assert len(lines) == HEAVY + LIGHT
    (tmp_path / "requirements.txt").write_text(f"{lines[0]}\n{lines[HEAVY]}\n{lines[-1]}\n")
    with index(tmp_path / "index") as (url, sent):
        uv = Path(sys.executable).with_name("uv")
        arguments = ("--target", tmp_path / "to", "-r", tmp_path / "requirements.txt", "--quiet")
        env = {**os.environ, "UV_DEFAULT_INDEX": url, "UV_CACHE_DIR": str(tmp_path / "cache")}
        subprocess.run([uv, "pip", "install", *arguments], check=True, env=env)
    names = {each.name for each in (tmp_path / "to").glob("*.dist-info")}
    assert names == {f"{line.replace('==', '-')}.dist-info" for line in (lines[0], *lines[-1:])} | {
        "light000-1.1.dist-info"
    }
    assert len(sent) == 3
    assert sum(sent) > 500_000


def test_the_table_has_a_row_for_every_case_and_ratios_to_uv() -> None:
    found = {
        "times": {case: [4.0] for case in CASES} | {"uv": [2.0]},
        "fetched": {case: [1_500_000] for case in CASES},
    }
    text = table(found)
    for words in CASES.values():
        assert f"| {words} |" in text
    assert "| fresh | 4.00 s (4.00-4.00) | 2.00 | 1.5 MB |" in text
