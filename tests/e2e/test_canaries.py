"""Secrets of every kind are given to builds that succeed and fail; then every byte is searched.

Searched are the image (all blobs, unpacked: layers, configuration, labels, SBOM), the build cache,
the logs, and the arguments of all processes that ran meanwhile.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import os
import secrets
import stat
import tarfile
import threading
import time
import zipfile
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from cnbkit_engine.build.cache import app_cache
from cnbkit_engine.oci.reference import Reference

from .conftest import cnbkit
from .index import HostileIndex, PackageIndex, write_binding

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cnbkit_engine.state.home import Home

    from .conftest import Project


class Canaries:
    """Passwords that are nowhere else, and all forms in which they could get out."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}

    def make(self, name: str) -> str:
        """A new one. It has signs that addresses and files have to write differently."""
        canary = f"c4n/ry{secrets.token_hex(12)}@"
        self._names[canary] = name
        return canary

    def found_in(self, data: bytes) -> set[str]:
        """Names of those in a text, as they are or in disguise."""
        return {
            name
            for canary, name in self._names.items()
            if any(form in data for form in self._forms(canary))
        }

    def _forms(self, canary: str) -> Iterator[bytes]:
        raw = canary.encode()
        # What is random in it: whatever is done to the other signs, this stays.
        yield canary[6:-1].encode()
        for start in (b"ann:", b"__token__:", b""):
            yield base64.b64encode(start + raw).rstrip(b"=")[:-1]
        for algorithm in ("sha256", "sha1", "md5"):
            for text in (raw, quote(canary, safe="").encode()):
                digest = hashlib.new(algorithm, text)
                yield from (digest.hexdigest()[:24].encode(), digest.digest())


class Arguments(threading.Thread):
    """Reads the arguments of all processes until it is stopped."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self._stop_now = threading.Event()
        self.seen: set[bytes] = set()

    def run(self) -> None:
        while not self._stop_now.wait(0.05):
            for path in Path("/proc").glob("[0-9]*/cmdline"):
                with suppress(OSError):
                    self.seen.add(path.read_bytes())

    def stop(self) -> None:
        self._stop_now.set()
        self.join()


def unpacked(data: bytes, depth: int = 4) -> Iterator[bytes]:
    """The bytes, and whatever archives among them hold."""
    yield data
    if not depth:
        return
    if data[:2] == b"\x1f\x8b":
        yield from unpacked(gzip.decompress(data), depth - 1)
    elif data[257:262] == b"ustar":
        with tarfile.open(fileobj=io.BytesIO(data)) as archive:
            for member in archive:
                file = archive.extractfile(member) if member.isfile() else None
                # All of a plain file was in what was yielded above.
                head = file.read(2) if file else b""
                if file and head in (b"\x1f\x8b", b"PK"):
                    yield from unpacked(head + file.read(), depth - 1)
    elif data[:2] == b"PK":
        with suppress(zipfile.BadZipFile), zipfile.ZipFile(io.BytesIO(data)) as archive:
            for name in archive.namelist():
                yield from unpacked(archive.read(name), depth - 1)


def leaks(canaries: Canaries, where: str, data: Iterable[bytes]) -> list[str]:
    return [f"{where}: {name}" for each in data for name in canaries.found_in(each)]


def kept(project: Project) -> Iterator[tuple[str, bytes]]:
    """All that stays of a build; layers of the run image were there before."""
    before = {layer.digest for layer in project.image().layers if layer.kind == "base"}
    for descriptor in project.store.reachable(project.store.resolve(project.name)):
        if descriptor.digest in before:
            continue
        yield f"image {descriptor.digest}", project.store.read_blob(descriptor.digest)
    cache = app_cache(project.home, Reference.parse(project.name))
    for path in cache.rglob("*"):
        if path.is_file():
            yield f"cache {path.relative_to(cache)}", path.read_bytes()


_FOR_ALL = (Path("/tmp"), Path("/var/tmp"))


def written_since(start: float, home: Home, apart: Path) -> Iterator[tuple[str, bytes]]:
    """Whatever anybody has written since in the state folder, and in the folders for all.

    What a failed build has fetched is among it. Base images, tools and buildpacks are left out,
    which builds only read, and the store with what is unpacked of it: all of an image is looked
    at by itself, and other tests make gigabytes there meanwhile.
    """
    apart_of = {home.base, home.tools, home.libraries, home.buildpacks, home.images, home.layers}
    places = [each for each in home.root.iterdir() if each not in apart_of]
    for place in (*places, *_FOR_ALL):
        largest = 1 << 20 if place in _FOR_ALL else 16 << 20
        device = place.lstat().st_dev
        for folder, folders, names in os.walk(place):
            # The test's own has the bindings and the index's passwords, and so have other tests'.
            # What others mount here meanwhile (/proc of a base being made) is not a build's file.
            folders[:] = [
                each
                for each in folders
                if not each.startswith("pytest-") and _is_on(Path(folder, each), device)
            ]
            if apart.is_relative_to(folder) or Path(folder).is_relative_to(apart):
                continue
            for path in (Path(folder, name) for name in names):
                with suppress(OSError):
                    status = path.lstat()
                    new = stat.S_ISREG(status.st_mode) and start <= status.st_mtime
                    if new and status.st_dev == device and status.st_size <= largest:
                        yield str(path), path.read_bytes()


def _is_on(folder: Path, device: int) -> bool:
    try:
        return folder.lstat().st_dev == device
    except OSError:
        return False


@pytest.fixture
def index(tmp_path: Path) -> Iterator[PackageIndex]:
    with closing(PackageIndex(tmp_path / "index", "ann", "not yet")) as made:
        made.add("corplib", "1.0", "2.0")
        yield made


@pytest.fixture
def empty() -> Iterator[HostileIndex]:
    with closing(HostileIndex()) as made:
        yield made


def test_no_secret_stays_anywhere(
    project: Project, index: PackageIndex, empty: HostileIndex, tmp_path: Path
) -> None:
    canaries = Canaries()
    start = time.time()
    password = canaries.make("pypi password")
    index.change_password(password)

    def address(name: str) -> str:
        """An index that has nothing, with a login."""
        login = f"ann:{quote(canaries.make(name), safe='')}"
        return empty.url.replace("://", f"://{login}@").replace("simple", name)

    bindings = {
        "corp": ("pypi", {"url": index.url, "default": "1", "username": "ann",
                          "password": password}),
        "token": ("pypi", {"url": f"{empty.url}t/", "token": canaries.make("pypi token")}),
        "url": ("pypi", {"url": address("pypi-url")}),
        "conf": ("pip", {"pip__conf": f"[global]\nextra-index-url =\n  {address('pip-conf')}\n"}),
        "net": ("netrc", {"__netrc": "machine elsewhere.example login ann password "
                          + canaries.make("netrc")}),
        "poetry": ("poetry", {"auth__toml": '[http-basic.corp]\nusername = "ann"\npassword = '
                              f'"{canaries.make("poetry")}"\n[pypi-token]\nx = '
                              f'"{canaries.make("poetry token")}"\n'}),
        "conda": ("conda", {"__condarc": f"channels:\n  - {address('condarc')}\n"}),
        "other": ("database", {"password": canaries.make("another buildpack's")}),
    }  # fmt: skip
    env = {
        "BP_PIP_EXTRA_INDEX_URLS": f"{address('bp-one')},{address('bp-two')}",
        "UV_INDEX": f"named={address('uv-index')}",
        "UV_INDEX_NAMED_PASSWORD": canaries.make("uv password"),
        "PIP_EXTRA_INDEX_URL": address("pip-variable"),
        "BP_LOG_LEVEL": "debug",
        "BP_TRACE_DIR": "/workspace/trace",
    }
    options = [
        *(
            f"--volume={write_binding(tmp_path / n, kind, **e)}"
            for n, (kind, e) in bindings.items()
        ),
        # The names alone: on a command line their values would be seen.
        *(f"--env={name}" for name in env),
    ]
    project.write(
        {
            "requirements.txt": "corplib==1.0\n",
            "app.py": "import os, corplib\nprint(corplib.VERSION, sorted(os.environ.items()))\n",
        }
    )
    arguments = Arguments()
    arguments.start()
    logs = {"success": project.build(*options, env=env).output}
    ran = project.run()
    assert ran.startswith("1.0 ")

    # pip as well, which mixes indexes only if told to.
    pip = ("--env=BP_PIP_ENGINE=pip", "--env=BP_PIP_INDEX_STRATEGY=unsafe-best-match")
    project.write({"requirements.txt": "corplib==2.0\n"})
    logs["pip"] = project.build(*options, *pip, env=env).output

    project.write({"requirements.txt": "corplib==3.0\n"})
    logs["no such version"] = project.build(*options, env=env, code=51).output
    logs["pip, no such version"] = project.build(*options, *pip, env=env, code=51).output
    index.change_password("another")
    project.write({"requirements.txt": "corplib==1.0\n"})
    plain = cnbkit("build", str(project.app), "--tag", project.name, *options, env=env)
    logs["refused, plain"] = plain.output
    assert plain.code == 51
    arguments.stop()

    found = leaks(canaries, "arguments", arguments.seen)
    found += leaks(canaries, "environment of the app", [ran.encode()])
    for name, text in logs.items():
        found += leaks(canaries, f"log of {name}", [text.encode()])
    pieces = {where: [*unpacked(data)] for where, data in kept(project)}
    for where, data in pieces.items():
        found += leaks(canaries, where, data)
    there = set()
    for where, content in written_since(start, project.home, tmp_path):
        there.add(where)
        found += leaks(canaries, where, [content])
    assert found == []
    assert any("/last.log" in each for each in there)
    # It would have been found: the search reaches into layers and sees what ran.
    assert any(b"uv\0pip" in each for each in arguments.seen)
    assert any(b"VERSION = '2.0'" in piece for data in pieces.values() for piece in data)
    assert canaries.found_in(base64.b64encode(f"ann:{password}".encode())) == {"pypi password"}
