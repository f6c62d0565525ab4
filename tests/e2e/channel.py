"""A conda channel made on the spot: real packages, in conda's own formats.

Its Python is the build image's own, or this machine's, packed as conda packs one; the other
packages are as small as packages of their kind can be: pure Python with a command, compiled code
with the prefix in its text and its binary files, one that wants CUDA, one with activation scripts.
"""

from __future__ import annotations

import asyncio
import base64
import bz2
import hashlib
import io
import json
import os
import platform
import subprocess
import sys
import sysconfig
import tarfile
import threading
import warnings
import zipfile
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rattler.index import index_fs

from cnbkit_engine.base.suites import DEFAULT

if TYPE_CHECKING:
    import ssl
    from collections.abc import Mapping, Sequence

    from cnbkit_engine.base.suites import Suite

__all__ = [
    "MACHINE_PYTHON",
    "PYTHON",
    "SUBDIR",
    "Channel",
    "Server",
    "machine_python_package",
    "python_package",
    "wheel_package",
]

PYTHON = DEFAULT.python
"""Of the package that `python_package` makes."""

MACHINE_PYTHON = platform.python_version()
"""Of the package that `machine_python_package` makes."""

_NAME, _DIGITS = f"python{PYTHON}", PYTHON.replace(".", "")
_MACHINE = os.uname().machine
SUBDIR = {"x86_64": "linux-64", "aarch64": "linux-aarch64"}[_MACHINE]
# As long as those of real packages: the prefix is written over it, filled up with zeros.
_PLACEHOLDER = "/opt/" + "placehold_" * 24
_TOOL = """
#include <stdio.h>
static const char prefix[] = "@PREFIX@/share/tool";
int main(void) { printf("tool %s at %s\\n", "@VERSION@", prefix); return 0; }
"""
# Debian's Python looks for packages elsewhere, unless it is that of a virtual environment.
_SITE = """
import os, site, sys
if sys.prefix == sys.base_prefix:
    site.addsitedir(f"{sys.prefix}/lib/python{sys.version_info[0]}.{sys.version_info[1]}/site-packages")
"""


class Channel:
    """A folder that is a channel.

    Attributes:
        folder: its root, with a folder for each platform.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def url(self) -> str:
        """Its address."""
        return self.folder.as_uri()

    def add(
        self,
        name: str,
        version: str,
        files: Mapping[str, str | bytes],
        *,
        depends: Sequence[str] = (),
        constrains: Sequence[str] = (),
        build: str = "0",
        number: int = 0,
        subdir: str = SUBDIR,
        entry_points: Sequence[str] = (),
        placeholders: Mapping[str, str] | None = None,
        executable: Sequence[str] = (),
        links: Mapping[str, str] | None = None,
        licence: str = "MIT",
    ) -> Path:
        """Add a package.

        Args:
            name: of it.
            version: of it.
            files: contents by name below the prefix; of a `noarch` package below site-packages/.
            depends: on what.
            constrains: what, if it is there.
            build: string.
            number: of the build.
            subdir: the platform; `noarch` makes it a Python package.
            entry_points: `command = module:function`.
            placeholders: the mode ("text" or "binary") of files with the prefix in them.
            executable: names of files to run.
            links: symbolic links.
            licence: as a recipe has it.
        """
        noarch = subdir == "noarch"
        index: dict[str, Any] = {
            "name": name,
            "version": version,
            "build": build,
            "build_number": number,
            "depends": list(depends),
            "constrains": list(constrains),
            "subdir": subdir,
            "license": licence,
            # Half a year apart from any clock: it is the package's, not the build's.
            "timestamp": 1700000000000,
        }
        if noarch:
            index["noarch"] = "python"
        else:
            index["arch"], index["platform"] = _MACHINE, "linux"
        data = {n: c.encode() if isinstance(c, str) else c for n, c in files.items()}
        paths = []
        for each, content in sorted(data.items()):
            entry = {
                "_path": each,
                "path_type": "hardlink",
                "sha256": hashlib.sha256(content).hexdigest(),
                "size_in_bytes": len(content),
            }
            if placeholders and each in placeholders:
                entry |= {"file_mode": placeholders[each], "prefix_placeholder": _PLACEHOLDER}
            paths.append(entry)
        paths += [{"_path": each, "path_type": "softlink"} for each in sorted(links or {})]
        info = {
            "info/index.json": json.dumps(index),
            "info/paths.json": json.dumps({"paths": paths, "paths_version": 1}),
            "info/about.json": json.dumps({"license": licence, "summary": f"{name} for tests"}),
            "info/files": "".join(f"{entry['_path']}\n" for entry in paths),
        }
        if noarch:
            link = {"noarch": {"type": "python", "entry_points": list(entry_points)}}
            info["info/link.json"] = json.dumps({**link, "package_metadata_version": 1})
        stem = f"{name}-{version}-{build}"
        about = {n: c.encode() for n, c in info.items()}
        folder = self.folder / subdir
        folder.mkdir(parents=True, exist_ok=True)
        if noarch:  # the older of the two formats
            path = folder / f"{stem}.tar.bz2"
            path.write_bytes(bz2.compress(_tar({**about, **data}, executable, links or {}), 1))
            return path
        path = folder / f"{stem}.conda"
        parts = {"info": _tar(about), "pkg": _tar(data, executable, links or {})}
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(_entry("metadata.json"), json.dumps({"conda_pkg_format_version": 2}))
            for part, content in parts.items():
                archive.writestr(_entry(f"{part}-{stem}.tar.zst"), _zstd(content))
        return path

    def add_pure(self, name: str, version: str, *, depends: Sequence[str] = ()) -> Path:
        """A noarch package: a module that says its version, a command of the same name."""
        info = f"site-packages/{name}-{version}.dist-info"
        return self.add(
            name,
            version,
            {
                f"site-packages/{name}.py": f"VERSION = {version!r}\n"
                f"def main():\n    print('{name}', VERSION)\n",
                f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
                f"{info}/RECORD": "",
                f"{info}/INSTALLER": "conda",
            },
            depends=["python", *depends],
            build="pyhd8ed1ab_0",
            subdir="noarch",
            entry_points=[f"{name} = {name}:main"],
        )

    def add_compiled(
        self, name: str, version: str, work: Path, *, depends: Sequence[str] = (), build: str = "0"
    ) -> Path:
        """A package with a program; its prefix is in the binary and in a text file."""
        source = work / f"{name}.c"
        text = _TOOL.replace("@PREFIX@", _PLACEHOLDER).replace("@VERSION@", version)
        source.write_text(text.replace('"tool ', f'"{name} ').replace("/share/tool", ""))
        subprocess.run(["gcc", "-O1", "-o", work / name, source], check=True)
        return self.add(
            name,
            version,
            {
                f"bin/{name}": (work / name).read_bytes(),
                f"share/{name}/settings.txt": f"data = {_PLACEHOLDER}/share/{name}\n",
            },
            depends=depends,
            build=build,
            placeholders={f"bin/{name}": "binary", f"share/{name}/settings.txt": "text"},
            executable=[f"bin/{name}"],
        )

    def index(self) -> None:
        """Write what solvers read; to be called when all packages are there."""
        (self.folder / "noarch").mkdir(parents=True, exist_ok=True)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            asyncio.run(index_fs(self.folder, write_zst=True, force=True))


def _entry(name: str) -> zipfile.ZipInfo:
    return zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0))


def _tar(
    files: Mapping[str, bytes],
    executable: Sequence[str] = (),
    links: Mapping[str, str] | None = None,
) -> bytes:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            member.mode = 0o755 if name in executable else 0o644
            archive.addfile(member, io.BytesIO(content))
        for name, target in (links or {}).items():
            member = tarfile.TarInfo(name)
            member.type, member.linkname = tarfile.SYMTYPE, target
            archive.addfile(member)
    return data.getvalue()


def _zstd(data: bytes) -> bytes:
    """A Zstandard frame of blocks that are not compressed (RFC 8878, 3.1.1)."""
    size = 1 << 17  # a block's most, and the window that the frame's head asks for
    frame = [b"\x28\xb5\x2f\xfd\x00\x38"]
    starts = range(0, max(len(data), 1), size)
    for start in starts:
        block = data[start : start + size]
        head = (len(block) << 3) | (start == starts[-1])
        frame += [head.to_bytes(3, "little"), block]
    return b"".join(frame)


def python_package(channel: Channel, root: Path, suite: Suite = DEFAULT) -> Path:
    """Pack the Python of a base image.

    Args:
        channel: gets it.
        root: of the image's files.
        suite: what the image is made of.
    """
    program = root / f"usr/bin/python{suite.python}"
    return _pack_python(channel, program, root / "usr/lib", suite.full_python)


def machine_python_package(channel: Channel) -> Path:
    """Pack the Python that runs this: it runs on this machine, whatever its C library.

    Args:
        channel: gets it.
    """
    library = Path(sysconfig.get_path("stdlib")).parent
    program = Path(sys.executable).resolve()
    return _pack_python(channel, program, library, MACHINE_PYTHON)


def _pack_python(channel: Channel, program: Path, libraries: Path, full: str) -> Path:
    version = full.rpartition(".")[0]
    name, digits = f"python{version}", version.replace(".", "")
    files: dict[str, bytes | str] = {
        f"bin/{name}": program.read_bytes(),
        f"lib/{name}/sitecustomize.py": _SITE,
        f"lib/{name}/site-packages/README.txt": "packages go here\n",
    }
    # Where Python is a library, the program looks for it beside or where it was installed.
    for path in libraries.glob(f"libpython{version}.so*"):
        files[f"lib/{path.name}"] = path.read_bytes()
    library = libraries / name
    for path in sorted(library.rglob("*")):
        parts = path.relative_to(library).parts
        left_out = {"__pycache__", "test", "tests", "lib2to3", "site-packages"}
        if left_out.intersection(parts) or parts[0].startswith("config-"):
            continue
        if path.is_file() and path.name != "sitecustomize.py":
            files["/".join((f"lib/{name}", *parts))] = path.read_bytes()
            compiled = path.parent / "__pycache__" / f"{path.stem}.cpython-{digits}.pyc"
            if path.suffix == ".py" and compiled.exists():
                at = (f"lib/{name}", *parts[:-1], "__pycache__", compiled.name)
                files["/".join(at)] = _checked_against_time(compiled, path)
    return channel.add(
        "python",
        full,
        files,
        build="0_cpython",
        constrains=[f"python_abi {version}.* *_cp{digits}"],
        executable=[f"bin/{name}"],
        links={"bin/python3": name, "bin/python": name},
    )


def wheel_package(channel: Channel, name: str, version: str, work: Path) -> Path:
    """Pack a wheel of this machine's package index for the Python of `python_package`."""
    folder = work / f"{name}-{version}"
    subprocess.run(
        [
            *(Path(sys.executable).with_name("uv"), "pip", "install", "--quiet", "--no-deps"),
            *("--python-version", PYTHON, "--only-binary", ":all:", "--target", folder),
            f"{name}=={version}",
        ],
        check=True,
    )
    files = {
        f"lib/{_NAME}/site-packages/{path.relative_to(folder)}": path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.startswith(".") and "tests" not in path.parts
    }
    return channel.add(name, version, files, depends=[f"python {PYTHON}.*"], build=f"py{_DIGITS}_0")


def _checked_against_time(compiled: Path, source: Path) -> bytes:
    """Bytecode as conda's own packages have it (PEP 552)."""
    code = compiled.read_bytes()
    size = source.stat().st_size
    return (
        code[:4]
        + bytes(4)
        + (1700000000).to_bytes(4, "little")
        + size.to_bytes(4, "little")
        + code[16:]
    )


class Server:
    """Channels over HTTP, for everybody or for one user.

    Args:
        folder: what is served.
        login: `user:password`; empty for everybody.
        context: for TLS.
    """

    def __init__(
        self, folder: Path, login: str = "", context: ssl.SSLContext | None = None
    ) -> None:
        self.requests: list[str] = []
        handler = partial(_Handler, self.requests, login, directory=str(folder))
        self._server = _Quiet(("127.0.0.1", 0), handler)
        if context:
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.host = f"127.0.0.1:{self._server.server_port}"
        self.url = f"{'https' if context else 'http'}://{self.host}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    def __enter__(self) -> Server:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Quiet(ThreadingHTTPServer):
    def handle_error(self, *_: object) -> None:
        return  # who is refused does not wait for the words


class _Handler(SimpleHTTPRequestHandler):
    def __init__(self, requests: list[str], login: str, *args: Any, **options: Any) -> None:
        self._requests = requests
        self._login = login
        super().__init__(*args, **options)

    def send_head(self) -> Any:
        self._requests.append(self.path)
        wanted = "Basic " + base64.b64encode(self._login.encode()).decode()
        if self._login and self.headers.get("Authorization") != wanted:
            self.send_error(401)
            return None
        return super().send_head()

    def log_message(self, *_: object) -> None:
        return
