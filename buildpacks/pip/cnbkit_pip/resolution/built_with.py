"""What a package is built with, where it has to be built: with another it is another package."""

from __future__ import annotations

import hashlib

from cnbkit import BuildContext
from cnbkit_python_inputs.package import Package
from cnbkit_python_inputs.requirements import normalised
from cnbkit_python_inputs.uv_settings import uv_settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from cnbkit_pip.engines.file_options import FileOptions
    from cnbkit_pip.engines.isolation import Unisolated

__all__ = ["with_build_settings"]

_ANY = "-none-any.whl"
_TABLES = ("config-settings-package", "extra-build-variables", "extra-build-dependencies")


def with_build_settings(
    ctx: BuildContext, packages: list[Package], options: FileOptions, unisolated: Unisolated
) -> list[Package]:
    """The packages; those that are built have a digest of what they are built with, if anything.

    Args:
        ctx: the build.
        packages: all of the image.
        options: what requirements files say.
        unisolated: packages that are built beside the others.
    """
    settings = uv_settings(ctx)
    versions = {each.name: each.version for each in packages}
    # Compiled code is made for these; a module of Python alone may change.
    compiled = [f"{each.name} {each.version}" for each in packages if _is_compiled(each)]
    found = []
    for each in packages:
        wheels = each.entry.get("wheels") or []
        # pip has built its wheel already, if it had to.
        if wheels and not str(wheels[0].get("path", "")).startswith(ctx.scratch):
            found.append(each)
            continue
        texts = [f"{name} {text}" for name, text in options.build_settings if name == each.name]
        texts += _of_uv(settings, each.name, versions)
        if unisolated.has(each.name):
            texts += ["beside", *compiled]
        if not texts:
            found.append(each)
            continue
        digest = hashlib.sha256("\0".join(texts).encode()).hexdigest()
        found.append(Package({**each.entry, "tool": {"cnbkit": {"built-with": digest}}}))
    return found


def _of_uv(settings: dict[str, Any], name: str, versions: dict[str, str]) -> Iterator[str]:
    if settings.get("config-settings"):
        yield repr(settings["config-settings"])
    for key in _TABLES:
        table = settings.get(key)
        for owner, value in table.items() if isinstance(table, dict) else ():
            if normalised(str(owner)) != name:
                continue
            yield f"{key} {value!r}"
            if "match-runtime" in str(value):
                named = (part for entry in value for part in _words(str(entry)))
                yield from (f"{part} {versions[part]}" for part in named if part in versions)


def _words(text: str) -> list[str]:
    kept = "".join(char if char.isalnum() or char in "-_." else " " for char in text)
    return [normalised(word) for word in kept.split()]


def _is_compiled(package: Package) -> bool:
    names = [
        str(each.get("name") or each.get("url") or each.get("path") or "")
        for each in package.entry.get("wheels") or []
    ]
    return any(name and not name.endswith(_ANY) for name in names)
