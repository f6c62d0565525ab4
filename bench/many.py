"""An app of 150 packages: fresh, one light change, a retry after a failure.

    python bench/many.py [--runs N] [--quick] [--builder FILE]

The packages are made here, and an index on loopback serves them, as the public one does: with
hashes, metadata apart, and files that never change. So nothing of it depends on a network, and
every run installs the same bytes. Besides cnbkit, uv alone installs them into a folder, cache
empty, bytecode compiled: no build can be quicker than that.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import io
import json
import os
import random
import sys
import tempfile
import threading
import zipfile
from contextlib import closing, contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

HERE = Path(__file__).resolve().parent
if str(HERE.parent) not in sys.path:  # started as a program, its own folder is there instead
    sys.path.insert(0, str(HERE.parent))

from bench.machine import load  # noqa: E402
from bench.measure import Command, CommandFailed, timed  # noqa: E402
from bench.table import markdown, seconds  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

__all__ = ["CASES", "index", "measure_many", "publish", "requirements", "table"]

HEAVY, LIGHT = 20, 130
_HEAVY_BYTES = 20_000_000
_MODULES, _FUNCTIONS = 40, 20
# The last of the light ones put modules into the import package of one of them.
_ENTANGLED = 6
CASES = {
    "fresh": "fresh",
    "none": "no change",
    "code": "one line of code",
    "light": "one light package",
    "retry": "after a failed build",
    "uv": "uv alone, cache empty",
}
_PAGE = "application/vnd.pypi.simple.v1+json"
_APP = "import light000\nprint(light000.VERSION)\n"


def publish(folder: Path, scale: float = 1.0) -> None:
    """Make the packages.

    Args:
        folder: of the index.
        scale: of what they hold, to 1.
    """
    for number in range(HEAVY):
        data = random.Random(number).randbytes(int(_HEAVY_BYTES * scale))
        _add(folder, f"heavy{number:03}", "1.0", {f"heavy{number:03}/data.bin": data})
    for number in range(LIGHT):
        for version in ("1.0", "1.1") if number == 0 else ("1.0",):
            name = f"light{number:03}"
            inside = f"light{LIGHT - 1:03}" if number >= LIGHT - _ENTANGLED else name
            _add(folder, name, version, _modules(name, inside, version, int(_MODULES * scale)))
    # What fails when it is built, and needs nothing before.
    _add_source(folder)


def requirements(*, light: str = "1.0", broken: bool = False) -> str:
    """The app's requirements.

    Args:
        light: version of the light package that changes.
        broken: with the package that cannot be built.
    """
    names = [f"heavy{number:03}==1.0" for number in range(HEAVY)]
    names += [f"light{number:03}=={'1.0' if number else light}" for number in range(LIGHT)]
    return "".join(f"{name}\n" for name in [*names, *(["broken==1.0"] if broken else [])])


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


def measure_many(scratch: Path, runs: int, scale: float, builder: str = "") -> dict[str, Any]:
    """Measure everything, and return plain data.

    Args:
        scratch: an empty folder on a disk.
        runs: of each case.
        scale: of what the packages hold.
        builder: another builder.toml, to compare with.
    """
    packages, app, log = scratch / "packages", scratch / "app", scratch / "log"
    publish(packages, scale)
    app.mkdir()
    times: dict[str, list[float]] = {name: [] for name in CASES}
    fetched: dict[str, list[int]] = {name: [] for name in CASES}
    with index(packages) as (url, sent):

        def measured(case: str, argv: Sequence[str | Path], env: Mapping[str, str]) -> None:
            sent.clear()
            command = Command([str(each) for each in argv], scratch, {**os.environ, **env})
            times[case].append(timed(command, log))
            fetched[case].append(sum(sent))
            print(
                f"  {CASES[case]:22} {times[case][-1]:.2f} s, {sum(sent) / 1e6:.1f} MB", flush=True
            )

        def build(name: str) -> list[str | Path]:
            tools = Path(sys.executable).parent
            options = ("--network", "host", "--env", f"BP_PIP_INDEX_URL={url}")
            chosen = ("--builder", builder) if builder else ()
            return [tools / "cnbkit", "build", app, "--tag", name, *options, *chosen]

        for run in range(runs):
            name = f"bench-many-{os.getpid()}-{run}"
            _write(app, requirements(), _APP)
            measured("fresh", build(name), {})
            measured("none", build(name), {})
            _write(app, requirements(), f"{_APP}# {run}\n")
            measured("code", build(name), {})
            _write(app, requirements(light="1.1"), f"{_APP}# {run}\n")
            measured("light", build(name), {})
            _write(app, requirements(broken=True), _APP)
            try:
                timed(Command([str(each) for each in build(f"{name}-retry")], scratch), log)
                raise AssertionError("a package that cannot be built was built")
            except CommandFailed:
                _write(app, requirements(), _APP)
            measured("retry", build(f"{name}-retry"), {})
            target, cache = scratch / f"target-{run}", scratch / f"cache-{run}"
            uv: list[str | Path] = [Path(sys.executable).with_name("uv"), "pip", "install"]
            uv += ["--quiet", "--compile-bytecode", "--target", target]
            uv += ["-r", app / "requirements.txt"]
            measured("uv", uv, {"UV_CACHE_DIR": str(cache), "UV_DEFAULT_INDEX": url})
    return {"times": times, "fetched": fetched, "packages": HEAVY + LIGHT, "load": load()}


def _write(app: Path, lines: str, code: str) -> None:
    (app / "requirements.txt").write_text(lines)
    (app / "app.py").write_text(code)


def table(found: Mapping[str, Any]) -> str:
    """The results in Markdown; ratios are to uv alone."""
    alone = median(found["times"]["uv"])
    rows = [
        (
            CASES[case],
            seconds(found["times"][case]),
            f"{median(found['times'][case]) / alone:.2f}",
            f"{median(found['fetched'][case]) / 1e6:.1f} MB",
        )
        for case in CASES
    ]
    return markdown(("", "seconds", "by uv alone", "fetched"), rows)


def main() -> None:
    """Measure, and print the table; `bench/run.py --only many` puts it into the report."""
    parser = argparse.ArgumentParser(prog="bench/many.py", description=__doc__)
    parser.add_argument("--runs", type=int, default=3, metavar="N", help="of each case")
    parser.add_argument("--quick", action="store_true", help="once, with a quarter of the size")
    parser.add_argument("--builder", default="", metavar="FILE", help="another one, to compare")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="cnbkit-bench-", dir="/var/tmp") as folder:
        runs, scale = (1, 0.25) if options.quick else (options.runs, 1.0)
        found = measure_many(Path(folder), runs, scale, options.builder)
    print(table(found))


if __name__ == "__main__":
    main()
