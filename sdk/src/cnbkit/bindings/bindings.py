"""Service bindings: credentials and configuration a platform lends to a build.

The Kubernetes form, one directory a binding with a file for each entry (`type` among them),
from `$SERVICE_BINDING_ROOT` and then `<platform>/bindings`; the older Cloud Native Buildpacks
form with `metadata/` and `secret/` is read as well, and last Cloud Foundry's `VCAP_SERVICES`.
Neither the lifecycle nor pack has a part in this: it is a convention among buildpacks.
"""

from __future__ import annotations

import os

from cnbkit.bindings.binding import Binding, entries

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cnbkit.settings import Settings

__all__ = ["Bindings"]


class Bindings:
    """All bindings of a build.

    Args:
        settings: SERVICE_BINDING_ROOT is looked for among the platform's variables as well,
            because the lifecycle keeps it from buildpacks otherwise.
        platform: the platform directory; empty if there is none.
    """

    def __init__(self, settings: Settings, platform: str) -> None:
        found: dict[str, Binding] = {}
        roots = [settings.get("SERVICE_BINDING_ROOT"), f"{platform}/bindings" if platform else ""]
        for root in roots:
            for name in entries(root) if root else []:
                if name not in found and os.path.isdir(f"{root}/{name}"):
                    found[name] = Binding(f"{root}/{name}")
        services = settings.get("VCAP_SERVICES")
        if services:
            from cnbkit.bindings.vcap import read_vcap

            for binding in read_vcap(services):
                found.setdefault(binding.name, binding)
        self._found = [found[name] for name in sorted(found)]
        for binding in self._found:
            binding.hide(settings.secrets)

    def all(self, type: str = "", provider: str = "") -> list[Binding]:
        """Those of a type and provider, sorted by name; upper and lower case are the same."""
        return [
            each
            for each in self._found
            if (not type or each.type.lower() == type.lower())
            and (not provider or each.provider.lower() == provider.lower())
        ]

    def first(self, type: str, provider: str = "") -> Binding | None:
        """The first of a type, by name; None if there is none."""
        return next(iter(self.all(type, provider)), None)
