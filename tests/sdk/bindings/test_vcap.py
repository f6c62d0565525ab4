"""Service bindings of Cloud Foundry."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnbkit import Binding, UserFault
from cnbkit.bindings.bindings import Bindings
from cnbkit.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

SERVICES = {
    "p-mysql": [
        {
            "name": "shop",
            "label": "mysql",
            "tags": ["sql"],
            "credentials": {
                "username": "ann",
                "password": "s3cret-pw",
                "uri": "mysql://ann:s3cret-pw@db.example/shop",
                "nodes": [{"host": "db.example", "token": "n0de-token"}],
                "tls/../key": "line one of it\nline two of it",
            },
        }
    ],
    "user-provided": [
        {"name": "index", "label": "user-provided", "credentials": {"type": "PyPI", "url": "u"}},
        {"name": "drain", "label": "user-provided", "credentials": None},
    ],
}


@pytest.fixture(autouse=True, scope="module")
def _temporary_files(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "tempdir", str(tmp_path_factory.mktemp("temporary")))
        yield


def _bindings(variable: object, platform: Path | None = None) -> Bindings:
    text = variable if isinstance(variable, str) else json.dumps(variable)
    at = str(platform) if platform else ""
    return Bindings(Settings({"VCAP_SERVICES": text}, at), at)


def _first(bindings: Bindings, type_: str) -> Binding:
    found = bindings.first(type_)
    assert found is not None
    return found


def test_a_service_is_a_binding() -> None:
    bindings = _bindings(SERVICES)
    shop = _first(bindings, "MySQL")
    assert (shop.name, shop.provider) == ("shop", "p-mysql")
    assert shop.text("password") == "s3cret-pw"
    assert json.loads(shop.text("nodes")) == [{"host": "db.example", "token": "n0de-token"}]
    assert "s3cret" not in repr(shop)
    assert _first(bindings, "pypi").keys() == ["url"]
    assert bindings.first("user-provided") is None
    with pytest.raises(UserFault, match="the binding shop has no absent"):
        shop.bytes("absent")


def test_a_tool_gets_a_file_that_nobody_else_reads() -> None:
    shop = _first(_bindings(SERVICES), "mysql")
    path = Path(shop.file("tls/../key"))
    assert path.read_text() == "line one of it\nline two of it"
    assert path.parent == Path(shop.path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert shop.file("tls/../key") == str(path)


@pytest.mark.parametrize("end", ["", "raise SystemExit(65)", "1 / 0"])
def test_those_files_are_gone_when_the_phase_has_ended(tmp_path: Path, end: str) -> None:
    code = (
        "import os, sys\n"
        "from cnbkit.bindings.bindings import Bindings\n"
        "from cnbkit.settings import Settings\n"
        "found = Bindings(Settings(dict(os.environ), ''), '').first('mysql')\n"
        "print(found.file('password'), os.path.exists(found.file('password')), flush=True)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code + end],
        env={"VCAP_SERVICES": json.dumps(SERVICES), "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == {"": 0, "1 / 0": 1}.get(end, 65), done.stderr
    path, was_there = done.stdout.split()
    assert (was_there, Path(path).parents[1]) == ("True", tmp_path)
    assert [*tmp_path.iterdir()] == []


def test_its_secrets_are_hidden_and_the_rest_is_not() -> None:
    settings = Settings({"VCAP_SERVICES": json.dumps(SERVICES)}, "")
    Bindings(settings, "")
    shown = settings.secrets.redacted("s3cret-pw n0de-token db.example ann line two of it")
    assert shown == "[redacted] [redacted] db.example ann [redacted]"


def test_a_folder_of_the_same_name_comes_first(tmp_path: Path) -> None:
    folder = tmp_path / "bindings" / "shop"
    folder.mkdir(parents=True)
    (folder / "type").write_text("postgresql")
    bindings = _bindings(SERVICES, tmp_path)
    assert bindings.first("mysql") is None
    assert _first(bindings, "postgresql").path == str(folder)


JSON = st.recursive(
    st.none() | st.booleans() | st.text("ab/.\0\ud800", max_size=4),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(["name", "label", "credentials", "type", "", "/"]), inner, max_size=3
        )
    ),
    max_leaves=12,
)


@given(JSON.map(json.dumps) | st.text(max_size=20))
def test_whatever_the_variable_holds_stops_nothing(variable: str) -> None:
    for binding in _bindings(variable).all():
        for key in binding.keys():  # noqa: SIM118 - no table
            assert Path(binding.file(key)).read_bytes() == binding.bytes(key)
