"""What an author is told who uses a layer as it cannot be used. Imported when that happens."""

from __future__ import annotations

from cnbkit.errors import BuildpackFault, InvalidDocument

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cnbkit.layer.key import LayerKey

__all__ = [
    "changed_with_same_key",
    "check_key",
    "env_replaced",
    "filled_though_reused",
    "outside_of_block",
    "without_block",
]


def check_key(key: LayerKey, layer: str, place: str) -> None:
    """Compare a key's values with the types that its class declares.

    Args:
        key: given to the layer.
        layer: its name.
        place: the author's line that opens it.

    Raises:
        BuildpackFault: they differ, or a type's name is not there when it runs.
    """
    try:
        type(key).parse(key.given(), name=type(key).__name__)
    except InvalidDocument as invalid:
        raise BuildpackFault(
            f"the key of the layer {layer} is not what it declares: {invalid.what}",
            where=place,
            remedy=f"give {type(key).__name__} values of the types it declares",
            detail=invalid.detail,
        ) from None
    except NameError as error:
        raise BuildpackFault(
            f"{type(key).__name__} names a type that is not there when it runs: {error}",
            where=place,
            remedy="import it outside of TYPE_CHECKING, and not inside a function",
        ) from None


def outside_of_block(layer: str, what: str, place: str, *, after: bool) -> BuildpackFault:
    """Something of a layer is used before its `with` block, or after it."""
    if after:
        return BuildpackFault(
            f"{what} of the layer {layer} is called after its block",
            where=place,
            remedy="move the call into the `with` block of the layer",
        )
    return BuildpackFault(
        f"{what} of the layer {layer} is used outside of its `with` block",
        where=place,
        remedy=f"write: with ctx.layer(…) as {_identifier(layer)}: and indent what fills it",
    )


def without_block(layer: str, place: str) -> BuildpackFault:
    """A layer is opened, and its block never begins."""
    return BuildpackFault(
        f"the layer {layer} is opened without `with`, so nothing of it is written",
        where=place,
        remedy=f"write: with ctx.layer(…) as {_identifier(layer)}:",
    )


def env_replaced(layer: str, place: str) -> BuildpackFault:
    """Another environment was given to a layer that is written."""
    return BuildpackFault(
        f"the environment of the layer {layer} is replaced after its block",
        where=place,
        remedy="move it into the `with` block of the layer",
    )


def filled_though_reused(layer: str, place: str, when: str) -> BuildpackFault:
    """The directory of a layer of the previous image was made, in its block or after it."""
    return BuildpackFault(
        f"the layer {layer} is reused from the previous image, and {when} something made"
        f" its directory, which would take the old layer's place",
        where=place,
        remedy=f"fill it under `if {_identifier(layer)}.rebuild:` only",
    )


def changed_with_same_key(layer: str, what: str, key: LayerKey | None) -> BuildpackFault:
    """The environment or an exec.d program of a layer of the previous image is another now."""
    named = "a key" if key is None else type(key).__name__
    return BuildpackFault(
        f"the {what} of the layer {layer} changed, but its key did not",
        where=f"layer {layer}",
        remedy=f"make what the {what} depends on part of {named}, or raise its version",
    )


def _identifier(name: str) -> str:
    """What a variable for the layer may be called."""
    return "".join(char if char.isalnum() else "_" for char in name)
