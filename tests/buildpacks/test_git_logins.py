"""A login in a git address reaches git, and stands in no process's arguments meanwhile."""

from __future__ import annotations

import base64
import os
import subprocess
import threading
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cnbkit_indexes.address import Login
from cnbkit_pip.engines.git_logins import GitLogins
from cnbkit_python_inputs.git_login import without_git_logins

from ..e2e.index import wheel, wheel_name
from .test_pip_resolution import ENGINES, INPUT, buildpack, installed
from .told import telling

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cnbkit.testing import BuildpackRun

__all__ = ["buildpack"]

_CGI = "/usr/lib/git-core/git-http-backend"
_PROJECT = '[build-system]\nrequires = []\nbuild-backend = "back"\nbackend-path = ["."]\n'
_BACK = f"""
import shutil
def build_wheel(folder, *_):
    return shutil.copy({wheel_name("demo", "1.0")!r}, folder).rpartition("/")[2]
"""


class GitServer:
    """git's own server of the repository `team/demo.git`, which wants a login.

    Attributes:
        host: of its address.
        user: who may read.
        password: theirs; made up by each server.
        commit: the repository's only one.
        answered: how many requests had the login.
        seen: arguments of the machine's processes that had the password while one was answered.
    """

    def __init__(self, folder: Path) -> None:
        self.user, self.password = "ann@example.com", f"t/o:k@n-{uuid.uuid4().hex}"
        self.answered = 0
        self.seen: list[str] = []
        self.commit = _repository(folder / "team" / "demo.git")

        class Handler(BaseHTTPRequestHandler):
            def do_GET(handler) -> None:  # noqa: N805
                self._answer(handler, folder)

            do_POST = do_GET  # noqa: N815

            def log_message(handler, *_arguments: object) -> None:  # noqa: N805
                """Keep the test's output clean."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.host = f"127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def _answer(self, to: BaseHTTPRequestHandler, folder: Path) -> None:
        login = base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
        if to.headers["Authorization"] != f"Basic {login}":
            to.send_response(401)
            to.send_header("WWW-Authenticate", 'Basic realm="git"')
            to.end_headers()
            return
        self.answered += 1
        self.seen += _arguments_with(self.password.rpartition("-")[2])
        path, _, query = to.path.partition("?")
        body = to.rfile.read(int(to.headers["Content-Length"] or 0))
        done = subprocess.run(
            [_CGI],
            input=body,
            capture_output=True,
            check=True,
            env={
                "GIT_PROJECT_ROOT": str(folder),
                "GIT_HTTP_EXPORT_ALL": "1",
                "GIT_CONFIG_COUNT": "1",
                "GIT_CONFIG_KEY_0": "safe.directory",
                "GIT_CONFIG_VALUE_0": "*",
                "GIT_PROTOCOL": to.headers["Git-Protocol"] or "",
                "HTTP_CONTENT_ENCODING": to.headers["Content-Encoding"] or "",
                "CONTENT_TYPE": to.headers["Content-Type"] or "",
                "CONTENT_LENGTH": str(len(body)),
                "REQUEST_METHOD": to.command,
                "PATH_INFO": path,
                "QUERY_STRING": query,
            },
        )
        head, _, answer = done.stdout.partition(b"\r\n\r\n")
        to.send_response(200)
        for line in head.decode().splitlines():
            name, _, value = line.partition(": ")
            to.send_header(name, value)
        to.end_headers()
        to.wfile.write(answer)


def _repository(folder: Path) -> str:
    folder.mkdir(parents=True)
    (folder / "pyproject.toml").write_text(_PROJECT)
    (folder / "back.py").write_text(_BACK)
    (folder / wheel_name("demo", "1.0")).write_bytes(wheel("demo", "1.0"))
    git = ("git", "-c", "user.name=T", "-c", "user.email=t@example.com")
    for arguments in (("init", "-qb", "main"), ("add", "."), ("commit", "-qm", "demo")):
        subprocess.run([*git, *arguments], cwd=folder, check=True)
    head = subprocess.run([*git, "rev-parse", "HEAD"], cwd=folder, capture_output=True, check=True)
    return head.stdout.decode().strip()


def _arguments_with(word: str) -> list[str]:
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            text = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if word in text:
            found.append(text)
    return found


@pytest.fixture
def server(tmp_path: Path) -> Iterator[GitServer]:
    made = GitServer(tmp_path / "git")
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody's settings for git."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))


QUOTED = "ann%40example.com:t%2Fo%3Ak%40n-{secret}"
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
    login = QUOTED.format(secret=server.password.rpartition("-")[2])
    line = FORMS[form].format(login=login, host=server.host, commit=server.commit)
    who, _, token = login.partition(":")
    result = buildpack_run(
        buildpack,
        app={"requirements.txt": f"--no-index\n{line}"},
        env={**INPUT, "BP_PIP_ENGINE": engine, "WHO": who, "TOKEN": token},
    )
    assert installed(result) == {"demo": "1.0"}
    assert server.answered
    assert server.seen == []
    assert login not in result.log


@pytest.mark.parametrize("engine", ENGINES)
def test_an_entry_of_a_lock(
    buildpack_run: BuildpackRun,
    buildpack: Path,
    server: GitServer,
    engine: str,
) -> None:
    login = QUOTED.format(secret=server.password.rpartition("-")[2])
    lock = f"""\
lock-version = "1.0"
created-by = "test"
[[packages]]
name = "demo"
vcs = {{ type = "git", url = "http://{login}@{server.host}/team/demo.git", \
commit-id = "{server.commit}" }}
"""
    result = buildpack_run(
        buildpack,
        app={"pylock.toml": lock},
        env={**telling(INPUT, inputs=["pylock.toml"]), "BP_PIP_ENGINE": engine},
    )
    assert installed(result) == {"demo": "1.0"}
    assert server.answered
    assert server.seen == []


def test_the_test_would_see_a_password_in_arguments(server: GitServer) -> None:
    login = QUOTED.format(secret=server.password.rpartition("-")[2])
    address = f"http://{login}@{server.host}/team/demo.git"
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
    ],
)
def test_logins_are_taken_from_addresses_of_repositories_alone(
    text: str, plain: str, login: tuple[str, str] | None
) -> None:
    found: dict[str, Login] = {}
    assert without_git_logins(text, found) == plain
    assert [(each.user, each.password) for each in found.values()] == ([login] if login else [])
    assert all(address.endswith(("/x", "/x.git")) for address in [*found, "/x"])
