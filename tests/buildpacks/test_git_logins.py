"""A login in a git address reaches git, and stands in no process's arguments meanwhile."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from cnbkit_logins.address import Login
from cnbkit_logins.git_address import without_git_logins
from cnbkit_logins.git_environment import GitLogins

from .git_server import GitServer, home, server
from .test_pip_resolution import ENGINES, INPUT, buildpack, installed
from .told import telling

if TYPE_CHECKING:
    from pathlib import Path

    from cnbkit.testing import BuildpackRun

__all__ = ["buildpack", "home", "server"]


FORMS = {
    "line": "demo @ git+http://{login}@{host}/team/demo.git@main\n",
    "variables": "demo @ git+http://${{WHO}}:${{TOKEN}}@{host}/team/demo.git@main\n",
    "editable": "-e git+http://{login}@{host}/team/demo.git@{commit}#egg=demo\n",
}


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("form", FORMS)
def test_lines_of_requirements(
    buildpack_run: BuildpackRun,
    buildpack: Path,
    server: GitServer,
    form: str,
    engine: str,
) -> None:
    line = FORMS[form].format(login=server.login, host=server.host, commit=server.commit)
    who, _, token = server.login.partition(":")
    result = buildpack_run(
        buildpack,
        app={"requirements.txt": f"--no-index\n{line}"},
        env={**INPUT, "BP_PIP_ENGINE": engine, "WHO": who, "TOKEN": token},
    )
    assert installed(result) == {"demo": "1.0"}
    assert server.answered
    assert server.seen == []
    assert server.login not in result.log


@pytest.mark.parametrize("engine", ENGINES)
def test_an_entry_of_a_lock(
    buildpack_run: BuildpackRun,
    buildpack: Path,
    server: GitServer,
    engine: str,
) -> None:
    lock = f"""\
lock-version = "1.0"
created-by = "test"
[[packages]]
name = "demo"
vcs = {{ type = "git", url = "http://{server.login}@{server.host}/team/demo.git", \
commit-id = "{server.commit}" }}
"""
    result = buildpack_run(
        buildpack,
        app={"pylock.toml": lock},
        env={**INPUT, **telling(INPUT, inputs=["pylock.toml"]), "BP_PIP_ENGINE": engine},
    )
    assert installed(result) == {"demo": "1.0"}
    assert server.answered
    assert server.seen == []


def test_the_test_would_see_a_password_in_arguments(server: GitServer) -> None:
    address = f"http://{server.login}@{server.host}/team/demo.git"
    subprocess.run(["git", "ls-remote", address], capture_output=True, check=True)
    assert server.seen


def test_each_repository_gets_its_own_login_and_one_beside_it_the_first(server: GitServer) -> None:
    place = f"http://{server.host}/team"
    logins = GitLogins({"GIT_CONFIG_COUNT": "1"})
    logins.add({f"{place}/other.git": Login("bob", "wrong")})
    logins.add({f"{place}/demo.git": Login(server.user, server.password)})
    given = {"GIT_CONFIG_KEY_0": "http.userAgent", "GIT_CONFIG_VALUE_0": "kept"}
    env = {"PATH": os.environ["PATH"], "GIT_TERMINAL_PROMPT": "0", **given, **logins.variables()}
    for name, code in (("demo", 0), ("other", 128), ("submodule", 128)):
        command = ["git", "ls-remote", f"{place}/{name}.git"]
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
        assert done.returncode == code, done.stderr
    asked = subprocess.run(
        ["git", "config", "http.userAgent"], env=env, capture_output=True, text=True, check=True
    )
    assert asked.stdout == "kept\n"


@pytest.mark.parametrize(
    ("text", "plain", "login"),
    [
        ("a @ git+https://u:p@h/x@v1#egg=a", "a @ git+https://h/x@v1#egg=a", ("u", "p")),
        ("git+https://u:a@b@h/x.git", "git+https://h/x.git", ("u", "a@b")),
        ("-e git+http://token@h:80/x ; m == 'y'", "-e git+http://h:80/x ; m == 'y'", ("token", "")),
        ("a @ git+https://h/x@v1", "a @ git+https://h/x@v1", None),
        ("a @ git+ssh://git@h/x", "a @ git+ssh://git@h/x", None),
        ("a @ https://u:p@h/a.whl", "a @ https://u:p@h/a.whl", None),
        (
            "a = {git = 'https://u:p@h/x', rev = 'v@1'}",
            "a = {git = 'https://h/x', rev = 'v@1'}",
            ("u", "p"),
        ),
        ('"git": "https://token@h/x.git"', '"git": "https://h/x.git"', ("token", "")),
        ('digit = "https://u:p@h/x"', 'digit = "https://u:p@h/x"', None),
    ],
)
def test_logins_are_taken_from_addresses_of_repositories_alone(
    text: str, plain: str, login: tuple[str, str] | None
) -> None:
    found: dict[str, Login] = {}
    assert without_git_logins(text, found) == plain
    assert [(each.user, each.password) for each in found.values()] == ([login] if login else [])
    assert all(address.endswith(("/x", "/x.git")) for address in [*found, "/x"])
