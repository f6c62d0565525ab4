"""Which run image an image stands on, and whether there is a newer one of its name."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cnbkit.errors import CnbkitError, UserFault
from cnbkit_engine.base.gpu import gpu_run_image, plain_name, stands_on_gpus
from cnbkit_engine.base.images import BaseImages
from cnbkit_engine.base.suites import DEFAULT, suite_of_run_image
from cnbkit_engine.build.run_image import fetched_run_image
from cnbkit_engine.oci.image import Image
from cnbkit_engine.oci.reference import Reference
from cnbkit_engine.oci.remote import Remote
from cnbkit_engine.oci.store import ImageStore
from cnbkit_engine.registry.server import HOST, PORT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from cnbkit_engine.state.home import Home

__all__ = ["Standing", "newest_in_store", "recorded_names", "standing"]

_METADATA = "io.buildpacks.lifecycle.metadata"
_SERVED = f"{HOST}:{PORT}/"


@dataclass(frozen=True)
class Standing:
    """Where an image stands.

    Args:
        run_image: name of the run image it would be put on.
        was: digest of the one it stands on; empty if the image does not say.
        now: digest of the one it would be put on.
    """

    run_image: str
    was: str
    now: str

    @property
    def current(self) -> bool:
        """Whether it stands on that one already."""
        return bool(self.was) and self.was == self.now


def standing(
    home: Home,
    name: str,
    run_image: str,
    arch: str,
    *,
    publish: bool,
    insecure: Sequence[str] = (),
    show: Callable[[str], None] = print,
) -> Standing:
    """Compare the run image that an image records with the one it would be put on now.

    Args:
        home: has the store.
        name: of the image.
        run_image: another run image than the recorded one; empty for that.
        arch: of a run image with several platforms.
        publish: both are in registries.
        insecure: registries to speak plain HTTP to.
        show: told what takes long.

    Raises:
        UserFault: there is no such image, it records no run image, or that is not there.
        PlatformFault: a registry cannot be reached.
    """
    if not publish:
        store = ImageStore(home.images)
        image = Image.from_store(store, name)
        newest = run_image or newest_in_store(home, store, image.base or "", arch, show)
        was = str(_recorded(image.config).get("reference") or "").partition("@")[2]
        return Standing(newest, was, Image.from_store(store, newest).digest)
    config = Remote(name, insecure=insecure).config(arch)
    names = [run_image] if run_image else recorded_names(config)
    if not names:
        raise UserFault(
            "the image does not say which run image it stands on",
            where=name,
            remedy="rebase it once with --run-image and --force, or build it with --run-image",
        )
    here = Reference.parse(name).domain
    names.sort(key=lambda each: Reference.parse(each).domain != here)  # the lifecycle's choice
    fault: CnbkitError | None = None
    for each in names:
        try:
            now = Remote(each, insecure=insecure).manifest_digest(arch)
        except CnbkitError as error:
            fault = fault or error
            continue
        was = str(_recorded(config).get("reference") or "").partition("@")[2]
        return Standing(each, was, now)
    assert fault is not None
    raise fault


def recorded_names(config: Mapping[str, Any]) -> list[str]:
    """The run image that an image says it stands on, and where else that is found.

    Args:
        config: the image's configuration.
    """
    told = _metadata(config)
    names: list[object] = []
    for known in (told.get("runImage"), (told.get("stack") or {}).get("runImage")):
        if isinstance(known, dict):
            names += [known.get("image"), *(known.get("mirrors") or ())]
    return list(dict.fromkeys(name for name in names if isinstance(name, str) and name))


def newest_in_store(
    home: Home, store: ImageStore, base: str, arch: str, show: Callable[[str], None]
) -> str:
    """The newest of the run images that an image in the store stands on; its name there.

    cnbkit's own is made anew when its recipe has changed, another is fetched from its registry.

    Args:
        home: where base images are made.
        store: has the image.
        base: what the image says it stands on.
        arch: of the run image.
        show: told what takes long.
    """
    head, _, tag = base.removeprefix(_SERVED).rpartition(":")
    named = f"{Reference.unserved(head)}:{tag}"
    if not base.startswith(_SERVED) or named.startswith("cnbkit/run"):
        suite = suite_of_run_image(named) or DEFAULT
        bases = BaseImages(home, store, arch=arch, suite=suite, progress=show)
        own = bases.ensure_run_image()
        return gpu_run_image(store, own) if stands_on_gpus(base) else own
    if stands_on_gpus(named):
        try:
            Remote(named).config(arch)
        except CnbkitError:
            # No registry has it: it was made here, of the plain one.
            plain = fetched_run_image(store, plain_name(named), arch, (), show)
            return gpu_run_image(store, plain)
    return fetched_run_image(store, named, arch, (), show)


def _recorded(config: Mapping[str, Any]) -> Mapping[str, Any]:
    found = _metadata(config).get("runImage")
    return found if isinstance(found, dict) else {}


def _metadata(config: Mapping[str, Any]) -> dict[str, Any]:
    labels = (config.get("config") or {}).get("Labels") or {}
    try:
        found = json.loads(labels.get(_METADATA) or "{}")
    except (TypeError, ValueError):
        return {}  # the rebaser says what is wrong with it
    return found if isinstance(found, dict) else {}
