"""One app for several kinds of hardware: an image each, and what these images share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnbkit.errors import UserFault
from cnbkit_engine.build.report import size_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from cnbkit_engine.oci.image import Layer
    from cnbkit_engine.oci.types import Descriptor

__all__ = ["Variant", "share_rows", "shares", "variants"]


class Variant:
    """One of the images.

    Attributes:
        hardware: as BP_HARDWARE takes it; empty for the app's own choice.
        name: of the image.
    """

    __slots__ = ("hardware", "name")

    def __init__(self, hardware: str, name: str) -> None:
        self.hardware = hardware
        self.name = name


def variants(name: str, hardware: str) -> list[Variant]:
    """The images to build.

    A single one has the name as it is; of several each has its hardware in its tag:
    `app` with `cpu,cuda:12.8` gives `app:cpu` and `app:cuda-12.8`, `app:v1` gives `app:v1-cpu`.

    Args:
        name: of the image, with or without a tag.
        hardware: words with commas between; empty for none.

    Raises:
        UserFault: a word is there twice, or the name is a digest's.
    """
    words = [each.strip() for each in hardware.split(",") if each.strip()]
    if len(words) < 2:
        return [Variant("".join(words), name)]
    if "@" in name:
        raise UserFault(
            f"{name} names one image, and {len(words)} are to be built",
            where="--hardware",
            remedy="give a name without a digest",
        )
    head, slash, last = name.rpartition("/")
    repository, _, tag = last.partition(":")
    found: list[Variant] = []
    for word in words:
        kept = "".join(c if c.isalnum() or c in "._" else "-" for c in word.lower())
        made = f"{head}{slash}{repository}:{tag}-{kept}" if tag else f"{head}{slash}{last}:{kept}"
        if any(each.name == made for each in found):
            raise UserFault(
                f"{word} is asked for twice", where="--hardware", remedy="name each word once"
            )
        found.append(Variant(word, made))
    return found


def share_rows(
    images: Mapping[str, Iterable[Layer | Descriptor]],
) -> list[tuple[str, str, str, str]]:
    """What each image has alone, what others have as well, and all together; a head first.

    Bytes are those of a registry: compressed, each blob once.

    Args:
        images: their layers by their names.
    """
    blobs = [{each.digest: each.size for each in layers} for layers in images.values()]
    rows = [("image", "total", "shared", "alone")]
    for name, own in zip(images, blobs, strict=True):
        alone = {
            digest: size
            for digest, size in own.items()
            if sum(digest in others for others in blobs) == 1
        }
        total, single = sum(own.values()), sum(alone.values())
        rows.append((name, size_text(total), size_text(total - single), size_text(single)))
    together = {digest: size for own in blobs for digest, size in own.items()}
    apart = sum(sum(own.values()) for own in blobs)
    stored = sum(together.values())
    rows.append(("together", size_text(stored), size_text(apart - stored), ""))
    return rows


def shares(images: Mapping[str, Iterable[Layer | Descriptor]]) -> list[str]:
    """The same as lines of a table.

    Args:
        images: their layers by their names.
    """
    rows = share_rows(images)
    width = max(len(row[0]) for row in rows)
    lines = [f"  {row[0]:<{width}}  {row[1]:>9}  {row[2]:>9}  {row[3]:>9}".rstrip() for row in rows]
    lines[-1] += "  (shared: bytes that are not stored twice)"
    return lines
