"""Which run image an app is put on, and where the lifecycle finds it.

| the image goes to | a run image is named | the app stands on |
|---|---|---|
| the store | no | cnbkit's own, in the store |
| the store | yes | that one, fetched into the store |
| a registry | no | cnbkit's own; nobody else can pull it, so the image cannot be rebased |
| a registry | yes | that one there; cnbkit's own is pushed to the name first if nothing is there |

`--run-image` names one, else the builder does. An app for NVIDIA's GPUs stands on the image whose
tag ends in `-cuda` where the one named does not ask for GPUs itself (base.gpu).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cnbkit.errors import CnbkitError, PlatformFault, UserFault
from cnbkit_engine.base.gpu import asks_container_runtime, gpu_name, gpu_run_image
from cnbkit_engine.base.suites import suite_of_config
from cnbkit_engine.oci.image import Image
from cnbkit_engine.oci.reference import Reference
from cnbkit_engine.oci.store import UnknownImage

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from cnbkit_engine.base.suites import Suite
    from cnbkit_engine.oci.store import ImageStore

__all__ = ["RunImage", "RunImages", "base_of_run_image", "fetched_run_image"]


@dataclass(frozen=True)
class RunImage:
    """The run image of one build.

    Args:
        reference: what the lifecycle is told; it pulls it from there.
        stored: its repository in the build's own registry; empty if another registry has it.
        recorded: what the app's image says of it: name and mirrors; empty if nobody could pull it.
    """

    reference: str
    stored: str
    recorded: dict[str, Any]

    @property
    def document(self) -> str:
        """run.toml, by which the exporter records it; empty if there is nothing to record."""
        from cnbkit.spec.toml import encode

        return encode({"images": [self.recorded]}) if self.recorded else ""

    def stored_by(
        self,
        store: ImageStore,
        host: str,
        arch: str,
        insecure: Sequence[str],
        show: Callable[[str], None],
    ) -> Callable[[], str]:
        """What has it in the store, and returns its name there; another registry's is fetched.

        Args:
            store: gets it.
            host: the build's own registry.
            arch: of the app's image.
            insecure: registries to speak plain HTTP to.
            show: told if the one fetched before has to do.
        """
        if self.stored:
            return lambda: self.reference.removeprefix(f"{host}/")
        return lambda: fetched_run_image(store, self.reference, arch, insecure, show)


@dataclass(frozen=True)
class RunImages:
    """What a build can choose from.

    Args:
        store: has cnbkit's own.
        own: the name of that.
        named: by the builder: `image` and `mirrors`.
        wanted: `--run-image`; empty if not given.
        arch: of the app's image.
        gpus: whether the app asks for NVIDIA's GPUs.
        suite: what the app is built on; a run image of another would lack its libraries.
        insecure: registries to speak plain HTTP to.
        show: told, a sentence each, what takes long and what cannot be had.
    """

    store: ImageStore
    own: str
    named: Sequence[dict[str, Any]]
    wanted: str
    arch: str
    gpus: bool
    suite: Suite
    insecure: Sequence[str]
    show: Callable[[str], None]

    def in_store(self, host: str) -> RunImage:
        """For an image that stays in the store.

        Args:
            host: the build's own registry, which serves the store.

        Raises:
            UserFault: the one that is named is not there, or not for this architecture.
            PlatformFault: its registry cannot be reached, and the store has none.
        """
        entry = self._entry()
        plain = self._brought(entry["image"]) if entry else self.own
        if entry:
            config = Image.from_store(self.store, plain, f"linux/{self.arch}").config
            self._check_system(entry["image"], config)
        stored = gpu_run_image(self.store, plain) if self._needs_gpu_image(plain) else plain
        reference = Reference.parse(stored)
        name = f"{host}/{reference.served}"
        return RunImage(name, reference.served_repository, {"image": name})

    def in_registry(self, target: Reference, host: str) -> RunImage:
        """For an image that is published.

        Args:
            target: the app's image; of a run image and its mirrors the one in its registry counts.
            host: as for `in_store`.

        Raises:
            UserFault: the one that is named is not for this architecture.
            PlatformFault: its registry cannot be reached, or refuses.
        """
        entry = self._entry()
        if not entry:
            self.show(
                "No registry has the run image, so this image cannot be rebased: "
                "--run-image names one, and pushes it if it is not there"
            )
            stored = gpu_run_image(self.store, self.own) if self.gpus else self.own
            served = Reference.parse(stored)
            return RunImage(f"{host}/{served.served}", served.served_repository, {})
        names = [entry["image"], *entry.get("mirrors", ())]
        name = self._nearest(entry, target)
        config = self._config(name)
        if config is None:
            self._push(name, self.own)
        if self.gpus and not asks_container_runtime(config or {}):
            # Every place it is at has the one for GPUs beside it, under the name with the word.
            plain, name = name, gpu_name(name)
            entry = {"image": gpu_name(names[0]), "mirrors": [gpu_name(each) for each in names[1:]]}
            if self._config(name) is None:
                self._push(name, gpu_run_image(self.store, self._brought(plain)))
        return RunImage(name, "", entry)

    def digest(self, target: Reference | None) -> str:
        """The digest of what the app would be put on now; empty if that takes more to find out.

        Args:
            target: the app's image in a registry; None if it stays in the store.
        """
        entry = self._entry()
        if not entry:
            # Which one for GPUs is made of it, and whether, is settled by it and the app.
            return self.store.resolve(self.own).digest
        if self.gpus:
            return ""
        from cnbkit_engine.oci.remote import Remote

        name = self._nearest(entry, target) if target else entry["image"]
        try:
            return Remote(name, insecure=self.insecure).digest()
        except CnbkitError:
            return ""

    def _nearest(self, entry: Mapping[str, Any], target: Reference) -> str:
        """Of a run image and its mirrors the one in the registry of the app's image."""
        names = [entry["image"], *entry.get("mirrors", ())]
        here = [name for name in names if Reference.parse(name).domain == target.domain]
        return str(self.wanted if self.wanted in names else (here or names)[0])

    def _entry(self) -> dict[str, Any]:
        """The run image that is named, with its mirrors."""
        if not self.wanted:
            return self.named[0] if self.named else {}
        for each in self.named:
            if self.wanted in (each["image"], *each.get("mirrors", ())):
                return each
        return {"image": self.wanted, "mirrors": []}

    def _config(self, name: str) -> dict[str, Any] | None:
        """The settings of an image in a registry; None if it is not there."""
        from cnbkit_engine.oci.remote import Remote

        try:
            config = Remote(name, insecure=self.insecure).config(self.arch)
        except UnknownImage:
            return None
        told = f"{config.get('os')}/{config.get('architecture')}"
        if told != f"linux/{self.arch}":
            raise UserFault(
                f"the run image is for {told}, not for linux/{self.arch}",
                where=name,
                remedy=f"name a run image for linux/{self.arch}",
            )
        self._check_system(name, config)
        return dict(config.get("config") or {})

    def _check_system(self, name: str, config: Mapping[str, Any]) -> None:
        suite = suite_of_config(config)
        if suite and suite != self.suite:
            raise UserFault(
                f"the run image is Debian {suite.version}, and the app is built on Debian "
                f"{self.suite.version}",
                where=name,
                remedy=f"name a run image of {self.suite.name}, or build with --base {suite.name}",
            )

    def _push(self, name: str, stored: str) -> None:
        from cnbkit_engine.oci.remote import Remote

        self.show(f"Pushing the run image to {name}, where none is yet")
        remote = Remote(name, insecure=self.insecure)
        remote.push(self.store.path, self.store.resolve(stored))

    def _brought(self, name: str) -> str:
        return fetched_run_image(self.store, name, self.arch, self.insecure, self.show)

    def _needs_gpu_image(self, stored: str) -> bool:
        if not self.gpus:
            return False
        image = Image.from_store(self.store, stored, f"linux/{self.arch}")
        return not asks_container_runtime(dict(image.config.get("config") or {}))


def base_of_run_image(store: ImageStore, name: str, arch: str, insecure: Sequence[str]) -> str:
    """The base that a run image is of; empty if it is not there, or not one of ours.

    Args:
        store: asked where its registry does not answer.
        name: `--run-image`; may be empty.
        arch: of the app's image.
        insecure: registries to speak plain HTTP to.
    """
    if not name:
        return ""
    from cnbkit_engine.oci.remote import Remote

    try:
        config = Remote(name, insecure=insecure).config(arch)
    except CnbkitError:
        try:
            config = Image.from_store(store, Reference.parse(name).stored, f"linux/{arch}").config
        except CnbkitError:
            return ""  # whoever needs it says so
    suite = suite_of_config(config)
    return suite.name if suite else ""


def fetched_run_image(
    store: ImageStore,
    name: str,
    arch: str,
    insecure: Sequence[str],
    show: Callable[[str], None],
) -> str:
    """Have the newest image of a name in the store; returns its name there.

    Where its registry cannot be reached, the one that the store has already counts.

    Raises:
        UserFault: there is no such image, or not for this architecture.
        PlatformFault: the registry cannot be reached, and the store has none.
    """
    from cnbkit_engine.oci.remote import Remote

    stored = Reference.parse(name).stored
    try:
        Remote(name, insecure=insecure).fetch(store, stored, arch)
    except UnknownImage:
        if stored not in store.names():
            raise
    except PlatformFault as fault:
        if stored not in store.names():
            raise
        show(f"The run image {name} is the one fetched before: {fault.what}")
    return stored
