"""Every code block of the documentation is type-checked, run, or says why it cannot be."""

from __future__ import annotations

import os
import re
import runpy
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.commands import output

from cnbkit import Buildpack
from cnbkit_engine.build.cache import app_cache
from cnbkit_engine.lint import check
from cnbkit_engine.oci.reference import Reference
from cnbkit_engine.oci.store import ImageStore
from cnbkit_engine.spec.builder import BuilderDescriptor
from cnbkit_engine.state.home import Home

from .blocks import ROOT, Block, Page, pages

if TYPE_CHECKING:
    from cnbkit.testing import BuildpackRun

PAGES = pages()
BIN = Path(sys.executable).parent
# What documentation shows but nothing executes; each of these has a test below or is output.
# `py` is an app's file, which has packages of its own; `python` is an author's.
LANGUAGES = {"python", "py", "toml", "console", "bash", "sh", "yaml", "text", "dockerfile", "json"}
# Blocks of the README, which is read where comments would show; each is run by other tests.
README = {
    "git clone": "make demo and make test are what CI runs on a fresh clone",
    ".venv/bin/cnbkit build examples/vision": "tests/e2e/test_vision.py",
}
# The architecture's drawings.
OUTPUT = ("cnbkit-buildpacks ", "$CNBKIT_HOME/")


@pytest.fixture(scope="module")
def projects(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The projects of all pages."""
    root = tmp_path_factory.mktemp("docs")
    for page in PAGES:
        page.write(root)
    (root / "examples").symlink_to(ROOT / "examples")
    return root


def bases(root: Path) -> list[Path]:
    """Folders whose modules are imported by their names."""
    found = {path.parent for path in root.rglob("buildpack.toml")}
    found |= {path.parent for path in root.rglob("extension.toml")}
    found |= set(root.glob("*/snippets"))
    # a page without a descriptor
    found |= {path.parent for path in root.glob("*/*.py")}
    return sorted(found)


def apps(root: Path) -> set[Path]:
    """Files of apps, which import what their own requirements name."""
    return {
        root / page.name / block.title
        for page in PAGES
        for block in page.blocks
        if block.language == "py"
    }


def environment(root: Path) -> dict[str, str]:
    paths = os.pathsep.join(map(str, bases(root)))
    return {
        **os.environ,
        "PYTHONPATH": paths,
        "MYPYPATH": paths,
        "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
    }


def test_python_blocks_are_an_authors_files_and_mypy_strict_passes(projects: Path) -> None:
    files = sorted({*projects.rglob("*.py")} - apps(projects))
    examples = ROOT / "examples" / "buildpacks"
    files += sorted(examples.glob("*/*.py"))
    env = environment(projects)
    env["MYPYPATH"] += "".join(f"{os.pathsep}{path}" for path in examples.glob("*/"))
    config = projects / "mypy.ini"
    config.write_text("[mypy]\nstrict = True\nexplicit_package_bases = True\n")
    cache = ROOT / ".mypy_cache" / "docs"
    output(
        BIN / "mypy", "--config-file", config, "--cache-dir", cache, *files, cwd=projects, env=env
    )


def test_python_blocks_are_formatted_and_sound(projects: Path) -> None:
    select = ["--isolated", "--line-length", "100", "--target-version", "py311"]
    what = [page.name for page in PAGES]
    output(BIN / "ruff", "check", *select, "--select", "B,E,F,UP,W", *what, cwd=projects)
    output(BIN / "ruff", "format", "--check", *select, *what, cwd=projects)


def test_python_blocks_run_and_their_tests_pass(projects: Path) -> None:
    """All of them in one session: each module is imported, each test run."""
    modules = [
        path.stem
        for base in bases(projects)
        for path in sorted(base.glob("*.py"))
        if not path.name.startswith("test_")
    ]
    assert len(modules) == len({*modules}), "module names are unique across pages"
    (projects / "test_imports.py").write_text(
        "import importlib\nimport pytest\n\n"
        f"@pytest.mark.parametrize('name', {modules!r})\n"
        "def test_it_is_imported(name):\n    importlib.import_module(name)\n"
    )
    options = ["-q", "--import-mode=importlib", "-p", "no:hypothesispytest", "-W", "error"]
    what = ["test_imports.py", *(page.name for page in PAGES)]
    output(
        *(sys.executable, "-m", "pytest", *options, *what),
        cwd=projects,
        env=environment(projects),
    )


def test_buildpacks_in_the_documentation_have_no_findings(projects: Path) -> None:
    for path in sorted(projects.rglob("buildpack.toml")):
        if path.parent.name == "docs_howto_check":
            continue  # has one for the sake of showing it
        found = [
            each
            for each in check(path.parent)
            if each.severity == "error" or each.rule in ("trigger", "plan", "heavy", "setting")
        ]
        assert found == [], path


TOML = [block for page in PAGES for block in page.blocks if block.language == "toml"]


@pytest.mark.parametrize("block", TOML, ids=str)
def test_toml_blocks_are_toml(block: Block) -> None:
    table = tomllib.loads(block.text)
    if block.title.endswith("builder.toml"):
        BuilderDescriptor.parse(table)


def test_blocks_are_in_languages_that_are_tested() -> None:
    used = {block.language for page in PAGES for block in page.blocks}
    assert used <= LANGUAGES


def test_few_blocks_are_not_run_and_each_says_why() -> None:
    skipped = [block for page in PAGES for block in page.blocks if block.not_run]
    assert len(skipped) <= 6, [str(block) for block in skipped]
    assert all(len(block.not_run) > 10 for block in skipped)


CONSOLE = [
    page
    for page in PAGES
    if any(block.language == "console" and not block.not_run for block in page.blocks)
]


@pytest.mark.parametrize("page", CONSOLE, ids=lambda page: page.name)
def test_console_blocks_print_what_they_say(page: Page, tmp_path: Path) -> None:
    folder = page.write(tmp_path)
    if "examples/" in page.path.read_text():
        (folder / "examples").symlink_to(ROOT / "examples")
    env = {**environment(tmp_path), "PYTHONPATH": "", "COLUMNS": "80"}
    env["PYTEST_ADDOPTS"] = "-p no:hypothesispytest"
    try:
        for block in page.blocks:
            if block.language == "console" and not block.not_run:
                for command, expected in _session(block.text):
                    said = _say(command, folder, env)
                    pattern = ".*".join(re.escape(part) for part in expected.split("…"))
                    assert re.search(pattern, said, re.DOTALL), f"{block}\n$ {command}\n{said}"
    finally:
        _forget(page)


def test_console_blocks_show_commands_and_what_they_print() -> None:
    blocks = [block for page in PAGES for block in page.blocks if block.language == "console"]
    assert [str(each) for each in blocks if not _session(each.text)] == []


def _session(text: str) -> list[tuple[str, str]]:
    """Commands, and what each prints."""
    found: list[tuple[str, str]] = []
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        command, _, expected = part.partition("\n")
        found.append((command, expected.strip("\n")))
    return found


def _say(command: str, folder: Path, env: dict[str, str]) -> str:
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.stdout


def _forget(page: Page) -> None:
    """Remove the images that a page's commands made."""
    home = Home.default()
    text = page.path.read_text()
    for name in set(re.findall(r"--tag (docs-\w+)", text)):
        ImageStore(home.images).remove(name)
        shutil.rmtree(app_cache(home, Reference.parse(name)), ignore_errors=True)


def test_only_the_readme_has_blocks_without_a_language_and_other_tests_run_them() -> None:
    for page in PAGES:
        known = README if page.path.name == "README.md" else {}
        for text in page.plain:
            assert any(text.startswith(start) for start in [*known, *OUTPUT]), text


@pytest.mark.parametrize("page", ["README", "docs_index"])
def test_buildpacks_shown_without_tests_build(
    projects: Path, page: str, buildpack_run: BuildpackRun
) -> None:
    app = {"hello.txt": "hi", "model.url": "https://example.com/m", "start.sh": ""}
    built = 0
    for path in sorted((projects / page).rglob("*.py")):
        names = runpy.run_path(str(path))
        for value in names.values():
            if isinstance(value, type) and issubclass(value, Buildpack) and value is not Buildpack:
                result = buildpack_run(value, app=app, commands={"curl": ""})
                assert (result.detected, result.code) == (True, 0), result.log
                built += 1
    assert built


def test_the_rules_of_check_are_all_described() -> None:
    text = "".join(
        path.read_text() for path in (ROOT / "engine/src/cnbkit_engine/lint").glob("*.py")
    )
    used = set(re.findall(r"found\.(?:error|warning)\([^\"]*?, \"(\w+)\",", text))
    described = re.findall(r"^\| `(\w+)` \|", (ROOT / "docs/howto/check.md").read_text(), re.M)
    assert used == set(described) - {"descriptor"} | ({"descriptor"} & used)
    assert "descriptor" in described
