"""git's own server, of a repository that wants a login, and who shows the password meanwhile."""

from __future__ import annotations

import base64
import subprocess
import threading
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from ..e2e.index import wheel, wheel_name

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["GitServer", "home", "server"]

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
        login: user and password as an address has them.
        secret: what stands in every form of the password.
        password: theirs; made up by each server.
        commit: the repository's only one.
        answered: how many requests had the login.
        seen: arguments of the machine's processes that had the password while one was answered.
    """

    def __init__(self, folder: Path) -> None:
        self.user, self.password = "ann@example.com", f"t/o:k@n-{uuid.uuid4().hex}"
        self.secret = self.password.rpartition("-")[2]
        self.login = ":".join(quote(each, safe="") for each in (self.user, self.password))
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
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def _answer(self, to: BaseHTTPRequestHandler, folder: Path) -> None:
        login = base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
        if to.headers["Authorization"] != f"Basic {login}":
            to.send_response(401)
            to.send_header("WWW-Authenticate", 'Basic realm="git"')
            to.end_headers()
            return
        self.answered += 1
        self.seen += _arguments_with(self.secret)
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
    """It, for one test."""
    made = GitServer(tmp_path / "git")
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody's settings for git."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
