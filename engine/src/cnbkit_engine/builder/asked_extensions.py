"""Image extensions that a setting asks for: a builder has them although it does not name them.

A builder image with extensions makes pack ask for more (its pull policy, another lifecycle image),
so a builder.toml names few. A build of ours has what it costs to add one: nothing.
"""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING

from cnbkit_engine.builder.elsewhere import kept_elsewhere
from cnbkit_engine.spec.builder import (
    BuilderBuildpack,
    BuilderDescriptor,
    BuilderEntry,
    BuilderOrder,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from cnbkit_engine.state.home import Home

__all__ = ["with_asked_extensions"]

_TABLE = "[metadata.cnbkit.extension]"
# Every build looks, so the file is not parsed for it.
_URI = re.compile(r'^[ \t]*uri[ \t]*=[ \t]*["\']([^"\':]+)["\']', re.MULTILINE)


def with_asked_extensions(home: Home, builder: Path, env: Mapping[str, str]) -> Path:
    """The builder with what its buildpacks name in `[metadata.cnbkit.extension]`, where it applies.

    Args:
        home: gets the changed builder.toml.
        builder: path of builder.toml.
        env: build-time variables.

    Raises:
        InvalidDocument: the builder is wrong.
    """
    try:
        text = builder.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return builder  # whoever reads it next says so
    names = {name for name, value in env.items() if value}
    asked = [each for each in _offered(builder, text, names) if _applies(each, env)]
    if not asked:
        return builder
    found = BuilderDescriptor.loads(text.encode(), name=builder.name, where=str(builder))
    there = {each.id for order in found.order_extensions for each in order.group}
    added = [each for each in asked if each["id"] not in there]
    if not added:
        return builder
    entries = [BuilderEntry(id=each["id"], optional=True) for each in added]
    orders = [
        order.replace(group=[*order.group, *entries]) for order in found.order_extensions
    ] or [BuilderOrder(group=entries)]
    changed = found.replace(
        extensions=[
            *found.extensions,
            *(BuilderBuildpack(uri=each["source"]) for each in added),
        ],
        order_extensions=orders,
    )
    return kept_elsewhere(home, builder, changed)


def _offered(builder: Path, text: str, names: set[str]) -> Iterator[dict[str, str]]:
    """Extensions that source folders of the builder name for settings that are set."""
    for uri in _URI.findall(text):
        path = builder.parent / uri / "buildpack.toml"
        if not path.is_file():
            continue
        said = path.read_text(encoding="utf-8", errors="replace")
        if _TABLE not in said or not any(name in said for name in names):
            continue
        table = tomllib.loads(said)["metadata"]["cnbkit"]["extension"]
        source = (path.parent / table["source"]).resolve()
        own = tomllib.loads((source / "extension.toml").read_text(encoding="utf-8"))
        yield {
            "source": str(source),
            "id": own["extension"]["id"],
            "setting": table["setting"],
            "value": table["value"],
        }


def _applies(offered: Mapping[str, str], env: Mapping[str, str]) -> bool:
    return env.get(offered["setting"], "").strip().lower() == offered["value"]
