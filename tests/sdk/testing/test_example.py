"""The example an author reads first is a test file that passes."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from typing import TYPE_CHECKING

import cnbkit.testing

if TYPE_CHECKING:
    from pathlib import Path


def test_the_example_in_the_package_docstring_passes_as_it_stands(tmp_path: Path) -> None:
    doc = cnbkit.testing.__doc__ or ""
    example = doc[doc.index("    from pathlib") : doc.index("- `buildpack_run`")]
    (tmp_path / "test_pip.py").write_text(textwrap.dedent(example))
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider", "."],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert "4 passed" in done.stdout, done.stdout
