"""Packages that are built with the versions they run with (`match-runtime` of uv).

uv looks for those versions among what it installs in the same call. Here a call installs one
layer, and torch is in another: so that call reads its settings with the versions written out.
"""

from __future__ import annotations

from cnbkit import BuildContext
from cnbkit_python_inputs.requirements import normalised
from cnbkit_python_inputs.uv_settings import uv_settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from cnbkit_python_inputs.package import Package

__all__ = ["Matched"]

_TABLE = "extra-build-dependencies"
# Besides, what matters when something is built of a lock, and what its dependencies come from.
_KEPT = (
    *("extra-build-variables", "config-settings", "config-settings-package"),
    *("no-build-isolation", "no-build-isolation-package", "build-constraint-dependencies"),
    *("dependency-metadata", "index", "index-url", "extra-index-url", "find-links"),
    *("keyring-provider", "allow-insecure-host", "native-tls", "system-certs"),
)


class Matched:
    """What the app's settings of uv say.

    Args:
        ctx: the build.
    """

    def __init__(self, ctx: BuildContext) -> None:
        self._settings = uv_settings(ctx)
        self._path = f"{ctx.scratch}/uv-matched.toml"
        found = self._settings.get(_TABLE, {})
        self._wanted: dict[str, list[Any]] = found if isinstance(found, dict) else {}
        self._names = {
            normalised(name)
            for name, entries in self._wanted.items()
            if isinstance(entries, list) and any(map(_is_matched, entries))
        }

    def arguments(self, packages: list[Package], chosen: list[Package]) -> list[str]:
        """For `uv pip install`.

        Args:
            packages: what the call installs.
            chosen: all packages of the image.
        """
        if self._names.isdisjoint(each.name for each in packages):
            return []
        import tomli_w

        versions = {each.name: each.version for each in chosen if "version" in each.entry}
        table = {
            name: [_with_version(entry, versions) for entry in entries]
            for name, entries in self._wanted.items()
        }
        kept = {name: value for name, value in self._settings.items() if name in _KEPT}
        with open(self._path, "wb") as file:
            tomli_w.dump({**kept, _TABLE: table}, file)
        return ["--config-file", self._path]


def _is_matched(entry: object) -> bool:
    return isinstance(entry, dict) and entry.get("match-runtime") is True


def _with_version(entry: Any, versions: dict[str, str]) -> Any:
    if not _is_matched(entry):
        return entry
    from packaging.requirements import InvalidRequirement, Requirement

    text = str(entry.get("requirement", ""))
    try:
        found = Requirement(text)
    except InvalidRequirement:
        return entry  # uv says so
    version = versions.get(normalised(found.name))
    extras = f"[{','.join(sorted(found.extras))}]" if found.extras else ""
    return f"{found.name}{extras}=={version}" if version else text
