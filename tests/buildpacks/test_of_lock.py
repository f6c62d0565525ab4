"""Where a locked package stands, and how it is changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cnbkit_pip.diagnosis.of_lock import other_release, place, replaced

if TYPE_CHECKING:
    from pathlib import Path

UV_LOCK = 'version = 1\n\n[[package]]\nname = "psycopg2"\n\n[[package]]\nname = "httptools"\n'
PIPFILE_LOCK = '{\n  "default": {\n    "psycopg2": {\n      "version": "==2.9"\n    }\n  }\n}\n'
PLACES: dict[str, tuple[dict[str, str], str, str, str]] = {
    "a dependency": (
        {
            "pyproject.toml": '[project]\ndependencies = [\n  "Psycopg2>=2.9",\n]\n',
            "uv.lock": UV_LOCK,
        },
        "uv.lock",
        "psycopg2",
        "pyproject.toml:3",
    ),
    "a dependency on one line": (
        {"pyproject.toml": '[project]\ndependencies = ["six", "psycopg2"]\n', "uv.lock": UV_LOCK},
        "uv.lock",
        "psycopg2",
        "pyproject.toml:2",
    ),
    "Poetry's table": (
        {"pyproject.toml": '[tool.poetry.dependencies]\npsycopg2 = "^2"\n', "poetry.lock": UV_LOCK},
        "poetry.lock",
        "psycopg2",
        "pyproject.toml:2",
    ),
    "what another package needs": (
        {"pyproject.toml": '[project]\ndependencies = ["psycopg2-pool"]\n', "uv.lock": UV_LOCK},
        "uv.lock",
        "psycopg2",
        "uv.lock:4",
    ),
    "a Pipfile": (
        {"Pipfile": '[packages]\npsycopg2 = "*"\n', "Pipfile.lock": PIPFILE_LOCK},
        "Pipfile.lock",
        "psycopg2",
        "Pipfile:2",
    ),
    "a Pipfile that does not name it": (
        {"Pipfile": "[packages]\n", "Pipfile.lock": PIPFILE_LOCK},
        "Pipfile.lock",
        "psycopg2",
        "Pipfile.lock:3",
    ),
    "a name with a dash": (
        {"pylock.toml": '[[packages]]\nname = "my-lib"\n'},
        "pylock.toml",
        "my-lib",
        "pylock.toml:2",
    ),
    "nowhere": ({}, "uv.lock", "six", "uv.lock (six)"),
}


@pytest.mark.parametrize(("files", "lock", "name", "found"), PLACES.values(), ids=PLACES)
def test_a_locked_package_stands_where_a_person_wrote_it_or_in_the_lock(
    tmp_path: Path, files: dict[str, str], lock: str, name: str, found: str
) -> None:
    for file, text in files.items():
        (tmp_path / file).write_text(text)
    assert place(str(tmp_path), lock, name) == found


def test_changes_are_told_by_the_command_that_writes_the_lock() -> None:
    assert other_release("uv.lock", "httptools") == (
        "run `uv lock --upgrade-package httptools` and commit uv.lock"
    )
    assert other_release("pylock.toml", "six") == "lock a newer release of six"
    assert replaced("write psycopg2-binary", "api/poetry.lock") == (
        "write psycopg2-binary in pyproject.toml, and lock it again"
    )
    assert replaced("add `libpq-dev` to Aptfile", "uv.lock") == "add `libpq-dev` to Aptfile"
    assert (
        replaced("write 3.12 into .python-version", "uv.lock") == "write 3.12 into .python-version"
    )
