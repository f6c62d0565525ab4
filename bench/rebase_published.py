"""A security update of the run image in a registry: published images are rebased by three tools.

    python bench/rebase_published.py [--count 50] [--size 100]

One app is built and published by cnbkit; the others are it under another name, with a label more.
Each tool gets images of its own: `cnbkit rebase` with a file of names and with one name a call,
`pack rebase` with one name a call, and the program that kpack starts in a pod for each image, with
the digests that its resources have. All speak to the registry through a port that counts bytes.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

HERE = Path(__file__).resolve().parent
if str(HERE.parent) not in sys.path:  # started as a program, its own folder is there instead
    sys.path.insert(0, str(HERE.parent))

from bench.counted_port import CountedPort  # noqa: E402
from bench.table import markdown  # noqa: E402
from cnbkit_engine.base.images import machine_architecture  # noqa: E402
from cnbkit_engine.lifecycle.install import ensure_crane  # noqa: E402
from cnbkit_engine.oci.remote import Remote  # noqa: E402
from cnbkit_engine.state.home import Home  # noqa: E402
from cnbkit_engine.state.workspace import Workspace  # noqa: E402
from cnbkit_engine.testing.docker import LocalRegistry  # noqa: E402
from cnbkit_engine.tools.pack import ensure_pack  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["Rebased", "Tools", "measure_published", "rebased_published"]

_CNBKIT = str(Path(sys.executable).with_name("cnbkit"))
_ARCH = machine_architecture()


@dataclass(frozen=True)
class Tools:
    """Programs to compare with.

    Args:
        pack: pack.
        kpack: what kpack runs in a pod to rebase an image: its `cmd/rebase`.
    """

    pack: Path
    kpack: Path


@dataclass(frozen=True)
class Rebased:
    """What one tool took for its images.

    Attributes:
        tool: in words.
        images: how many.
        seconds: for all.
        sent: bytes that went to the registry.
        received: bytes that came from it.
    """

    tool: str
    images: int
    seconds: float
    sent: int
    received: int


def measure_published(count: int, size: int, tools: Tools, folder: Path) -> list[Rebased]:
    """Publish, patch the run image, rebase by each tool.

    Args:
        count: images for each tool.
        size: of a file in the app, in MB.
        tools: programs to compare with.
        folder: empty; gets the registry.

    Raises:
        AssertionError: a tool failed, or an image is not its own layers on the patched run image.
    """
    crane = ensure_crane(Home.default(), arch=_ARCH)
    registry = LocalRegistry(crane, folder / "registry")
    try:
        with CountedPort(registry.host) as port:
            return _Bench(count, tools, folder, crane, port).measured(size)
    finally:
        registry.stop()


class _Bench:
    def __init__(
        self, count: int, tools: Tools, folder: Path, crane: Path, port: CountedPort
    ) -> None:
        self._count = count
        self._tools = tools
        self._folder = folder
        self._crane = str(crane)
        self._port = port
        self._run_image = f"{port.host}/base/run:1"

    def measured(self, size: int) -> list[Rebased]:
        app = self._folder / "app"
        app.mkdir()
        (app / "Procfile").write_text("web: echo started\n")
        (app / "model.bin").write_bytes(os.urandom(size * 1_000_000))
        first = f"{self._port.host}/app/first"
        _run(_CNBKIT, "build", app, "--publish", first, "--run-image", self._run_image)
        before = [each.digest for each in Remote(first).layers(_ARCH)]
        old = [each.digest for each in Remote(self._run_image).layers(_ARCH)]
        assert before[: len(old)] == old
        ways: dict[str, Callable[[Sequence[str]], None]] = {
            "`cnbkit rebase --publish --file`": self._cnbkit_file,
            "`cnbkit rebase --publish`, one a call": self._cnbkit_each,
            "`pack rebase --publish`, one a call": self._pack,
            "kpack's program, one a pod": self._kpack,
        }
        named = {
            tool: [self._copy(first, f"way-{way}/image-{n}") for n in range(self._count)]
            for way, tool in enumerate(ways)
        }
        self._patch()
        new = [each.digest for each in Remote(self._run_image).layers(_ARCH)]
        found = []
        for tool, names in named.items():
            sent, received = self._port.sent, self._port.received
            begin = time.perf_counter()
            ways[tool](names)
            took = time.perf_counter() - begin
            sent, received = self._port.sent - sent, self._port.received - received
            found.append(Rebased(tool, len(names), took, sent, received))
            for name in names:
                layers = [each.digest for each in Remote(name).layers(_ARCH)]
                assert layers == [*new, *before[len(old) :]], name
        return found

    def _copy(self, first: str, name: str) -> str:
        reference = f"{self._port.host}/{name}"
        _run(self._crane, "mutate", first, "--label", f"name={name}", "--tag", reference)
        return reference

    def _patch(self) -> None:
        """One file more, under the same name."""
        (self._folder / "etc").mkdir()
        (self._folder / "etc" / "patched").write_text("CVE-1\n")
        patch = self._folder / "patch.tar"
        _run("tar", "-C", self._folder, "-cf", patch, "etc")
        at = ("--base", self._run_image, "--new_layer", patch, "--new_tag", self._run_image)
        _run(self._crane, "append", *at)

    def _cnbkit_file(self, names: Sequence[str]) -> None:
        listed = self._folder / "images.txt"
        listed.write_text("".join(f"{name}\n" for name in names))
        _run(_CNBKIT, "rebase", "--publish", "--file", listed)

    def _cnbkit_each(self, names: Sequence[str]) -> None:
        for name in names:
            _run(_CNBKIT, "rebase", "--publish", name)

    def _pack(self, names: Sequence[str]) -> None:
        for name in names:
            _run(self._tools.pack, "rebase", name, "--publish")

    def _kpack(self, names: Sequence[str]) -> None:
        newest = f"{self._run_image.rpartition(':')[0]}@{Remote(self._run_image).digest()}"
        for name in names:
            last = f"{name}@{Remote(name).digest()}"
            _run(self._tools.kpack, "-run-image", newest, "-last-built-image", last, name)


def rebased_published(found: Sequence[Rebased]) -> str:
    """The table of what `measure_published` gives."""
    rows = [
        (
            each.tool,
            str(each.images),
            f"{each.seconds:.1f} s",
            f"{each.seconds / each.images:.2f} s",
            f"{each.sent / each.images / 1e3:.1f} kB",
            f"{each.received / each.images / 1e3:.1f} kB",
        )
        for each in found
    ]
    head = ("", "images", "all", "one", "sent for one", "received for one")
    return markdown(head, rows)


def _run(*command: str | Path) -> None:
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    assert done.returncode == 0, f"{command} ended with {done.returncode}:\n{done.stdout}"


def main() -> None:
    """Measure, and print it."""
    parser = argparse.ArgumentParser(prog="bench/rebase_published.py", description=__doc__)
    parser.add_argument("--count", type=int, default=50, metavar="N", help="images for each tool")
    parser.add_argument("--size", type=int, default=100, metavar="MB", help="of the app")
    options = parser.parse_args()
    from tests.go_programs import go_programs

    home = Home.default()
    packages = ("cnbkit/tools/kpack", "github.com/pivotal/kpack/cmd/rebase")
    with Workspace(home.tools, background=True) as space:
        kpack = go_programs("kpack", packages, {}, space) / "rebase"
    tools = Tools(ensure_pack(home, arch=_ARCH, progress=print), kpack)
    with tempfile.TemporaryDirectory() as folder:
        print(
            rebased_published(measure_published(options.count, options.size, tools, Path(folder)))
        )


if __name__ == "__main__":
    main()
