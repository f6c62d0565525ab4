"""The registry both sides push to: Debian's docker-registry on a loopback port, blobs on disk.

It keeps to one repository what was pushed to it, as registries in use do: an image pushed under a
new name travels as a whole, unless its layers are mounted from another repository.
"""

from __future__ import annotations

import json
import socket
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.error import URLError

from bench.service import need, serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["LocalRegistry", "local_registry"]

_MANIFESTS = (
    "application/vnd.docker.distribution.manifest.v2+json, "
    "application/vnd.oci.image.manifest.v1+json"
)
_CONFIG = """\
version: 0.1
log: {{level: error}}
storage:
  filesystem: {{rootdirectory: {folder}}}
http: {{addr: "{host}"}}
"""


@dataclass(frozen=True)
class LocalRegistry:
    """A running registry.

    Args:
        host: `localhost:PORT`, as image names begin.
    """

    host: str

    def size(self, repository: str) -> int:
        """Bytes of the layers of `repository:latest`, as its manifest states them."""
        request = urllib.request.Request(
            f"http://{self.host}/v2/{repository}/manifests/latest", headers={"Accept": _MANIFESTS}
        )
        with urllib.request.urlopen(request) as reply:
            manifest: dict[str, Any] = json.load(reply)
        return sum({layer["digest"]: layer["size"] for layer in manifest["layers"]}.values())

    def ready(self) -> bool:
        """Whether it answers."""
        try:
            with urllib.request.urlopen(f"http://{self.host}/v2/", timeout=2):
                return True
        except (URLError, OSError):
            return False


@contextmanager
def local_registry(folder: Path) -> Iterator[tuple[LocalRegistry, int]]:
    """Run a registry during the block and yield it with its process id.

    Args:
        folder: where it keeps blobs, its configuration and its log.
    """
    need("/usr/bin/docker-registry", "docker-registry", "both sides push to it")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        registry = LocalRegistry(f"localhost:{probe.getsockname()[1]}")
    (folder / "registry").mkdir(parents=True)
    config = folder / "registry.yml"
    config.write_text(_CONFIG.format(folder=folder / "registry", host=registry.host))
    command = ["/usr/bin/docker-registry", "serve", str(config)]
    with serving(command, folder / "registry.log", registry.ready) as pid:
        yield registry, pid
