"""What the documentation names is there: commands and options, and files of the repository."""

from __future__ import annotations

import re
import shlex
import subprocess

import click
import pytest

from cnbkit_engine.cli.group import COMMANDS
from cnbkit_engine.cli.group import cnbkit as group

from .blocks import ROOT, Block, pages

SHELL = [
    block
    for page in pages()
    for block in page.blocks
    if block.language in ("console", "sh", "bash") and "cnbkit " in block.text
]


def _shown(block: Block) -> list[list[str]]:
    """The words of each command line that starts with cnbkit."""
    lines = block.text.replace("\\\n", " ").splitlines()
    found = [re.match(r"\s*(?:\$ )?(?:\S*/)?cnbkit (.*)", line) for line in lines]
    return [shlex.split(each[1], comments=True) for each in found if each]


@pytest.mark.parametrize("block", SHELL, ids=str)
def test_commands_have_the_options_they_are_shown_with(block: Block) -> None:
    unknown = []
    for name, *words in _shown(block):
        if name.startswith("-"):
            continue
        with click.Context(group) as context:
            command = group.get_command(context, name) if name in COMMANDS else None
        options = {opt for each in command.params for opt in each.opts} if command else set()
        own = words[: words.index("--")] if "--" in words else words
        given = [word.partition("=")[0] for word in own if re.match(r"--?[a-z]", word)]
        unknown += [f"{name} {each}" for each in given if each not in {*options, "--help"}]
        if command is None:
            unknown.append(name)
    assert unknown == []


def test_files_linked_in_the_repository_are_there() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "*.md"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    linked = {
        path
        for name in listed.stdout.splitlines()
        for path in re.findall(
            r"github\.com/cnbkit/cnbkit/(?:blob|tree)/main/([\w./-]+)", (ROOT / name).read_text()
        )
    }
    assert linked
    assert sorted(path for path in linked if not (ROOT / path).exists()) == []


@pytest.mark.parametrize("page", ["docs/architecture.md", "CONTRIBUTING.md", "docs/howto/kpack.md"])
def test_paths_of_the_source_tree_are_there(page: str) -> None:
    rooms = "sdk|engine|buildpacks|builder|tools|bench|tests|platforms|common"
    text = (ROOT / page).read_text()
    named = set(re.findall(rf"(?<![\w./<…-])((?:{rooms})/[\w./*-]+)", text))
    assert named
    bases = (ROOT, ROOT / "buildpacks")
    missing = [each for each in named if not any(list(base.glob(each)) for base in bases)]
    assert sorted(missing) == []


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("what a Flask app starts with", ["Flask"]),
        ("how a layer is compressed", ["isal_zlib", "compresslevel", "compresslevel"]),
        ("a new lock format", ["pdm.lock", "class ", "pdm.lock", "pdm.lock", "pdm.lock"]),
        ("a new CUDA", ["driver"]),
        ("which packages share a layer", ["def partition"]),
    ],
)
def test_where_to_change_something_is_the_code_that_does_it(what: str, words: list[str]) -> None:
    text = (ROOT / "docs/architecture.md").read_text()
    (row,) = re.findall(rf"^\| {re.escape(what)} \| (.*) \|$", text, re.M)
    named = [each for each in re.findall(r"`([^`]+)`", row) if "/" in each and " " not in each]
    bases = (ROOT, ROOT / "buildpacks", ROOT / "engine/src/cnbkit_engine")
    for name, word in zip(named, words, strict=True):
        inner = name.removeprefix("engine/…/")
        (place,) = (base / inner for base in bases if (base / inner).exists())
        files = [place] if place.is_file() else [*place.rglob("*.py")]
        assert any(word in path.read_text() for path in files), name
