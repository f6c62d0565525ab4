"""Wheels that attack who unpacks them: refused by name, or nothing outside their layer changes."""

from __future__ import annotations

import base64
import hashlib
import io
import warnings
import zipfile
from contextlib import closing
from typing import TYPE_CHECKING, NamedTuple

import pytest

from ..e2e.index import HostileIndex, wheel_name
from .test_pip_resolution import INPUT, buildpack, installed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from cnbkit.testing import BuildpackRun

__all__ = ["buildpack"]

_INFO = "evil-2.0.dist-info"
_POINTS = f"{_INFO}/entry_points.txt"
_ESCAPES = "the archive of evil==2.0 reaches out of its own folder"
_WRONG = "the archive of evil==2.0 is not a valid one: "
# pip tells no version of what it has fetched itself.
_EITHER = "the archive of "
# To the root from wherever it is.
_UP = "../" * 40


class Attack(NamedTuple):
    """A wheel's members besides what each has, and what becomes of it.

    Attributes:
        files: name → content; `{out}` stands for a folder outside of everything.
        uv: what the fault begins with; empty if uv leaves out what is wrong, or it is harmless.
        pip: likewise.
        link: a member that is a link to that folder.
        record: in place of what its RECORD should say.
        again: a member that is there twice.
    """

    files: Mapping[str, bytes] = {}
    uv: str = ""
    pip: str = ""
    link: str = ""
    record: str | None = None
    again: str = ""


ATTACKS = {
    "a path that goes up": Attack({f"{_UP}{{out}}/new": b"x"}, pip=_EITHER),
    "an absolute path": Attack({"{out}/new": b"x"}, pip=_EITHER),
    "scripts that go up": Attack({f"evil-2.0.data/scripts/{_UP}{{out}}/new": b"#!python\n"},
                                 pip=_EITHER),
    "data with an absolute path": Attack({"evil-2.0.data/data/{out}/new": b"x"}),
    "a link": Attack(link="out"),
    "a file through a link": Attack({"out/new": b"x"}, link="out", uv=_WRONG, pip=_EITHER),
    "one name twice": Attack(again="evil.py", uv=_WRONG),
    "a record that lies": Attack(record="evil.py,sha256=AAAA,1\n"),
    "a record of other files": Attack(record=f"evil.py,,\n{_UP}{{out}}/kept,,\n{{out}}/kept,,\n"),
    "a program that goes up": Attack(
        {_POINTS: f"[console_scripts]\n{_UP}{{out}}/new = a:b".encode()},
        uv=_ESCAPES, pip=_EITHER,
    ),
    "a program .. ": Attack({_POINTS: b"[console_scripts]\n.. = a:b"}, uv=_ESCAPES,
                            pip=_EITHER),
    "a program that is Python": Attack({_POINTS: b"[console_scripts]\npython = a:b"}, uv=_WRONG),
    "data of no kind": Attack({"evil-2.0.data/nonsense/x": b"x"}, uv=_WRONG, pip=_EITHER),
    "names that differ in case": Attack({"EVIL.py": b"a", "Evil.py": b"b"}),
    "a name of 300 bytes": Attack({"n" * 300: b"x"}, uv=_WRONG, pip=_EITHER),
    "a hundred folders": Attack({"/".join(["d" * 50] * 100): b"x"}, uv=_WRONG, pip=_EITHER),
    "a file that is a folder": Attack({"a": b"x", "a/b": b"x"}, uv=_WRONG, pip=_EITHER),
    "signs that steer terminals": Attack({"a\nb.py": b"x", "c\x1b[31m.py": b"x"}, uv=_WRONG),
    "backslashes": Attack({"..\\..\\new": b"x"}),
    "code for Python's start": Attack({
        "sitecustomize.py": b"open('{out}/new', 'w')",
        "usercustomize.py": b"open('{out}/new', 'w')",
        "evil.pth": b"import os; open('{out}/new', 'w')\n",
    }),
    "names of Python's own": Attack({
        "os.py": b"open('{out}/new', 'w')", "encodings/__init__.py": b"open('{out}/new', 'w')",
        "pip/__init__.py": b"open('{out}/new', 'w')", "site.py": b"open('{out}/new', 'w')",
    }),
    "code that cannot be compiled": Attack({
        "a.py": b"\xff\xfe\0\0", "b.py": b"(" * 100_000, "c.py": b"x=" + b"-" * 100_000 + b"1",
    }),
}  # fmt: skip
# Those that everything hangs on; the others belong to the tests that take longer.
_QUICK = ("a path that goes up", "a file through a link")


def packed(attack: Attack, out: Path) -> bytes:
    """The wheel."""
    place = str(out).lstrip("/")
    # What goes up ends at the root; an absolute path begins there.
    files = {
        "evil.py": b"VERSION = '2.0'\n",
        f"{_INFO}/METADATA": b"Metadata-Version: 2.1\nName: evil\nVersion: 2.0\n",
        f"{_INFO}/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    for name, data in attack.files.items():
        whole = name.replace(f"{_UP}{{out}}", f"{_UP}{place}").replace("{out}", str(out))
        text = data.replace(f"{_UP}{{out}}".encode(), f"{_UP}{place}".encode())
        files[whole] = text.replace(b"{out}", str(out).encode())
    record = "".join(f"{name},{_hash(data)},{len(data)}\n" for name, data in files.items())
    if attack.record is not None:
        record = attack.record.replace(f"{_UP}{{out}}", f"{_UP}{place}").replace("{out}", str(out))
    files[f"{_INFO}/RECORD"] = f"{record}{_INFO}/RECORD,,\n".encode()
    members = [(name, data, 0o100644) for name, data in files.items()]
    if attack.link:
        members.insert(0, (attack.link, str(out).encode(), 0o120777))
    if attack.again:
        members.append((attack.again, b"VERSION = 'another'\n", 0o100644))
    packed = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        warnings.simplefilter("ignore")  # of names that are there twice
        for name, data, mode in members:
            info = zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0))
            info.external_attr, info.compress_type = mode << 16, zipfile.ZIP_DEFLATED
            archive.writestr(info, data)
    return packed.getvalue()


def _hash(data: bytes) -> str:
    digest = hashlib.sha256(data).digest()
    return "sha256=" + base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


@pytest.fixture
def index() -> Iterator[HostileIndex]:
    with closing(HostileIndex()) as made:
        yield made


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """A folder outside of all that is built, with a file."""
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "kept").write_text("whole")
    return folder


def tried(
    run: BuildpackRun, buildpack: Path, index: HostileIndex, out: Path, engine: str, name: str
) -> str:
    """What the fault says; empty if it is installed. Outside nothing may have changed."""
    index.publish("evil", wheel_name("evil", "2.0"), packed(ATTACKS[name], out))
    env = {**INPUT, "BP_PIP_ENGINE": engine, "BP_PIP_INDEX_URL": index.url}
    result = run(buildpack, app={"requirements.txt": "evil\n"}, env=env)
    assert [(path.name, path.read_text()) for path in out.iterdir()] == [("kept", "whole")]
    assert "Traceback" not in result.log
    assert "\x1b" not in result.log
    if result.fault:
        return result.fault.what
    assert installed(result) == {"evil": "2.0"}
    return ""


@pytest.mark.parametrize(
    "name",
    [each if each in _QUICK else pytest.param(each, marks=pytest.mark.full) for each in ATTACKS],
)
def test_uv(
    buildpack_run: BuildpackRun, buildpack: Path, index: HostileIndex, out: Path, name: str
) -> None:
    said = tried(buildpack_run, buildpack, index, out, "uv", name)
    expected = ATTACKS[name].uv
    assert said.startswith(expected)
    assert bool(said) is bool(expected)


@pytest.mark.full
@pytest.mark.parametrize("name", ATTACKS)
def test_pip(
    buildpack_run: BuildpackRun, buildpack: Path, index: HostileIndex, out: Path, name: str
) -> None:
    said = tried(buildpack_run, buildpack, index, out, "pip", name)
    expected = ATTACKS[name].pip
    assert said.startswith(expected)
    assert bool(said) is bool(expected)


@pytest.mark.parametrize("engine", ["uv", pytest.param("pip", marks=pytest.mark.full)])
def test_what_unpacks_to_more_than_is_allowed_ends_and_nothing_of_it_stays(
    buildpack_run: BuildpackRun, buildpack: Path, index: HostileIndex, out: Path, engine: str
) -> None:
    bomb = packed(Attack({"data.bin": bytes(100 << 20)}), out)
    assert len(bomb) < 200_000
    index.publish("evil", wheel_name("evil", "2.0"), bomb)
    env = {**INPUT, "BP_PIP_ENGINE": engine, "BP_PIP_INDEX_URL": index.url}
    app = {"requirements.txt": "evil\n"}
    refused = buildpack_run(buildpack, app=app, env={**env, "BP_PIP_SIZE_LIMIT": "60"})
    assert refused.fault
    assert refused.fault.what == "the packages take more than 60 MB unpacked"
    assert str(refused.fault.where).startswith("the largest file of them: data.bin (")
    # Links lead to the interpreter, which is large where it is one file.
    left = [path for path in refused.app.parent.rglob("*") if path.is_file()]
    assert sum(path.lstat().st_size for path in left) < 20_000_000
    # The same, where that much is wanted.
    built = buildpack_run(buildpack, app=app, env={**env, "BP_PIP_SIZE_LIMIT": "200"})
    assert installed(built) == {"evil": "2.0"}
