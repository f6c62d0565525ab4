"""Each README says what the code gives others and takes from them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from .contracts import BUILDPACKS, FOLDERS, Contract, with_contract

if TYPE_CHECKING:
    from pathlib import Path

STUB = "to do: run \\`cnbkit package\\` on it"


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda each: each.name)
def test_the_readme_has_what_the_code_does(folder: Path) -> None:
    text = (folder / "README.md").read_text()
    how = "python -m tests.buildpacks.contracts"
    assert with_contract(text, Contract(folder).section()) == text, f"run {how}"


def test_known_contracts_are_read_from_the_code() -> None:
    pip, conda, cuda = (Contract(BUILDPACKS / name) for name in ("pip", "conda", "cuda"))
    assert (pip.provides, pip.requires - pip.provides) == ({"site-packages"}, {"python", "cpython"})
    assert pip.tells == {"packages", "environment"}
    assert conda.provides == {"python", "conda-environment"}
    assert {"python", "python-version", "inputs", "conda-file"} <= conda.tells
    assert cuda.requires == {"site-packages", "conda-environment"}
    assert Contract(BUILDPACKS / "pre-build").requires == set()


def test_the_table_of_all_has_each_with_what_it_provides() -> None:
    table = (BUILDPACKS / "README.md").read_text()
    rows = [line for line in table.splitlines() if line.startswith("|")]
    missing = []
    for folder in FOLDERS:
        name = re.escape(folder.name)
        row = next((each for each in rows if re.search(rf"\[{name}\]|\b{name}\b", each)), "")
        provided = Contract(folder).provides - Contract(folder).requires
        if not row or [each for each in provided if f"`{each}`" not in row]:
            missing.append(folder.name)
    assert missing == []


def test_a_source_folder_taken_for_a_buildpack_says_what_to_do() -> None:
    wrong = []
    for folder in FOLDERS:
        stub = folder / "bin" / "detect"
        if not stub.stat().st_mode & 0o100 or STUB not in stub.read_text():
            wrong.append(folder.name)
    assert len(FOLDERS) > 20
    assert wrong == []
