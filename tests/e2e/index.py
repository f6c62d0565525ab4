"""Package indexes for tests: a real one with passwords, one behind TLS, and hostile ones."""

from __future__ import annotations

import base64
import hashlib
import io
import socket
import ssl
import subprocess
import sys
import tarfile
import threading
import time
import zipfile
from contextlib import ExitStack, closing, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

from cnbkit_engine.testing import free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from ..authority import Authority

__all__ = [
    "Answer",
    "HostileIndex",
    "PackageIndex",
    "TlsFront",
    "sdist",
    "wheel",
    "wheel_name",
    "write_binding",
]


def wheel(name: str, version: str, *, extra: Mapping[str, str] | None = None) -> bytes:
    """A wheel with one module that says its version.

    Args:
        name: of project and module.
        version: of it.
        extra: further members, name → text; listed in RECORD as they are.
    """
    info = f"{name}-{version}.dist-info"
    files = {
        f"{name}.py": f"VERSION = {version!r}\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\n"
        "Tag: py3-none-any\n",
        **(extra or {}),
    }
    record = "".join(f"{path},{_record_hash(text)},{len(text)}\n" for path, text in files.items())
    files[f"{info}/RECORD"] = f"{record}{info}/RECORD,,\n"
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, text in files.items():
            archive.writestr(zipfile.ZipInfo(path, (2020, 1, 1, 0, 0, 0)), text)
    return data.getvalue()


def _record_hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return "sha256=" + base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def wheel_name(name: str, version: str) -> str:
    """The file name of a wheel made by `wheel`."""
    return f"{name}-{version}-py3-none-any.whl"


def sdist(
    name: str, version: str, members: Callable[[tarfile.TarFile], object] = lambda _: None
) -> bytes:
    """A source distribution that builds with setuptools; `members` adds to it."""
    root = f"{name}-{version}"
    files = {
        f"{root}/PKG-INFO": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{root}/pyproject.toml": '[build-system]\nrequires = ["setuptools"]\n'
        f'build-backend = "setuptools.build_meta"\n[project]\nname = "{name}"\n'
        f'version = "{version}"\n[tool.setuptools]\npy-modules = ["{name}"]\n',
        f"{root}/{name}.py": f"VERSION = {version!r}\n",
    }
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:gz") as archive:
        for path, text in files.items():
            member = tarfile.TarInfo(path)
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text.encode()))
        members(archive)
    return data.getvalue()


def write_binding(folder: Path, type: str, **entries: str | bytes) -> str:
    """A service binding; `--volume`'s value for it. In entries' names `__` stands for a dot."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in {"type": type, **entries}.items():
        data = content.encode() if isinstance(content, str) else content
        (folder / name.replace("__", ".")).write_bytes(data)
    return f"{folder}:/platform/bindings/{folder.name}"


class PackageIndex:
    """pypiserver with a folder of packages, for one user with a password, or for everybody.

    Attributes:
        host: with port.
        url: its simple index, without login.
        user: who may read.
        password: theirs.
    """

    def __init__(self, folder: Path, user: str = "", password: str = "") -> None:
        self._folder = folder
        self._packages = folder / "packages"
        self._packages.mkdir(parents=True)
        self.user, self.password = user, password
        port = free_port()
        self.host = f"127.0.0.1:{port}"
        self.url = f"http://{self.host}/simple/"
        login = ["-a", ".", "-P", "."]
        if user:
            self.change_password(password)
            login = ["-a", "list,download,update", "-P", str(self._passwords)]
        self._process = subprocess.Popen(
            [
                *(sys.executable, "-W", "ignore", "-m", "pypiserver", "run", "--disable-fallback"),
                *("-i", "127.0.0.1", "-p", str(port), "--hash-algo", "sha256", *login),
                str(self._packages),
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        _wait_for(port, self._process)

    @property
    def _passwords(self) -> Path:
        return self._folder / "htpasswd"

    def change_password(self, password: str) -> None:
        """Let nobody in with the old one from now on."""
        self.password = password
        digest = base64.b64encode(hashlib.sha1(password.encode()).digest()).decode()
        self._passwords.write_text(f"{self.user}:{{SHA}}{digest}\n")

    def add(self, name: str, *versions: str) -> None:
        """Publish wheels."""
        for version in versions:
            (self._packages / wheel_name(name, version)).write_bytes(wheel(name, version))

    def with_login(self, user: str = "", password: str = "") -> str:
        """Its address with user and password in it."""
        return f"http://{user or self.user}:{password or self.password}@{self.host}/simple/"

    def close(self) -> None:
        """Stop it."""
        self._process.terminate()
        self._process.wait()


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(600):
        with suppress(OSError), closing(socket.create_connection(("127.0.0.1", port), 1)):
            return
        if process.poll() is not None:
            raise AssertionError(f"the index ended with {process.returncode}")
        time.sleep(0.05)
    raise AssertionError("the index does not answer")


class TlsFront:
    """TLS before an index: bytes in, bytes out.

    Attributes:
        url: the index's address through it.
    """

    def __init__(self, folder: Path, authority: Authority, index: PackageIndex) -> None:
        certificate, key = authority.issue()
        folder.mkdir(parents=True)
        (folder / "server.pem").write_text(certificate + key)
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(folder / "server.pem")
        host, port = index.host.split(":")
        self._behind = (host, int(port))
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"https://127.0.0.1:{self._listening.getsockname()[1]}/simple/"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                plain, _ = self._listening.accept()
                threading.Thread(target=self._serve, args=(plain,), daemon=True).start()

    def _serve(self, plain: socket.socket) -> None:
        with ExitStack() as stack, suppress(OSError):
            stack.enter_context(closing(plain))
            secure = stack.enter_context(self._context.wrap_socket(plain, server_side=True))
            behind = stack.enter_context(socket.create_connection(self._behind))
            back = threading.Thread(target=_pump, args=(behind, secure), daemon=True)
            back.start()
            _pump(secure, behind)
            back.join()

    def close(self) -> None:
        """Take no more connections."""
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()


def _pump(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)


class HostileIndex:
    """An index whose pages and files are whatever a test says.

    Attributes:
        url: its simple index.
        pages: what to answer, by path; everything else is 404.
        asked: paths that were asked for.
    """

    def __init__(self) -> None:
        self.pages: dict[str, Answer] = {}
        self.asked: list[str] = []
        index = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                path = self.path.partition("#")[0]
                index.asked.append(path)
                answer = index.pages.get(path) or Answer(404, b"not here", "text/plain")
                with suppress(OSError):
                    answer.send(self)

            do_HEAD = do_GET  # noqa: N815 - http.server's name

            def log_message(self, *_arguments: object) -> None:
                """Keep the test's output clean."""

        self._server = _Silent(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}/simple/"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def publish(self, name: str, file: str, data: bytes, *, digest: str = "") -> None:
        """Serve a project with one file."""
        digest = digest or hashlib.sha256(data).hexdigest()
        link = f'<a href="/files/{file}#sha256={digest}">{file}</a>'
        page = f"<!DOCTYPE html><html><body>{link}</body></html>"
        self.pages[f"/simple/{name}/"] = Answer(200, page.encode(), "text/html")
        self.pages[f"/files/{file}"] = Answer(200, data, "application/octet-stream")

    def close(self) -> None:
        """Stop it."""
        self._server.shutdown()
        self._server.server_close()


class _Silent(ThreadingHTTPServer):
    def handle_error(self, *_: object) -> None:
        """Whoever asks may go away: no fault, and not what a build prints."""


class Answer:
    """What a hostile index says.

    Args:
        status: HTTP status.
        body: what follows.
        kind: content type.
        length: what it claims the body's length to be; the truth if not given.
        pause: seconds before each byte.
        location: where it redirects to.
    """

    def __init__(
        self,
        status: int,
        body: bytes,
        kind: str,
        *,
        length: int | None = None,
        pause: float = 0,
        location: str = "",
    ) -> None:
        self.location = location
        self.status = status
        self.body = body
        self.kind = kind
        self.length = len(body) if length is None else length
        self.pause = pause

    def send(self, handler: BaseHTTPRequestHandler) -> None:
        """Send it."""
        handler.send_response(self.status)
        handler.send_header("Content-Type", self.kind)
        handler.send_header("Content-Length", str(self.length))
        if self.location:
            handler.send_header("Location", self.location)
        handler.end_headers()
        if handler.command == "HEAD":
            return
        if not self.pause:
            handler.wfile.write(self.body)
        else:
            for at in range(len(self.body)):
                time.sleep(self.pause)
                handler.wfile.write(self.body[at : at + 1])
        if self.length != len(self.body):
            handler.close_connection = True
