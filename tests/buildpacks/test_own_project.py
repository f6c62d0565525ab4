"""A package of the app's own that cannot be made: what real build backends say, in our words."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from cnbkit_pip.diagnosis.diagnose import uncompiled
from cnbkit_pip.diagnosis.own_project import last_words, own_fault, undeclared

UV = Path(sys.executable).with_name("uv")
FOLDERS = ("data", "models")
CASES: dict[str, tuple[str, str, str, str, str]] = {
    "folders beside each other": (
        "setuptools",
        "setuptools.build_meta",
        "",
        "setuptools finds data, models and does not know which is the package",
        'name what is, in pyproject.toml: [tool.setuptools] packages = ["data", "models"]; or',
    ),
    "a folder that is named and not there": (
        "setuptools",
        "setuptools.build_meta",
        '[tool.setuptools]\npackages = ["shop"]\n',
        "there is no shop",
        "name the folder with the code in pyproject.toml",
    ),
    "hatchling, no folder of that name": (
        "hatchling",
        "hatchling.build",
        "",
        "there is no folder that is called my-app",
        "name the folder with the code in pyproject.toml",
    ),
    "hatchling, no readme": (
        "hatchling",
        "hatchling.build",
        'readme = "README.md"\n',
        "there is no README.md, which pyproject.toml names as its readme",
        "add README.md, or take `readme` out of pyproject.toml",
    ),
    "poetry-core, no folder of that name": (
        "poetry-core",
        "poetry.core.masonry.api",
        "",
        "there is no my-app",
        "name the folder with the code in pyproject.toml",
    ),
    "uv_build": (
        "uv_build",
        "uv_build",
        "",
        "src/my_app/__init__.py",
        "name the folder with the code in pyproject.toml",
    ),
    "flit, no readme": (
        "flit_core",
        "flit_core.buildapi",
        'description = "x"\nreadme = "README.md"\n',
        "there is no README.md",
        "add README.md",
    ),
    "a backend that is not required": (
        "setuptools",
        "shop_build.api",
        "",
        "it needs shop_build to be built, and [build-system] does not require it",
        'add "shop-build" to requires below [build-system]',
    ),
}


@pytest.mark.full
@pytest.mark.parametrize(("package", "backend", "more", "why", "remedy"), CASES.values(), ids=CASES)
def test_what_the_backend_misses_is_told_with_the_one_thing_to_change(
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    package: str,
    backend: str,
    more: str,
    why: str,
    remedy: str,
) -> None:
    for name in FOLDERS:
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").touch()
    text = (
        f'[project]\nname = "my-app"\nversion = "1"\n{more}[build-system]\n'
        f'requires = ["{package}"]\nbuild-backend = "{backend}"\n'
    )
    (tmp_path / "pyproject.toml").write_text(text)
    target = tmp_path_factory.mktemp("target")
    command = [str(UV), "pip", "install", "--no-deps", "--target", str(target)]
    command += ["--python", sys.executable, "-e", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode
    fault = own_fault(done.stderr, done.stderr, str(tmp_path))
    assert fault is not None, done.stderr
    assert fault.what.startswith("my-app, the app's own package, cannot be built: ")
    assert why in fault.what
    word = "readme" if "readme" in more else "[build-system]"
    number = [line[: len(word)] for line in text.splitlines()].index(word) + 1
    assert fault.where == f"pyproject.toml:{number}"
    assert (fault.remedy or "").startswith(remedy)
    assert "BP_PYTHON_PROJECT=none" in (fault.remedy or "")


def test_a_package_of_an_index_is_not_the_apps_own() -> None:
    output = "error: Failed to build `thing==1.0`\n  cause: The build backend returned an error\n"
    assert own_fault(output, output, "/workspace") is None
    elsewhere = output.replace("thing==1.0", "thing @ file:///layers/x/thing")
    assert own_fault(elsewhere, elsewhere, "/workspace") is None


COMPILED = """error: Failed to build `x==1`
  a.c:17:23: error: 'T' has no member named 'f'
  a.c:19:1: error: another
  error: command 'gcc' failed
"""


@pytest.mark.parametrize(
    ("output", "words"),
    [
        ("error: Failed to build `x==1`\n  cause: The build backend returned an error\n", ""),
        ("error: Failed to build `x==1`\n   RuntimeError: no apxs\n", "RuntimeError: no apxs"),
        (COMPILED, "'T' has no member named 'f'"),
    ],
)
def test_the_last_words_are_those_of_the_back_end_or_of_its_compiler(
    output: str, words: str
) -> None:
    assert last_words(output) == words


def test_what_is_compiled_for_another_python_is_told_so() -> None:
    output = "error: Failed to build `u==2.0`\n a.c:1:2: error: 'PyThreadState' has no member 'f'\n"
    fault = uncompiled("u", "2.0", output, None)
    assert fault.what.endswith("compiling it fails: it is too old for this Python")
    assert (fault.remedy or "").startswith("take a newer release of u, or write an older Python")


@pytest.mark.parametrize(("written", "key"), [('name = "x"', "version"), ('version = "1"', "name")])
def test_a_key_that_project_lacks_is_named_with_the_line_to_add(
    tmp_path: Path, written: str, key: str
) -> None:
    (tmp_path / "pyproject.toml").write_text(f"[project]\n{written}\n")
    command = [str(UV), "pip", "compile", str(tmp_path / "pyproject.toml"), "--offline"]
    done = subprocess.run(
        [*command, "--python", sys.executable], capture_output=True, text=True, check=False
    )
    assert done.returncode
    fault = undeclared(done.stderr, None)
    assert fault is not None, done.stderr
    assert fault.what == f"[project] in pyproject.toml has no {key}"
    assert (fault.where or "").endswith("pyproject.toml:1")
    assert (fault.remedy or "").startswith(f"add the line `{key} = ")
