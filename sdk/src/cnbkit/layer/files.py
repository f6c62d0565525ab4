"""A layer's files: its directory, `<layer>.toml`, bills of materials (buildpack.md, "Layers")."""

from __future__ import annotations

import os

from cnbkit.errors import InvalidDocument
from cnbkit.spec import sbom
from cnbkit.spec.toml import decode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from cnbkit.layer.layer import Layer

__all__ = [
    "metadata_in",
    "read",
    "read_bytes",
    "remove_tree",
    "types_table",
    "unlink",
    "write_exec_d",
    "write_sboms",
]


def read(path: str) -> str | None:
    """A restored toml; None where nothing was restored."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except FileNotFoundError:
        return None


def read_bytes(path: str) -> bytes:
    """A whole file."""
    with open(path, "rb") as file:
        return file.read()


def metadata_in(text: str) -> dict[str, Any]:
    """The metadata table of a restored layer; an unreadable one counts as empty."""
    try:
        table = decode(text, name="layer").get("metadata", {})
    except InvalidDocument:
        return {}
    return table if isinstance(table, dict) else {}


def types_table(layer: Layer) -> str:
    """`[types]` of its toml."""
    return (
        "[types]\n"
        f"launch = {str(layer.is_launch).lower()}\n"
        f"build = {str(layer.is_build).lower()}\n"
        f"cache = {str(layer.is_cache).lower()}\n\n"
    )


def write_exec_d(directory: str, programs: Mapping[str, bytes]) -> None:
    """Put a layer's programs in the place of those before, if it has any.

    Args:
        directory: the layer's.
        programs: contents by the path below `exec.d`.
    """
    if not programs:
        return
    remove_tree(f"{directory}/exec.d")
    for name, program in sorted(programs.items()):
        path = f"{directory}/exec.d/{name}"
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(program)
        os.chmod(path, 0o755)


def write_sboms(layers_dir: str, layer: str, documents: Mapping[str, bytes]) -> None:
    """Put a layer's bills of materials, by kind, in the place of those before."""
    unlink(layers_dir, layer, "sbom.")
    for kind, document in documents.items():
        with open(f"{layers_dir}/{sbom.file_name(layer, kind)}", "wb") as file:
            file.write(document)


def unlink(layers_dir: str, layer: str, *kinds: str) -> None:
    """Remove the files beside a layer's directory whose name goes on with one of these."""
    for entry in os.listdir(layers_dir):
        name, _, rest = entry.partition(".")
        if name == layer and rest.startswith(kinds):
            os.unlink(f"{layers_dir}/{entry}")


def remove_tree(path: str) -> None:
    """Remove a directory, also one whose content took away its owner's right to write."""
    if not os.path.isdir(path):
        return  # the usual case; importing shutil takes longer than everything else here
    import shutil

    shutil.rmtree(path, ignore_errors=True)
    if os.path.isdir(path):
        for directory, _, _ in os.walk(path):
            os.chmod(directory, 0o700)
        shutil.rmtree(path)
