"""A setup.py that does not run to its end: what setuptools prints of it, in our words."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from cnbkit_pip.diagnosis.setup_script import setup_fault

UV = Path(sys.executable).with_name("uv")
CALL = "setup(name='shop', version='1')\n"
CASES: dict[str, tuple[str, str, str, str]] = {
    "nothing in it": ("", "setup.py", "setup.py does not call setup()", "call setuptools.setup("),
    "a file that is not there": (
        f"from setuptools import setup\nopen('README.rst')\n{CALL}",
        "setup.py:2",
        "setup.py reads README.rst, which is not there",
        "add README.rst, or take it out of .dockerignore",
    ),
    "a module that is not there": (
        f"import yaml\nfrom setuptools import setup\n{CALL}",
        "setup.py:1",
        "setup.py imports yaml, which is not there when packages are built",
        'write a pyproject.toml: [build-system] requires = ["setuptools", "pyyaml"]',
    ),
    "no Python": (
        "from setuptools import setup\nprint 'shop'\n",
        "setup.py:2",
        "setup.py is not Python 3: Missing parentheses in call to 'print'",
        "correct that line",
    ),
    "an error of its own": (
        f"def version():\n    raise ValueError('no tag')\nversion()\n{CALL}",
        "setup.py:3",
        "setup.py cannot be run: ValueError: no tag",
        "correct that line",
    ),
}


def failed(*command: str, folder: Path, given: str = "") -> str:
    """What uv prints."""
    done = subprocess.run(
        [UV, "pip", "compile", "--python", sys.executable, *command],
        input=given,
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode, done.stdout
    return done.stderr


@pytest.mark.full
@pytest.mark.parametrize("editable", [False, True], ids=["by itself", "by a requirement"])
@pytest.mark.parametrize(("text", "where", "what", "remedy"), CASES.values(), ids=CASES)
def test_what_ends_setup_py_is_told_with_its_line_and_the_change(
    tmp_path: Path, *, text: str, where: str, what: str, remedy: str, editable: bool
) -> None:
    (tmp_path / "setup.py").write_text(text)
    output = (
        failed("-", folder=tmp_path, given="-e .\n")
        if editable
        else failed("setup.py", folder=tmp_path)
    )
    fault = setup_fault(output, output, str(tmp_path))
    assert fault is not None, output
    assert fault.where == where
    assert fault.what.startswith(what)
    assert (fault.remedy or "").startswith(remedy)


@pytest.mark.full
def test_with_a_build_system_the_module_is_added_to_it(tmp_path: Path) -> None:
    (tmp_path / "setup.py").write_text(f"import yaml\nfrom setuptools import setup\n{CALL}")
    (tmp_path / "pyproject.toml").write_text(
        '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n'
    )
    output = failed("-", folder=tmp_path, given="-e .\n")
    fault = setup_fault(output, output, str(tmp_path))
    assert fault is not None, output
    assert fault.remedy == 'add "pyyaml" to requires below [build-system] in pyproject.toml'


def test_a_setup_py_of_a_dependency_is_not_the_apps() -> None:
    traceback = (
        'File "/x/setuptools/build_meta.py", line 520, in run_setup\n    exec(code, locals())\n'
        'File "<string>", line 2, in <module>\nValueError: no tag\n'
    )
    assert setup_fault(traceback, None, "/workspace") is not None
    for name in ("Failed to build `old==1.0`\n", "Failed to build `x @ git+https://host/x`\n"):
        assert setup_fault(name + traceback, None, "/workspace") is None
    elsewhere = "Failed to build `x @ file:///layers/x`\n"
    assert setup_fault(elsewhere + traceback, None, "/workspace") is None
