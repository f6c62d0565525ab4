"""Lines with signs of word processors, of other tools and of Windows: what to write instead."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from packaging.requirements import InvalidRequirement, Requirement

from cnbkit import CommandFailed, UserFault
from cnbkit_pip.diagnosis.diagnose import explained
from cnbkit_pip.diagnosis.git_faults import git_fault
from cnbkit_pip.diagnosis.index_faults import index_fault
from cnbkit_pip.diagnosis.mistakes import unreadable
from cnbkit_pip.diagnosis.own_project import undeclared
from cnbkit_python_inputs.requirements import Requirements, logical_lines

from .test_pip import read

if TYPE_CHECKING:
    from pathlib import Path


SIGNS = [
    ("six==1.16.0; python_version < \u201c4\u201d", 'six==1.16.0; python_version < "4"'),
    ("\u200bsix==1.16.0", "six==1.16.0"),
    ("six==1.16.0\u00ad", "six==1.16.0"),
    ("six\u2013==1.16.0", "six==1.16.0"),
    ("six\u22651.16", "six>=1.16"),
    ("zope\u2011interface", "zope-interface"),
    ("six^1.16", "six>=1.16,<2"),
    ("six ^0.3.1", "six>=0.3.1,<0.4"),
    ("six==^0.0.3", "six>=0.0.3,<0.0.4"),
    ("six^0", "six>=0,<1"),
    ("six==latest", "six"),
    ("requests[socks]@latest", "requests[socks]"),
    ("six==1.16.0#why", "six==1.16.0"),
]


@pytest.mark.parametrize(("line", "meant"), SIGNS)
def test_what_is_to_be_written_is_a_requirement(tmp_path: Path, line: str, meant: str) -> None:
    [only] = logical_lines("requirements.txt", f"{line}\n")
    if "@" not in line:  # else a path by the letter
        with pytest.raises(InvalidRequirement):
            Requirement(line)
    mistake = unreadable(only, str(tmp_path))
    assert mistake is not None
    written = mistake.change.removeprefix("write ").partition("  #")[0]
    written = written.removesuffix(", which is the newest")
    assert written == meant
    assert Requirement(written)


@pytest.mark.parametrize(
    "line",
    [
        "six==1.16.0",
        "six ; python_version > '3'",
        "six @ https://example.com/six.whl#sha256=00",
        "demo @ git+https://example.com/t/demo.git@main#egg=demo",
        "demo @ git+ssh://git@example.com:2222/t/demo.git",
    ],
)
def test_lines_that_are_read_are_no_mistakes(tmp_path: Path, line: str) -> None:
    [only] = logical_lines("requirements.txt", f"{line}\n")
    assert unreadable(only, str(tmp_path)) is None


@pytest.mark.parametrize(
    ("line", "change"),
    [
        ("git+git@github.com:org/repo.git", "write git+https://github.com/org/repo.git"),
        ("git@github.com:org/repo.git", "write git+https://github.com/org/repo.git"),
        (
            "-e git+ssh://git@github.com:org/repo.git@v1#egg=repo",
            "write git+https://github.com/org/repo.git@v1#egg=repo",
        ),
        (
            "repo @ git+git@gitlab.com:a/b/repo.git",
            "write repo @ git+https://gitlab.com/a/b/repo.git",
        ),
        ("-e .\\lib", "write ./lib"),
        (
            ".\\wheels\\six-1.16.0-py2.py3-none-any.whl",
            "write ./wheels/six-1.16.0-py2.py3-none-any.whl",
        ),
        ("lib @ ..\\lib", "write ../lib"),
    ],
)
def test_addresses_and_paths_of_other_places(tmp_path: Path, line: str, change: str) -> None:
    [only] = logical_lines("requirements.txt", f"{line}\n")
    mistake = unreadable(only, str(tmp_path))
    assert mistake is not None
    assert mistake.change == change


@pytest.mark.parametrize(
    "line",
    ["git@" + "a." * 200_000, "a" * 200_000 + "@" + "a." * 200_000 + ":", "a==" + "1" * 400_000],
)
def test_a_line_without_end_is_looked_at_at_once(tmp_path: Path, line: str) -> None:
    # In a time that grows with the square of its length it would take an hour.
    [only] = logical_lines("requirements.txt", f"{line}\n")
    found = unreadable(only, str(tmp_path))
    assert found is None or "short form" not in found.what


def test_a_folder_whose_name_has_a_backslash_is_one(tmp_path: Path) -> None:
    (tmp_path / "a\\b").mkdir()
    [only] = logical_lines("requirements.txt", "./a\\b\n")
    assert unreadable(only, str(tmp_path)) is None


def test_git_without_ssh_is_no_missing_branch(tmp_path: Path) -> None:
    requirements = read(
        tmp_path, {"requirements.txt": "six\ngit+ssh://git@github.com/org/repo.git@main\n"}
    )
    fault = git_fault(
        "error: Git operation failed\n  cause: failed to fetch branch or tag `main`\n"
        "  cause: process didn't exit successfully: `/usr/bin/git fetch --force "
        "'ssh://git@github.com/org/repo.git' '+refs/tags/main:refs/remotes/origin/tags/main'`\n"
        "         error: cannot run ssh: No such file or directory\n         fatal: unable to fork",
        requirements,
    )
    assert isinstance(fault, UserFault)
    assert "by ssh" in fault.what
    assert fault.where == "requirements.txt:2"
    assert fault.remedy is not None
    assert fault.remedy.startswith("write git+https://github.com/org/repo.git@main;")


def test_a_repository_of_a_lock_is_told_with_the_package_that_is_of_it() -> None:
    fault = git_fault(
        "error: Failed to download and build `demo @ git+https://example.com/t/demo@0123abc`\n"
        "  cause: Git operation failed\n         fatal: unable to access "
        "'https://example.com/t/demo/': Could not resolve host: example.com"
    )
    assert fault is not None
    assert fault.what == "the git repository https://example.com/t/demo cannot be reached"
    assert fault.where == "demo: https://example.com/t/demo"


@pytest.mark.parametrize(
    ("text", "asked", "where"),
    [
        ("six\n-c https://example.com/c.txt\n", "https://example.com/c.txt", "2"),
        ("-f https://example.com/torch.html\nsix\n", "https://example.com/torch.html", "1"),
        ("six\nhttps://me:pw@example.com/a-1.whl\n", "https://example.com/a-1.whl", "2"),
    ],
)
def test_an_address_that_cannot_be_reached_is_told_with_its_line(
    tmp_path: Path, text: str, asked: str, where: str
) -> None:
    requirements = read(tmp_path, {"requirements.txt": text})
    fault = index_fault(f"error: Failed to fetch: {asked}\n  cause: dns error", None, requirements)
    assert fault is not None
    assert str(fault.where).endswith(f", for requirements.txt:{where}")


def test_what_is_parsed_and_means_nothing_has_its_line(tmp_path: Path) -> None:
    files = {
        "requirements.txt": "-c constraints.txt\nsix\n",
        "constraints.txt": "six<2\n-e ./lib\n",
    }
    requirements = read(tmp_path, files)
    assert isinstance(requirements, Requirements)
    fault = explained(
        CommandFailed(
            ["uv"],
            2,
            "error: Editable requirements are not allowed as constraints in "
            "`/layers/x/requirements/constraints.txt`",
        ),
        requirements,
    )
    assert fault.where == "constraints.txt:2"
    assert fault.remedy is not None
    assert "/layers" not in fault.remedy


def test_the_words_about_a_key_are_what_is_to_be_corrected() -> None:
    output = (
        "error: Failed to parse: `pyproject.toml`\n  cause: TOML parse error at line 4, column 17\n"
        '           |\n         4 | requires-python="3.11"\n           |                 ^^^^^^\n'
        "         Unexpected end of version specifier. Did you mean `==3.11`?:\n         3.11\n"
    )
    fault = undeclared(output, output, "TOML parse error at line 4, column 17")
    assert fault is not None
    assert fault.where == "pyproject.toml:4"
    assert fault.remedy == (
        "correct the line: Unexpected end of version specifier. Did you mean `==3.11`?"
    )
