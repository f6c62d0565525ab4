"""What a builder.toml says that is settled before its buildpacks are assembled.

A build asks this each time, so the file is read without checks here; `ensure_builder` makes them.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cnbkit.errors import PlatformFault

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Choices", "choices"]


@dataclass(frozen=True)
class Choices:
    """Parts of the build that a builder chooses.

    Args:
        build_image: what buildpacks run on; empty for cnbkit's own.
        lifecycle_uri: archive of the lifecycle, as the file has it; empty for cnbkit's own.
        lifecycle_version: which one it asks for; empty for any.
    """

    build_image: str = ""
    lifecycle_uri: str = ""
    lifecycle_version: str = ""


def choices(builder: Path) -> Choices:
    """What a builder.toml chooses; nothing if it cannot be read as one.

    Args:
        builder: path of builder.toml.

    Raises:
        PlatformFault: it cannot be read.
    """
    try:
        text = builder.read_text(encoding="utf-8")
    except OSError as error:
        raise PlatformFault(
            f"cannot read the builder: {error.strerror}",
            where=str(builder),
            remedy="name a builder.toml",
        ) from None
    except UnicodeDecodeError:
        return Choices()
    try:
        table = tomllib.loads(text)
    except (ValueError, RecursionError):
        return Choices()
    return Choices(
        _text(table, "build", "image") or _text(table, "stack", "build-image"),
        _text(table, "lifecycle", "uri"),
        _text(table, "lifecycle", "version"),
    )


def _text(table: dict[str, Any], section: str, key: str) -> str:
    found = table.get(section)
    value = found.get(key) if isinstance(found, dict) else None
    return value if isinstance(value, str) else ""
