"""A layer as a buildpack declares it: what it is for (buildpack.md, "Layer Types")."""

from __future__ import annotations

from cnbkit.errors import BuildpackFault
from cnbkit.spec import names

__all__ = ["Layer"]


class Layer:
    """A layer as a buildpack declares it. Use one of the constructors."""

    __slots__ = ("is_build", "is_cache", "is_launch", "name")

    def __init__(
        self, name: str, *, build: bool = False, launch: bool = False, cache: bool = False
    ) -> None:
        try:
            self.name = names.layer_name(name)
        except ValueError as error:
            raise BuildpackFault(str(error), where=f"layer {name!r}") from None
        self.is_build = build
        self.is_launch = launch
        self.is_cache = cache

    @classmethod
    def launch(cls, name: str) -> Layer:
        """For the running app only, and re-used from the previous image while its key fits.

        The right choice for anything large that later buildpacks do not need: an unchanged
        layer costs nothing at all.
        """
        return cls(name, launch=True)

    @classmethod
    def cached(cls, name: str, *, build: bool = False, launch: bool = False) -> Layer:
        """Kept in the build cache; its contents are there again at the next build.

        Args:
            name: the layer's name.
            build: later buildpacks see it (PATH, environment).
            launch: it is part of the image as well.
        """
        return cls(name, build=build, launch=launch, cache=True)

    @classmethod
    def for_build(cls, name: str) -> Layer:
        """For later buildpacks of this build; made anew each time."""
        return cls(name, build=True)

    @classmethod
    def temporary(cls, name: str) -> Layer:
        """For this buildpack while it runs; neither kept nor exported."""
        return cls(name)


def check_given(layer: object, key: object) -> None:
    """Blame the author who opens something that is not a layer, or gives it what is not a key.

    Raises:
        BuildpackFault: saying what was given instead.
    """
    if not hasattr(layer, "is_cache"):
        raise BuildpackFault(
            f"ctx.layer is given {layer!r}, no Layer",
            remedy='write: ctx.layer(Layer.launch("name"), key)',
        )
    if key is not None and not hasattr(key, "__migrations__"):
        raise BuildpackFault(
            f"the key of the layer {getattr(layer, 'name', '')} is a {type(key).__name__}, "
            "no LayerKey",
            remedy='declare one: class Contents(LayerKey): version: str = key("version")',
        )
