"""The names of the images of one `cnbkit build`, checked before anything is built."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cnbkit_engine.build.variants import Variant, variants
from cnbkit_engine.oci.reference import Reference

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["BuildNames", "check_references"]


class BuildNames:
    """What the images are called.

    Args:
        name: of the image; of several kinds of hardware each adds its word.
        more: further names in the same registry, for `--publish`.
        hardware: words with commas between; empty for none.
        publish: whether they go to a registry.
        docker: whether a container engine gets them.

    Raises:
        UserFault: one is not an image name, or cannot be given to an image.
        click.UsageError: the names are in several registries.

    Attributes:
        images: a name for each image, and the hardware it is for.
    """

    def __init__(
        self, name: str, more: Sequence[str], hardware: str, *, publish: bool, docker: bool
    ) -> None:
        setting = "--publish" if publish else "--tag"
        domain = Reference.parse(name, setting=setting).domain  # before anything is made of it
        self._others = [variants(each, hardware) for each in more]
        for each in (variant.name for found in self._others for variant in found):
            if Reference.parse(each, setting=setting).to_make(setting).domain != domain:
                raise click.UsageError("all names of --publish are in one registry")
        self.images: list[Variant] = variants(name, hardware)
        for variant in self.images:
            reference = Reference.parse(variant.name, setting=setting)
            if publish or docker:
                reference.to_make(setting)
            else:
                reference.to_store(setting)

    def tags(self, number: int) -> tuple[str, ...]:
        """Further names of the image of that number."""
        return tuple(each[number].name for each in self._others)


def check_references(options: Mapping[str, str]) -> None:
    """See that what options name are image names.

    Args:
        options: what each has been given; empty if nothing.

    Raises:
        UserFault: one is not.
    """
    for option, value in options.items():
        if value:
            Reference.parse(value, setting=option)
