"""`cnbkit package`, `builder` and `rebase`, as they are called wrongly."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
CNBKIT = str(Path(sys.executable).with_name("cnbkit"))
MOTD = "tests/examples/foreign/motd"


@pytest.mark.parametrize(
    ("arguments", "code", "what"),
    [
        (["package", MOTD], 2, "give either --output or --publish"),
        (["package", MOTD, "-o", "a.cnb", "--publish", "a/b"], 2, "give either --output or"),
        (["package", "none", "-o", "a.cnb"], 2, "'none' does not exist"),
        (["package", MOTD, "-o", "a.cnb", "--python", "bundled"], 2, "need each other"),
        (["package", MOTD, "-o", "a.cnb", "-t", "windows/amd64"], 65, "cannot package for"),
        (["package", "docs", "-o", "a.cnb"], 70, "cannot read buildpack.toml"),
        (["builder", "none.toml", "-o", "oci:x"], 2, "'none.toml' does not exist"),
        (["builder", "builder/builder.toml", "-o", "x"], 2, "expected oci:DIR"),
        (["builder", "builder/builder.toml", "-o", "oci:x"], 65, "names no run image"),
        (["rebase", "no-such-image"], 65, "there is no image 'no-such-image'"),
    ],
)
def test_what_is_wrong_is_said(arguments: list[str], code: int, what: str) -> None:
    done = subprocess.run(
        [CNBKIT, *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert what in done.stderr
    assert done.returncode == code
    assert "Traceback" not in done.stderr
    assert not (ROOT / "a.cnb").exists()
