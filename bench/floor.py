"""What no build of this kind can do without: the parts alone, that cnbkit is put together from."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from bench.measure import Command, CommandFailed, timed
from cnbkit_engine.base.images import BaseImages, machine_architecture
from cnbkit_engine.lifecycle.install import ensure_lifecycle
from cnbkit_engine.oci.store import ImageStore
from cnbkit_engine.registry.grant import ANY, Grant
from cnbkit_engine.registry.server import Registry
from cnbkit_engine.sandbox.sandbox import Bind, Sandbox
from cnbkit_engine.state.workspace import remove_tree

if TYPE_CHECKING:
    from bench.registry import LocalRegistry
    from bench.sides import App
    from cnbkit_engine.state.home import Home

__all__ = ["LifecycleAlone", "uv_alone"]

_DESCRIPTOR = """\
api = "0.10"
[buildpack]
id = "bench/nothing"
version = "1"
[[targets]]
os = "linux"
"""


def uv_alone(app: App, scratch: Path, log: Path) -> float:
    """Seconds in which uv downloads, unpacks and compiles the app's packages into a folder.

    Raises:
        CommandFailed: it did not.
    """
    target = scratch / "uv-alone"
    remove_tree(target)
    command = Command(
        (
            *(str(Path(sys.executable).with_name("uv")), "pip", "install", "--no-cache"),
            *("--python", "/usr/bin/python3", "--target", str(target), "--compile-bytecode"),
            *("--link-mode", "copy", "--requirements", str(app.folder / "requirements.txt")),
        )
    )
    return timed(command, log)


class LifecycleAlone:
    """The lifecycle's creator with one buildpack of one line of shell, and nothing of cnbkit's.

    Only the sandbox and the registry for the run image are cnbkit's; they are up before it starts.

    Args:
        app: what is exported; its packages are not.
        registry: where the image goes.
        prepared: has run image, build image and lifecycle.
        scratch: an empty folder.
        log: gets its output.
    """

    def __init__(
        self, app: App, registry: LocalRegistry, prepared: Home, scratch: Path, log: Path
    ) -> None:
        self._app = app
        self._target = registry
        self._home = prepared
        self._scratch = scratch
        self._log = log
        for folder in ("buildpacks/bench_nothing/1/bin", "cache", "tmp"):
            (scratch / folder).mkdir(parents=True)
        buildpack = scratch / "buildpacks/bench_nothing/1"
        (buildpack / "buildpack.toml").write_text(_DESCRIPTOR)
        for name in ("detect", "build"):
            (buildpack / "bin" / name).write_text("#!/bin/sh\n")
            (buildpack / "bin" / name).chmod(0o755)
        (scratch / "order.toml").write_text(
            '[[order]]\n[[order.group]]\nid = "bench/nothing"\nversion = "1"\n'
        )

    def build(self) -> float:
        """Build and publish; returns the seconds between start and end of the creator.

        Raises:
            CommandFailed: it ended with an error.
        """
        for name in ("layers", "platform"):
            remove_tree(self._scratch / name)
            (self._scratch / name).mkdir()
        store = ImageStore(self._home.images)
        arch = machine_architecture()
        root, run_image = BaseImages(self._home, store, arch=arch).prepare()
        with Registry(store) as registry:
            hosts = (registry.host, self._target.host)
            sandbox = Sandbox(
                self._scratch,
                root=root,
                binds=(
                    Bind(self._scratch / "buildpacks", "/cnb/buildpacks", given=True),
                    Bind(self._scratch / "order.toml", "/cnb/order.toml", given=True),
                    Bind(ensure_lifecycle(self._home, arch=arch), "/cnb/lifecycle"),
                    Bind(self._app.folder, "/workspace", writable=True, given=True),
                    Bind(self._scratch / "layers", "/layers", writable=True, given=True),
                    Bind(self._scratch / "platform", "/platform", given=True),
                    Bind(self._scratch / "cache", "/cache", writable=True, given=True),
                    Bind(self._scratch / "tmp", "/tmp", writable=True, given=True),
                ),
                env={
                    "PATH": "/usr/bin:/bin",
                    "CNB_PLATFORM_API": "0.15",
                    "CNB_REGISTRY_AUTH": json.dumps(
                        {registry.host: registry.admit(Grant(writes=ANY))}
                    ),
                    "CNB_REGISTRY_AUTH_KEYCHAIN_SKIP_AMAZON": "true",
                    "CNB_REGISTRY_AUTH_KEYCHAIN_SKIP_AZURE": "true",
                    "SSL_CERT_FILE": os.devnull,
                    "SSL_CERT_DIR": "/nonexistent",
                },
                hosts={registry.host.partition(":")[0]: registry.address},
            )
            command = [
                *("/cnb/lifecycle/creator", "-app", "/workspace", "-cache-dir", "/cache"),
                *("-launcher", "/cnb/lifecycle/launcher", "-uid", "1000", "-gid", "1000"),
                *("-run-image", f"{registry.host}/{run_image}"),
                *(option for host in hosts for option in ("-insecure-registry", host)),
                f"{self._target.host}/alone",
            ]
            with self._log.open("ab") as log:
                start = time.monotonic()
                code = sandbox.run(command, stdout=log, stderr=log)
                seconds = time.monotonic() - start
        if code:
            raise CommandFailed(f"the lifecycle alone ended with {code}; {self._log}")
        return seconds
