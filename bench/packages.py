"""Packages made for measurements, and an index on loopback that serves them.

It serves them as the public one does: with hashes, metadata apart, and files that never change. So
nothing depends on a network, and every run installs the same bytes.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import random
import threading
import zipfile
from contextlib import closing, contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator, Mapping
    from pathlib import Path

__all__ = ["HEAVY", "LIGHT", "index", "publish", "requirements"]

HEAVY, LIGHT = 20, 130
_VERSIONS = 4  # of the packages that change
_HEAVY_BYTES = 20_000_000
_MODULES, _FUNCTIONS = 40, 20
# The last of the light ones put modules into the import package of one of them.
_ENTANGLED = 6
_PAGE = "application/vnd.pypi.simple.v1+json"


def publish(folder: Path, scale: float = 1.0) -> None:
    """Make the packages.

    Args:
        folder: of the index.
        scale: of what they hold, to 1.
    """
    for number in range(HEAVY):
        name = f"heavy{number:03}"
        for version in _versions(number):
            data = random.Random(f"{name} {version}").randbytes(int(_HEAVY_BYTES * scale))
            _add(folder, name, version, {f"{name}/data.bin": data})
    for number in range(LIGHT):
        for version in _versions(number):
            name = f"light{number:03}"
            inside = f"light{LIGHT - 1:03}" if number >= LIGHT - _ENTANGLED else name
            _add(folder, name, version, _modules(name, inside, version, int(_MODULES * scale)))
    # What fails when it is built, and needs nothing before.
    _add_source(folder)


def requirements(*, light: int = 0, heavy: int = 0, broken: bool = False) -> str:
    """The app's requirements.

    Args:
        light: which version of the light package that changes.
        heavy: which version of the heavy package that changes.
        broken: with the package that cannot be built.
    """
    lines = [f"heavy{number:03}==1.{0 if number else heavy % _VERSIONS}" for number in range(HEAVY)]
    lines += [
        f"light{number:03}==1.{0 if number else light % _VERSIONS}" for number in range(LIGHT)
    ]
    return "".join(f"{line}\n" for line in [*lines, *(["broken==1.0"] if broken else [])])


def _versions(number: int) -> list[str]:
    """Of the first package of a kind there are several."""
    return [f"1.{minor}" for minor in range(1 if number else _VERSIONS)]


def _modules(name: str, inside: str, version: str, count: int) -> dict[str, bytes]:
    lines = "".join(
        f"def function_{number}(value, other=None):\n"
        f"    if other is not None and value > {number}:\n"
        f"        return [each * {number} for each in range(value) if each != other]\n"
        f"    return {{'name': {name!r}, 'value': value, 'number': {number}}}\n\n\n"
        for number in range(_FUNCTIONS)
    )
    found = {f"{inside}/{name}_{number}.py": lines.encode() for number in range(count)}
    if inside == name:
        found[f"{name}/__init__.py"] = f"VERSION = {version!r}\n".encode()
    return found


def _add(folder: Path, name: str, version: str, files: Mapping[str, bytes]) -> None:
    info = f"{name}-{version}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode()
    members = {
        **files,
        f"{info}/METADATA": metadata,
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(
        f"{path},sha256={_urlsafe(data)},{len(data)}\n" for path, data in members.items()
    )
    members[f"{info}/RECORD"] = f"{record}{info}/RECORD,,\n".encode()
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for path, data in members.items():
            archive.writestr(zipfile.ZipInfo(path, (2020, 1, 1, 0, 0, 0)), data)
    _serve(folder, name, f"{name}-{version}-py3-none-any.whl", content.getvalue(), metadata)


def _add_source(folder: Path) -> None:
    import tarfile

    backend = "def build_wheel(*_):\n    raise SystemExit('no')\n"
    files = {
        "PKG-INFO": "Metadata-Version: 2.2\nName: broken\nVersion: 1.0\n",
        "pyproject.toml": '[build-system]\nrequires = []\nbuild-backend = "backend"\n'
        'backend-path = ["."]\n',
        # When all others have been fetched.
        "backend.py": f"import time\ntime.sleep(20)\n{backend}",
    }
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as archive:
        for name, text in files.items():
            member = tarfile.TarInfo(f"broken-1.0/{name}")
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text.encode()))
    _serve(folder, "broken", "broken-1.0.tar.gz", content.getvalue(), b"")


def _serve(folder: Path, name: str, file: str, content: bytes, metadata: bytes) -> None:
    place = folder / "simple" / name
    place.mkdir(parents=True, exist_ok=True)
    (place / file).write_bytes(content)
    if metadata:
        (place / f"{file}.metadata").write_bytes(metadata)
    files = [
        {
            "filename": each.name,
            "url": each.name,
            "hashes": {"sha256": hashlib.sha256(each.read_bytes()).hexdigest()},
            "size": each.stat().st_size,
            "core-metadata": bool(metadata),
        }
        for each in sorted(place.glob("*-*"))
        if each.suffix != ".metadata"
    ]
    page = {"meta": {"api-version": "1.1"}, "name": name, "files": files, "versions": []}
    (place / "index.html").write_text(json.dumps(page))


def _urlsafe(data: bytes) -> str:
    digest = hashlib.sha256(data).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


@contextmanager
def index(folder: Path) -> Iterator[tuple[str, list[int]]]:
    """Serve the packages: the address, and the sizes of all files that were sent."""
    sent: list[int] = []

    class Handler(SimpleHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments, directory=str(folder))

        def guess_type(self, path: str | os.PathLike[str]) -> str:
            page = str(path).endswith("index.html")
            return _PAGE if page else super().guess_type(path)

        def end_headers(self) -> None:
            if not self.path.endswith("/"):
                self.send_header("Cache-Control", "max-age=365000000, immutable")
                if self.path.endswith((".whl", ".gz")):
                    sent.append((folder / self.path.lstrip("/")).stat().st_size)
            super().end_headers()

        def log_message(self, *arguments: object) -> None:
            """Not to this terminal."""

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_: object) -> None:
            """Whoever asked has gone: no matter."""

    server = Server(("127.0.0.1", 0), Handler)
    with closing(server.socket):
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/simple", sent
        server.shutdown()
