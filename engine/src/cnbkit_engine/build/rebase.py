"""Put an image on a newer run image, by the lifecycle's rebaser: nothing is built."""

from __future__ import annotations

import json
import subprocess
import tomllib
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cnbkit.errors import CnbkitError, PlatformFault
from cnbkit_engine.base.images import BaseImages, machine_architecture
from cnbkit_engine.build.cache import image_lock
from cnbkit_engine.build.standing import newest_in_store, recorded_names
from cnbkit_engine.lifecycle.install import ensure_lifecycle
from cnbkit_engine.oci.errors import told_by_lifecycle
from cnbkit_engine.oci.image import Image
from cnbkit_engine.oci.keychain import for_lifecycle
from cnbkit_engine.oci.proxies import proxy_variables
from cnbkit_engine.oci.reference import Reference
from cnbkit_engine.oci.remote import Remote
from cnbkit_engine.oci.store import ImageStore
from cnbkit_engine.registry.grant import ANY, Grant
from cnbkit_engine.registry.server import HOST, Registry
from cnbkit_engine.sandbox.certificates import BUNDLE, host_bundle
from cnbkit_engine.sandbox.sandbox import Bind, Sandbox
from cnbkit_engine.state.locks import locked
from cnbkit_engine.state.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from cnbkit_engine.state.home import Home

__all__ = ["Rebase"]

_REPORT = "report.toml"


@dataclass(frozen=True)
class Rebase:
    """An image to rebase.

    Args:
        name: of an image in the store; with `publish`, a reference in a registry.
        run_image: another run image than the one the image was built on, in the same place.
        publish: the image is in a registry, and its run image too.
        force: even where the lifecycle sees that the run image does not fit.
        insecure: registries to speak plain HTTP to.
        show: told, a sentence each, when something long begins and ends.
    """

    name: str
    run_image: str = ""
    publish: bool = False
    force: bool = False
    insecure: Sequence[str] = ()
    show: Callable[[str], None] = field(default=print)

    def run(self, home: Home) -> str:
        """Rebase; returns the image's new digest.

        Raises:
            UserFault: there is no such image in the store.
            PlatformFault: the rebaser refuses or fails; the image is as it was.
        """
        for name in filter(None, (self.name, self.run_image)):
            Reference.parse(name)
        store = ImageStore(home.images)
        arch = machine_architecture()
        root = BaseImages(home, store, arch=arch, progress=self.show).ensure_build_root()
        if not self.publish:
            image = Image.from_store(store, self.name)
            if self.run_image:
                store.resolve(self.run_image)
            else:
                newest_in_store(home, store, image.base or "", arch, self.show)
        lifecycle = ensure_lifecycle(home, arch=arch, progress=self.show)
        run_images = self._run_images(arch) if self.publish else []
        with ExitStack() as stack:
            if not self.publish:
                # A build of the same name would move it, or find it moved.
                lock = image_lock(home, Reference.parse(self.name))
                stack.enter_context(locked(lock, self._waits))
            registry = stack.enter_context(Registry(store, show=self.show))
            space = stack.enter_context(Workspace(home.tmp))
            command = ["/cnb/lifecycle/rebaser", "-uid", "1000", "-gid", "1000", "-no-color"]
            for host in (registry.host, *self.insecure):
                command += ["-insecure-registry", host]
            if self.run_image:
                command += ["-run-image", self._reference(registry, self.run_image)]
            if self.force:
                command += ["-force"]
            command += ["-report", f"/layers/{_REPORT}"]
            sandbox = self._sandbox(home, root, lifecycle, space, registry, run_images)
            with sandbox.popen(
                [*command, self._reference(registry, self.name)],
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
            ) as running:
                output = running.process.communicate()[0].decode(errors="replace")
                code = running.wait()
            if registry.fault:
                raise registry.fault
            if code:
                raise self._failed(output, run_images, arch)
            report = tomllib.loads((space / _REPORT).read_text())
        digest: str = report["image"]["digest"]
        return digest

    def _waits(self, holder: str) -> None:
        self.show(f"Waiting: {holder} works on the image {self.name} ...")

    def _reference(self, registry: Registry, name: str) -> str:
        return name if self.publish else f"{registry.host}/{Reference.parse(name).served}"

    def _run_images(self, arch: str) -> list[str]:
        """The run image it will be put on: the one named, or those the image says it stands on."""
        if self.run_image:
            return [self.run_image]
        config = Remote(self.name, insecure=self.insecure).config(arch)
        return recorded_names(config)

    def _failed(self, output: str, run_images: Sequence[str], arch: str) -> PlatformFault:
        tail = [line for line in output.splitlines() if line.strip()][-5:]
        remedy: str | None
        remedy = "see below; --run-image names another run image, --force overrides its checks"
        if told := told_by_lifecycle("\n".join(tail), self.name):
            remedy = told.remedy
        if "run image must be specified" in output:
            return PlatformFault(
                f"{self.name} does not say which run image it stands on, and is as it was",
                where=self.name,
                remedy="name one with --run-image and --force; it is recorded, so that the next "
                "time needs neither",
            )
        if "not marked as rebasable" in output:
            return PlatformFault(
                f"{self.name} was not rebased: image extensions changed its run image, and that "
                "would be lost",
                where=self.name,
                remedy="build it again: on the newer run image the extensions are applied anew",
            )
        # The lifecycle asks for one after the other, and does not say why it got none.
        for name in run_images if "accessible run image" in output else ():
            try:
                Remote(name, insecure=self.insecure).config(arch)
            except CnbkitError as fault:
                tail.append(f"{name}: {fault.what}")
                remedy = fault.remedy
        return PlatformFault(
            f"{self.name} was not rebased, and is as it was",
            where=self.name,
            remedy=remedy,
            detail="\n".join(tail),
        )

    def _sandbox(
        self,
        home: Home,
        root: Path,
        lifecycle: Path,
        space: Path,
        registry: Registry,
        run_images: Sequence[str],
    ) -> Sandbox:
        binds = [
            Bind(lifecycle, "/cnb/lifecycle", given=True),
            Bind(space, "/layers", writable=True, given=True),  # its report goes there
        ]
        if bundle := host_bundle():
            binds.append(Bind(bundle.resolve(), BUNDLE))
        grant = Grant(
            frozenset({ANY}), "" if self.publish else Reference.parse(self.name).served_repository
        )
        auth = {registry.host: registry.admit(grant)}
        if self.publish:
            auth |= for_lifecycle([self.name, *run_images])
        env = {
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": "/home/cnb",
            "CNB_PLATFORM_API": "0.15",
            "CNB_REGISTRY_AUTH": json.dumps(auth),
            # Asking cloud providers' metadata services takes seconds where there are none.
            "CNB_REGISTRY_AUTH_KEYCHAIN_SKIP_AMAZON": "true",
            "CNB_REGISTRY_AUTH_KEYCHAIN_SKIP_AZURE": "true",
            "SSL_CERT_DIR": "/nonexistent",
        }
        env.update(proxy_variables(HOST))
        return Sandbox(
            home.tmp,
            root=root,
            binds=tuple(binds),
            env=env,
            cwd="/layers",
            hosts={registry.host.partition(":")[0]: registry.address},
        )
