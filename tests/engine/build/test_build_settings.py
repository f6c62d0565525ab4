"""Variables that no buildpack reads are named with the nearest that one does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cnbkit_engine.build.settings import unknown_settings
from cnbkit_engine.builder.settings import FILE, settings_named

if TYPE_CHECKING:
    from pathlib import Path

KNOWN = ("BP_PIP_REFRESH", "BP_PIP_ENGINE", "BP_PYTHON_VERSION", "BP_LOG_LEVEL", "BPL_CUDA_CHECK")


@pytest.fixture
def builder(tmp_path: Path) -> Path:
    (tmp_path / FILE).write_text("".join(f"{name}\n" for name in KNOWN))
    return tmp_path


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("BP_PIP_REFERSH", "BP_PIP_REFRESH"),
        ("BP_CPYTHON_VERSION", "BP_PYTHON_VERSION"),
        ("BP_PYTHON_VERSIONS", "BP_PYTHON_VERSION"),
        ("bp_python_version", "BP_PYTHON_VERSION"),
        ("BP-PYTHON-VERSION", "BP_PYTHON_VERSION"),
        ("BPL_CUDA_CHEK", "BPL_CUDA_CHECK"),
        ("BP_PIP_MODE", "BP_PIP_ENGINE"),
        ("BP_SECRET_FILE", "BP_SECRET_FILES"),
    ],
)
def test_one_like_ours_is_named_with_the_nearest(name: str, nearest: str, builder: Path) -> None:
    [line] = unknown_settings({"--env": {name: ""}, "project.toml": {}}, builder)
    what = f"no buildpack of the builder reads {name}, from --env"
    assert line == f"Warning: {what}; the nearest is {nearest}"


@pytest.mark.parametrize(
    "name", [*KNOWN, "BP_SECRET_FILES", "BP_OCI_REVISION", "BPE_PIP_REFERSH", "MODE", "BP_ZZZZ"]
)
def test_others_are_not(name: str, builder: Path) -> None:
    assert list(unknown_settings({"--env": {name: ""}}, builder)) == []


def test_the_warning_says_where_the_name_stands(builder: Path) -> None:
    [line] = unknown_settings({"--env": {}, "project.toml": {"BP_LOG_LEVELS": ""}}, builder)
    assert "BP_LOG_LEVELS, from project.toml;" in line


def test_names_are_those_in_a_buildpacks_own_files_and_programs(tmp_path: Path) -> None:
    for name, data in {
        "acme_ours/1/acme/__init__.py": b'Option.flag("BP_ACME_CODE")\nprefix = "BP_ACME_"\n',
        "acme_ours/1/README.md": b"| `BPL_ACME_README` |",
        "acme_ours/1/lib/cnbkit/log.py": b"BP_SDK",
        "acme_ours/1/lib/cnbkit/testing/x.py": b"BP_TESTS",
        "acme_ours/1/lib/other/x.py": b"BP_BROUGHT_ALONG",
        "foreign/1/bin/build": b"\x7fELF\0BP_PROGRAM\0XBP_NOT BP_lower",
        "foreign/1/lib/x.sh": b"echo $BP_SHELL_2",
    }.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    (tmp_path / "foreign/1/link").symlink_to("/dev/zero")
    assert settings_named(tmp_path) == [
        *("BPL_ACME_README", "BP_ACME_CODE", "BP_PROGRAM", "BP_SDK", "BP_SHELL_2")
    ]
