"""Packages made for measurements: they can be installed, and what is fetched is counted."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from bench.packages import HEAVY, LIGHT, index, publish, requirements


def test_the_packages_are_installed_by_uv_and_what_was_sent_is_counted(tmp_path: Path) -> None:
    publish(tmp_path / "index", 0.025)
    lines = requirements(light=1).splitlines()
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


def test_of_each_kind_one_package_has_versions_to_change_to(tmp_path: Path) -> None:
    publish(tmp_path, 0.001)
    lines = {requirements(light=light, heavy=heavy) for light in range(3) for heavy in range(3)}
    assert len(lines) == 9
    wanted = {line for text in lines for line in text.splitlines()}
    assert len(wanted) == HEAVY + LIGHT + 4
    for line in wanted:
        name, _, version = line.partition("==")
        assert (tmp_path / "simple" / name / f"{name}-{version}-py3-none-any.whl").is_file()
    heavy = [
        (tmp_path / "simple" / "heavy000" / f"heavy000-1.{minor}-py3-none-any.whl").read_bytes()
        for minor in range(3)
    ]
    assert len({*heavy}) == 3
