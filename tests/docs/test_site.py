"""The documentation as a site."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import click

import cnbkit
import cnbkit.testing
import cnbkit_engine.testing
from cnbkit_engine.cli.group import COMMANDS
from cnbkit_engine.cli.group import cnbkit as group

from .blocks import ROOT, pages

DOCS = ROOT / "docs"


def test_it_builds_strictly_and_loads_nothing_from_elsewhere(tmp_path: Path) -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("mkdocs"), "build", "--strict", "--site-dir", tmp_path],
        cwd=ROOT,
        env={
            "PATH": "/usr/bin:/bin",
            "NO_MKDOCS_2_WARNING": "1",
            "DISABLE_MKDOCS_2_WARNING": "true",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    page = (tmp_path / "reference" / "api" / "index.html").read_text()
    loaded = re.findall(r"<(?:script|link|img)[^>]+(?:src|href)=\"(https?://[^\"]+)", page)
    assert loaded == []
    assert "Declare a field whose change rebuilds the layer" in page


def test_the_public_api_is_on_one_page() -> None:
    text = (DOCS / "reference/api.md").read_text()
    modules = {"hardware", "package_request"}
    named = [name for name in re.findall(r"^::: cnbkit\.(\w+)$", text, re.M) if name not in modules]
    assert sorted(named) == sorted(cnbkit.__all__)


def test_every_name_of_the_public_api_has_an_example_that_runs() -> None:
    [page] = [page for page in pages() if page.path == DOCS / "reference/api.md"]
    used: set[str] = set()
    for block in page.blocks:
        if block.language == "python" and not block.not_run:
            tree = ast.parse(block.text)
            imported = {
                alias.name
                for node in ast.walk(tree)
                if isinstance(node, ast.ImportFrom) and node.module == "cnbkit"
                for alias in node.names
            }
            used |= imported & {each.id for each in ast.walk(tree) if isinstance(each, ast.Name)}
    assert len(cnbkit.__all__) <= 45
    assert sorted({*cnbkit.__all__} - used) == []


def test_the_testing_kit_is_on_one_page() -> None:
    text = (DOCS / "reference/testing.md").read_text()
    named = re.findall(r"^::: cnbkit\.testing\.(\w+)$", text, re.M)
    assert sorted(named) == sorted(cnbkit.testing.__all__)
    named = re.findall(r"^::: cnbkit_engine\.testing\.(\w+)$", text, re.M)
    assert sorted(named) == sorted(cnbkit_engine.testing.__all__)


def test_the_command_line_page_is_what_the_commands_say() -> None:
    # In a process of its own: a command that a test calls by itself keeps the options of that.
    command = (sys.executable, "-m", "tests.docs.cli_page")
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    assert (DOCS / "reference/cli.md").read_text() == done.stdout, (
        "run: .venv/bin/python -m tests.docs.cli_page >docs/reference/cli.md"
    )


def test_every_command_has_help() -> None:
    with click.Context(group) as context:
        for name in COMMANDS:
            command = group.get_command(context, name)
            assert command is not None
            assert command.help


def test_the_feature_table_has_every_row_of_the_anchors() -> None:
    text = (DOCS / "reference/features.md").read_text()
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    widths = {line.count(" | ") for line in rows}
    assert len(rows) >= 36
    assert len(widths) == 1


def test_the_cookbook_counts_its_lines() -> None:
    text = (DOCS / "howto/cookbook.md").read_text()
    counted: dict[str, int] = {}
    for title, code in re.findall(
        r"```(?:python|sh) title=\"([^\"]+)\"\n(.*?)```", text, re.DOTALL
    ):
        if "tests/" not in title:
            name = title.partition("/")[0].removesuffix("_port.py")
            plain = re.sub(r'"""[^"]*"""\n', "", code)
            lines = [line.strip() for line in plain.splitlines()]
            own = sum(bool(line) and not line.startswith("#") for line in lines)
            counted[name] = counted.get(name, 0) + own
    said = re.findall(r"^\| \[[^]]+\]\(#[\w-]+\) \|.*\| (\d+) \|$", text, re.MULTILINE)
    assert len(said) == 5
    assert list(map(int, said)) == [
        counted[name] for name in ("procfile", "labels", "certificates", "node", "model")
    ]


PUBLIC = ("cnbkit", "cnbkit.testing", "cnbkit.hardware", "cnbkit.package_request")
TEMPLATES = ROOT / "engine/src/cnbkit_engine/cli/templates"


def test_documents_and_templates_import_public_names_only() -> None:
    texts = {
        str(block): block.text
        for page in pages()
        for block in page.blocks
        if block.language == "python"
    }
    texts |= {str(path): path.read_text() for path in TEMPLATES.rglob("*.py.tmpl")}
    assert len(texts) > 50
    pattern = re.compile(r"^ *(?:from|import) (cnbkit[\w.]*)", re.MULTILINE)
    found = {(where, name) for where, text in texts.items() for name in pattern.findall(text)}
    assert found
    private = {
        (where, name) for where, name in found if name not in (*PUBLIC, "cnbkit_engine.testing")
    }
    assert private == set()


def test_every_page_is_in_the_menu_and_found_from_the_first_page() -> None:
    menu = re.findall(r"([\w/-]+\.md)$", (ROOT / "mkdocs.yml").read_text(), re.MULTILINE)
    there = [path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md")]
    assert sorted(menu) == sorted(there)
    first = (DOCS / "index.md").read_text()
    howto = {name for name in there if name.startswith("howto/")}
    assert sorted(name for name in howto if f"]({name})" not in first) == []
