"""A package index and PyTorch's site, with small wheels of the real names, versions and needs."""

from __future__ import annotations

import hashlib
import threading
from contextlib import suppress
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

from .index import wheel

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["Site"]

# Of torch 2.8.0 on amd64, as far as it matters here.
_CUDA_PARTS = ("cuda_runtime", "cublas", "cudnn")


class Site:
    """Static HTML, as PyTorch's site is: no sizes, hashes in the links.

    Attributes:
        simple: address of the default index.
        torch: address with PyTorch's indexes below it.
        asked: paths that were asked for.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True)
        self.asked: list[str] = []
        asked = self.asked

        class Handler(SimpleHTTPRequestHandler):
            def log_request(self, *_arguments: object) -> None:
                asked.append(self.path)

            def do_GET(self) -> None:
                # Who has seen enough of a wheel hangs up.
                with suppress(OSError):
                    super().do_GET()

            def log_message(self, *_arguments: object) -> None:
                """Keep the test's output clean."""

        handler = partial(Handler, directory=str(folder))
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        base = f"http://127.0.0.1:{self._server.server_port}"
        self.simple, self.torch = f"{base}/simple/", f"{base}/whl"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        """Stop it."""
        self._server.shutdown()
        self._server.server_close()

    @property
    def options(self) -> tuple[str, ...]:
        """For `cnbkit build`."""
        index, torch = f"BP_PIP_INDEX_URL={self.simple}", f"BP_PYTORCH_INDEX={self.torch}"
        return ("--env", index, "--env", torch)

    def publish(
        self,
        name: str,
        version: str,
        *,
        index: str = "simple",
        needs: Sequence[str] = (),
        extras: Sequence[tuple[str, str]] = (),
        weight: int = 0,
        files: Sequence[str] = (),
        tag: str = "py3-none-any",
        source: str = "",
        requires_python: str = "",
    ) -> None:
        """Add a wheel to an index.

        Args:
            name: of project and module.
            version: of it, with its local part.
            index: "simple", or one of PyTorch's, like "cpu".
            needs: requirements.
            extras: extra → a requirement.
            weight: bytes that do not compress, about.
            files: further members.
            tag: of interpreter, ABI and platform.
            source: the module's, in place of one that says its version.
            requires_python: of Pythons, ">=3.14".
        """
        module = name.replace("-", "_")
        requires = [f"Requires-Dist: {each}\n" for each in needs]
        requires += [f"Provides-Extra: {extra}\n" for extra in dict(extras)]
        requires += [f'Requires-Dist: {each}; extra == "{extra}"\n' for extra, each in extras]
        head = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        head += f"Requires-Python: {requires_python}\n" if requires_python else ""
        metadata = head + "".join(requires)
        members = {f"{module}-{version}.dist-info/METADATA": metadata}
        if source:
            members[f"{module}.py"] = source
        members.update(dict.fromkeys(files, f"{name} {version}\n"))
        if weight:
            members[f"{module}_data.txt"] = _noise(f"{name}{version}", weight)
        data = wheel(module, version, extra=members)
        folder = self._folder / ("simple" if index == "simple" else f"whl/{index}") / name
        folder.mkdir(parents=True, exist_ok=True)
        file = f"{module}-{version}-{tag}.whl"
        if (folder / file).exists():
            return
        (folder / file).write_bytes(data)
        # PEP 658, as both have it: nobody has to fetch a gigabyte to know what it needs.
        (folder / f"{file}.metadata").write_text(metadata)
        self._list(folder)

    def add_file(self, name: str, file: str, data: bytes) -> None:
        """Add another file than a wheel to the default index, like a source distribution."""
        folder = self._folder / "simple" / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / file).write_bytes(data)
        self._list(folder)

    def _list(self, folder: Path) -> None:
        files = (each for each in sorted(folder.iterdir()) if each.suffix in (".whl", ".gz"))
        links = "".join(_link(each) for each in files)
        (folder / "index.html").write_text(f"<!DOCTYPE html><html><body>{links}</body></html>")

    def publish_torch(self, version: str = "2.8.0", *, weight: int = 0) -> None:
        """torch on the default index for CUDA 12.8, on PyTorch's for cpu, cu126 and cu128."""
        for build, cuda in (("simple", "12.8.90"), ("cu128", "12.8.90"), ("cu126", "12.6.77")):
            needs = [f"nvidia-{part.replace('_', '-')}-cu12=={cuda}" for part in _CUDA_PARTS]
            local = "" if build == "simple" else f"+{build}"
            needs += ["idna", "triton==3.4.0"]
            self.publish(
                "torch",
                version + local,
                index=build,
                needs=needs,
                weight=weight,
                source=_torch(version + local, ".".join(cuda.split(".")[:2])),
            )
            for part in _CUDA_PARTS if build != "cu128" else ():
                name = f"nvidia-{part.replace('_', '-')}-cu12"
                # All of PyTorch's indexes have NVIDIA's wheels as well, the default one as they do.
                self.publish(
                    name, cuda, files=[f"nvidia/{part}/lib/lib{part}.so.12"], weight=weight // 3
                )
        self.publish("triton", "3.4.0")
        self.publish(
            "torch",
            f"{version}+cpu",
            index="cpu",
            needs=["idna"],
            weight=weight,
            source=_torch(f"{version}+cpu", None),
        )
        self.publish("idna", "3.10")
        # What an extra index would give to everybody who asks for it.
        self.publish("idna", "99.0", index="cpu")
        self.publish("idna", "99.0", index="cu126")


def _torch(version: str, cuda: str | None) -> str:
    return (
        f"VERSION = __version__ = {version!r}\n"
        f"class version: cuda = {cuda!r}\n"
        "class cuda: is_available = staticmethod(lambda: False)\n"
    )


def _link(wheel: Path) -> str:
    digest = _sum(wheel)
    address = f"{wheel.name.replace('+', '%2B')}#sha256={digest}"
    told = wheel.with_name(f"{wheel.name}.metadata")
    apart = f' data-core-metadata="sha256={_sum(told)}"' if told.exists() else ""
    needs = told.read_text().partition("Requires-Python: ")[2] if told.exists() else ""
    if needs:
        apart += f' data-requires-python="{needs.splitlines()[0].replace(">", "&gt;")}"'
    return f'<a href="{address}"{apart}>{wheel.name}</a><br>\n'


def _sum(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _noise(seed: str, size: int) -> str:
    blocks = (hashlib.sha512(f"{seed}{at}".encode()).hexdigest() for at in range(size // 128))
    return "".join(blocks)
