"""The document that buildpacks tell later ones the app's Python by."""

from __future__ import annotations

import json
import re
import sys
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnbkit import BuildContext, BuildpackFault, Log, PythonBuild, UserFault

if TYPE_CHECKING:
    from pathlib import Path

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
KNOWN = {"version", "inputs", *(each.replace("_", "-") for each in PythonBuild.__slots__)}


def _context(app: str = "", **env: str) -> BuildContext:
    return BuildContext(app=app, env=env, buildpack="", platform="", layers="", plan="", log=Log())


@given(
    st.text(),
    st.none() | st.lists(st.text()),
    st.dictionaries(st.text().filter(lambda name: name not in KNOWN), JSON),
)
def test_what_one_writes_the_next_reads_and_hands_on(
    path: str, inputs: list[str] | None, others: dict[str, object]
) -> None:
    text = PythonBuild(python=path, inputs=inputs, others=others).dumps()
    table = json.loads(text)
    assert table.pop("version") == 1
    assert table.pop("python", "") == path
    assert table.pop("inputs", None) == inputs
    assert table == others
    again = PythonBuild.loads(text)
    assert (again.python, again.inputs, again.others) == (path, inputs, others)
    # As another program may write it.
    pretty = json.dumps(json.loads(text), indent=2)
    # A number, and not a part of a text.
    pretty = re.sub(r'("(?:[^"\\]|\\.)*")|Infinity', lambda found: found[1] or "1e999", pretty)
    assert PythonBuild.loads(f"\n{pretty}\n").dumps() == text


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "it is not a JSON object"),
        ('{"version": 1', "it is not a JSON object"),
        ("[1]", "it is not a JSON object"),
        ('{"version": 1, "own": NaN}', "it is not a JSON object"),
        ('{"version": 1} x', "it is not a JSON object"),
        ('{"python": "/x"}', "it is not of version 1 of the format"),
        ('{"version": 2}', "it is not of version 1 of the format"),
        ('{"version": 1, "python-version": 3, "inputs": "a"}', "python-version, inputs"),
        ('{"version": 1, "groups": [1], "left-out": {"a": "b"}}', "groups, left-out"),
    ],
)
def test_what_is_no_such_document_is_the_buildpacks_fault(text: str, says: str) -> None:
    with pytest.raises(BuildpackFault) as caught:
        PythonBuild.loads(text, where="/layers/a/build.json")
    assert says in str(caught.value)
    assert "where: /layers/a/build.json" in str(caught.value)


def test_without_a_document_nothing_is_known_and_a_lost_one_is_told(tmp_path: Path) -> None:
    nothing = PythonBuild.read(_context())
    assert (nothing.python, nothing.inputs, nothing.lock) == ("", None, "")
    with pytest.raises(BuildpackFault, match="No such file"):
        PythonBuild.read(_context(CNBKIT_BUILD=f"{tmp_path}/build.json"))


def test_python_is_the_one_told_else_the_first_on_path(tmp_path: Path) -> None:
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "python3").symlink_to(sys.executable)
    ctx = _context(str(tmp_path), PATH=f"{tmp_path}/nothing:{folder}:/usr/bin")
    found = PythonBuild(lock="/l").with_python(ctx)
    version = ".".join(map(str, sys.version_info[:3]))
    assert (found.python, found.python_version, found.lock) == (
        f"{folder}/python3",
        version,
        "/l",
    )
    told = PythonBuild(python="/x/python", python_version="3.9.1").with_python(ctx)
    assert (told.python, told.python_version) == ("/x/python", "3.9.1")
    with pytest.raises(UserFault, match="there is no Python to install packages for"):
        PythonBuild().with_python(_context(PATH=str(tmp_path)))
