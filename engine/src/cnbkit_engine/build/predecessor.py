"""The image whose layers a build uses again.

It is the image that has the name now. A new name, as each commit has in CI, has none; then it is
an earlier image of the same repository. Which layers are the same is settled by their keys, so any
image of the app will do, and the nearest saves most.
"""

from __future__ import annotations

import os
import re
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cnbkit.errors import CnbkitError, UserFault
from cnbkit_engine.oci.reference import Reference
from cnbkit_engine.oci.types import ZSTD_LAYER
from cnbkit_engine.state.disk import disk_fault

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from cnbkit_engine.oci.store import ImageStore

__all__ = [
    "Predecessor",
    "branch_tags",
    "candidates",
    "last_name",
    "predecessor_in_registry",
    "predecessor_in_store",
    "remember",
]

# What CI services call the branch they build, most of them already fit for a tag.
_BRANCH = (
    "CI_COMMIT_REF_SLUG",  # GitLab
    "GITHUB_REF_NAME",
    "CIRCLE_BRANCH",
    "BRANCH_NAME",  # Jenkins
)
_USUAL = ("main", "master", "latest")
_LAST = "image"  # in a cache: what was built last with it


@dataclass(frozen=True)
class Predecessor:
    """An earlier image.

    Args:
        name: how the lifecycle is told of it; empty if there is none.
        damaged: names of images that were looked at before it, and what is wrong with each.
        zstd: whether it has layers that are compressed by zstd.
    """

    name: str
    damaged: tuple[tuple[str, str], ...] = ()
    zstd: bool = False


def candidates(
    reference: Reference, wanted: str, last: str, environment: Mapping[str, str] = os.environ
) -> list[str]:
    """Names to look for in a registry, the nearest first.

    Args:
        reference: the image to make.
        wanted: `--previous-image`; nothing else counts if it is given.
        last: what this machine built last in the repository.
        environment: of the CI service.

    Raises:
        UserFault: the one that is wanted is in another registry, from which no layer can be taken.
    """
    if wanted:
        other = Reference.parse(wanted, setting="--previous-image")
        if other.domain != reference.domain:
            raise UserFault(
                f"{wanted} is in another registry than the image to make",
                where="--previous-image",
                remedy=f"name an image of {reference.domain}: layers are used where they lie",
            )
        return [wanted]
    tags = [*branch_tags(environment), *_USUAL]
    found = [reference.stored, last, *(f"{reference.familiar}:{tag}" for tag in tags)]
    return [name for name in dict.fromkeys(found) if name]


def branch_tags(environment: Mapping[str, str] = os.environ) -> list[str]:
    """The tag that an image of this branch would have, as CI services name the branch."""
    named = next((environment[name] for name in _BRANCH if environment.get(name)), "")
    tag = re.sub(r"[^a-z0-9_.-]+", "-", named.lower()).strip("-.")[:128]
    return [tag] if tag else []


@contextmanager
def predecessor_in_registry(
    names: Sequence[str], arch: str, insecure: Sequence[str]
) -> Iterator[Callable[[], Predecessor]]:
    """Look for an earlier image while the block runs, which has other work to do.

    Args:
        names: where to look, one after the other.
        arch: what the image has to be for.
        insecure: registries to speak plain HTTP to.

    Yields:
        a function that waits for the answer: the first of the names that has an image which is
        whole. It is silent about a registry that cannot be reached or refuses: the lifecycle will
        say so.
    """
    from concurrent.futures import ThreadPoolExecutor

    def look() -> Predecessor:
        from cnbkit_engine.oci.remote import Remote

        damaged: list[tuple[str, str]] = []
        for name in names:
            remote = Remote(name, insecure=insecure)
            try:
                remote.manifest_digest(arch)
            except UserFault:
                continue  # nothing is there, or something for another processor
            except CnbkitError:
                pass  # what is wrong, the image or the registry, is asked next
            try:
                damage = remote.damage(arch)
                layers = () if damage else remote.layers(arch)
            except CnbkitError:
                break
            if not damage:
                zstd = any(layer.media_type == ZSTD_LAYER for layer in layers)
                return Predecessor(name, tuple(damaged), zstd)
            damaged.append((name, damage))
        return Predecessor("", tuple(damaged))

    with ThreadPoolExecutor(1) as pool:
        yield pool.submit(look).result


def predecessor_in_store(store: ImageStore, names: Sequence[str], arch: str) -> tuple[str, bool]:
    """The first of some names that the store has an image of, and whether it may be used.

    Args:
        store: where images are.
        names: where to look.
        arch: what it has to be for: nothing of another processor's image can be used.
    """
    from cnbkit_engine.oci.image import Image

    known = set(store.names())
    for name in names:
        if Reference.parse(name).stored not in known:
            continue
        try:
            image = Image.from_store(store, name, f"linux/{arch}")
        except CnbkitError:
            return name, True  # the lifecycle says what is wrong with it
        return name, image.config.get("architecture") == arch
    return "", True


def last_name(cache: Path) -> str:
    """What was built last with a cache; empty if nothing was."""
    try:
        lines = (cache / _LAST).read_text(encoding="utf-8").split()
    except OSError:
        return ""
    if len(lines) < 2:
        return ""
    try:
        return Reference.parse(lines[1]).stored
    except UserFault:
        return ""


def remember(cache: Path, digest: str, name: str) -> None:
    """Record what was built last with a cache.

    Args:
        cache: the app's.
        digest: of the image.
        name: by which it is found again.

    Raises:
        PlatformFault: the disk refuses.
    """
    try:
        (cache / _LAST).write_text(f"{digest}\n{name}\n", encoding="utf-8")
    except OSError as error:
        raise disk_fault(error, "cannot record the build", cache) from None
