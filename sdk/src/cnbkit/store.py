"""store.toml: what one build of an image leaves for the next (buildpack.md, "store.toml")."""

from __future__ import annotations

from cnbkit.errors import BuildpackFault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["check_store", "read_store"]


def read_store(path: str) -> dict[str, object]:
    """What it holds, whole numbers as such; nothing where there is none."""
    from cnbkit.spec.toml import decode

    try:
        with open(path, "rb") as file:
            table = decode(file.read(), name="store.toml").get("metadata", {})
    except FileNotFoundError:
        return {}
    found: dict[str, object] = _whole(table) if isinstance(table, dict) else {}
    return found


def _whole(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _whole(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_whole(each) for each in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def check_store(value: object, name: str) -> None:
    """The lifecycle reads every number as a float, which keeps whole ones up to 2**53."""
    if isinstance(value, dict):
        for key, each in value.items():
            check_store(each, f"{name}.{key}")
    elif isinstance(value, list | tuple):
        for each in value:
            check_store(each, name)
    elif type(value) is int and abs(value) > 1 << 53:
        raise BuildpackFault(
            f"{name} of BuildResult is {value}, which the lifecycle would round",
            remedy="store it as text",
        )
