"""What a composite consists of: what package.toml names, or the order of a builder.toml."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cnbkit.errors import BuildpackFault
from cnbkit_engine.buildpack.composite import Composite, is_composite
from cnbkit_engine.buildpack.order import with_versions

if TYPE_CHECKING:
    from pathlib import Path

    from cnbkit_engine.buildpack.locator import Finder, Part

__all__ = ["dependencies", "members"]


def dependencies(composite: Composite) -> list[tuple[str, str]]:
    """Address and image of each buildpack that it names itself; one of the two is empty."""
    if composite.builder is None:
        return composite.dependencies
    builder = _builder(composite)
    return [(each.uri, each.image) for each in builder.buildpacks]


def _builder(composite: Composite) -> Any:
    from cnbkit_engine.spec.builder import BuilderDescriptor

    path = composite.descriptor
    try:
        text = path.read_bytes()
    except OSError as error:
        raise BuildpackFault(
            f"cannot read the builder.toml that has the order: {error.strerror}",
            where=str(path),
            remedy="correct builder in [metadata.cnbkit]",
        ) from None
    return BuilderDescriptor.loads(text, name=path.name, where=str(path))


def members(composite: Composite, finder: Finder) -> tuple[list[Part], list[dict[str, Any]]]:
    """What a composite consists of; and its order, where a builder.toml has it.

    Raises:
        BuildpackFault, InvalidDocument, UserFault, PlatformFault: as `Finder.find`; an order names
            what is not there, or a composite holds itself.
    """
    found: list[Part] = []
    _collect(composite, finder, found, (composite.directory.resolve(),))
    if composite.builder is None:
        return found, []
    builder = _builder(composite)
    order = [
        each.to_plain()
        for each in with_versions(
            builder.order, [(each.id, each.version) for each in found], composite.descriptor
        )
    ]
    named = {(entry["id"], entry["version"]) for each in order for entry in each["group"]}
    # A builder may hold buildpacks that only apps ask for; they are not the composite's.
    return [part for part in found if (part.id, part.version) in named], order


def _collect(
    composite: Composite, finder: Finder, found: list[Part], above: tuple[Path, ...]
) -> None:
    for uri, image in dependencies(composite):
        parts = finder.find(uri, image, composite.descriptor)
        found += parts
        first = parts[0]
        inner = first.directory.resolve()
        if inner in above:
            raise BuildpackFault(
                f"the composite {first.id} holds itself",
                where=str(composite.descriptor),
                remedy="remove it from [[dependencies]]",
            )
        # A folder's composite brings what its own package.toml names; a package has it already.
        if len(parts) == 1 and is_composite(inner) and (inner / "package.toml").is_file():
            _collect(Composite(inner), finder, found, (*above, inner))
