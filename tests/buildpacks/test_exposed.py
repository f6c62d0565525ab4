"""Passwords in requirements are told, variables are not, and no kept lock has one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cnbkit import BuildContext, Triggers, UserFault
from cnbkit_conda import Conda
from cnbkit_exposed import exposed, without_logins
from cnbkit_lock_front_end import FrontEnd, Selection
from cnbkit_pip import Pip

from .told import telling

if TYPE_CHECKING:
    from .conftest import Phases

LOGIN = "https://me:tok3n4711@host.example"
# Forms in which people have written a login into a file that the image gets.
WRITTEN = {
    "pyproject.toml": f'[tool.uv.sources]\nx = {{ git = "{LOGIN}/x.git" }}\n',
    "poetry.lock": f'[[package]]\n[package.source]\ntype = "git"\nurl = "{LOGIN}/x.git"\n',
    "uv.lock": f'source = {{ registry = "{LOGIN}/simple" }}\n',
    "pdm.lock": f'git = "{LOGIN}/x.git"\n',
    "pylock.toml": f'url = "{LOGIN}/x.whl"\n',
    "Pipfile": f'[[source]]\nurl = "{LOGIN}/simple"\n',
    "Pipfile.lock": f'{{"_meta": {{"sources": [{{"url": "{LOGIN}/simple"}}]}}}}\n',
    "requirements-dev.txt": f"x @ {LOGIN}/x.whl\n",
    "requirements/base.in": f"--index-url {LOGIN}/simple\n",
    "constraints.txt": f"x @ git+{LOGIN}/x.git\n",
    "setup.cfg": f"dependency_links = {LOGIN}/x\n",
    "uv.toml": f'index-url = "{LOGIN}/simple"\n',
    ".gitmodules": f"url = {LOGIN}/x.git\n",
}


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("--index-url https://me:hunter2@host.example/simple", [("host.example", "hunter2")]),
        ("--extra-index-url=https://tok3n@host.example:8080/s", [("host.example:8080", "tok3n")]),
        ("foo @ git+https://me:tok3n@host.example/r.git@v1", [("host.example", "tok3n")]),
        ('url = "https://me:hunter2@host.example/simple"', [("host.example", "hunter2")]),
        ("--index-url https://me:${PASSWORD}@host.example/simple", []),
        ("--index-url https://${TOKEN}@host.example/simple", []),
        ("foo @ git+ssh://git@host.example/r.git", []),
        ("foo @ https://host.example/a@b/foo.whl", []),
        ("  - https://conda.example/t/ab-12cd34/team", [("conda.example", "ab-12cd34")]),
        (
            "https://me@host.example/t/ab12cd34/x",
            [("host.example", "ab12cd34"), ("host.example", "me")],
        ),
        ("  - https://conda.example/t/$TOKEN/team", []),
        ("git clone https://host.example/t/", []),
        ("# https://me:hunter2@host.example/", []),
        ("flask==3.0", []),
    ],
)
def test_passwords_are_found_in_addresses(line: str, found: list[tuple[str, str]]) -> None:
    places = exposed({"requirements.txt": f"six\n{line}\n"})
    assert [(each.host, each.secret) for each in places] == found
    assert {each.where for each in places} <= {"requirements.txt:2"}


def test_logins_are_taken_out_and_nothing_else_changes() -> None:
    text = 'url = "https://me:tok3n@host/a@b.whl"\nname = "x"\nother = "http://host/c"\n'
    plain = text.replace("me:tok3n@", "")
    assert without_logins(text) == plain
    assert without_logins(plain) == plain


def test_pip_tells_of_each_file_that_the_image_gets_whichever_it_installs_from(
    phases: Phases,
) -> None:
    (phases.app / "requirements").mkdir()
    for name, text in WRITTEN.items():
        phases.write(name, text)
    phases.write("requirements.txt", "absent==1.0\n")
    phases.env |= telling(inputs=["requirements.txt"])  # and no Python: it is not installed
    ran = phases.build(Pip())
    assert ran.fault is not None
    told = {name for name in WRITTEN if f"{name}:" in ran.err + ran.out}
    assert told == WRITTEN.keys()
    assert (ran.err + ran.out).count("has a password for host.example") == len(WRITTEN)
    assert "tok3n4711" not in ran.err + ran.out


class Talkative(FrontEnd):
    """One whose tool shows what it has read."""

    triggers = Triggers("uv.lock")
    file = "uv.lock"
    project = "pyproject.toml"
    relock = "uv lock"

    def export(self, ctx: BuildContext, selection: Selection, path: str) -> str:
        """Show, and fail with it."""
        del selection, path
        ctx.log.info(f"fetching {LOGIN}/x.git")
        raise UserFault("no such lock", where="uv.lock", remedy="lock", detail=f"at {LOGIN}")


def test_front_ends_show_no_login_that_stands_in_what_they_read(phases: Phases) -> None:
    for name in ("pyproject.toml", "uv.lock"):
        phases.write(name, WRITTEN[name])
    phases.env |= telling(inputs=["uv.lock"], python="/usr/bin/python3", python_version="3.11.2")
    ran = phases.build(Talkative())
    shown = ran.out + ran.err + str(ran.fault)
    assert "no such lock" in shown
    assert shown.count("host.example") == 2
    assert "tok3n4711" not in ran.out + ran.err


def test_conda_tells_of_a_channel_s_login_and_token(phases: Phases) -> None:
    phases.write(
        "environment.yml",
        f"channels: [{LOGIN}/team, https://conda.example/t/to-k3n4711/x]\ndependencies: [\n",
    )
    ran = phases.build(Conda())
    assert isinstance(ran.fault, UserFault)
    assert "environment.yml:1 has a password for host.example" in ran.err
    assert "environment.yml:1 has a password for conda.example" in ran.err
    assert "k3n4711" not in ran.err + ran.out + str(ran.fault)
