"""Write Cloud Native Buildpacks in typed Python.

Derive from `Buildpack`; everything an author needs is exported here. Names are imported on
first use, so that a detect pays only for what it touches.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cnbkit.app import App
    from cnbkit.bill import bill_of_materials
    from cnbkit.binding import Binding
    from cnbkit.buildpack import Buildpack, Triggers
    from cnbkit.command import CommandFailed
    from cnbkit.component import Component
    from cnbkit.config import Config, Option
    from cnbkit.context import BuildContext, Built, DetectContext, Detected, GenerateContext
    from cnbkit.contract.launch import Process
    from cnbkit.contract.model import Model, field
    from cnbkit.contract.plan import Plan
    from cnbkit.contract.target import Target
    from cnbkit.download import Dependency, DownloadFailed
    from cnbkit.errors import BuildpackFault, CnbkitError, PlatformFault, UserFault
    from cnbkit.extension import Generated
    from cnbkit.layer_env import EnvChanges, LayerEnv
    from cnbkit.layers import Layer, LayerKey, OpenLayer, key, migrates, note
    from cnbkit.settings import Settings

__version__ = "0.1.0"

_HOME = {
    "App": "cnbkit.app",
    "Binding": "cnbkit.binding",
    "BuildContext": "cnbkit.context",
    "Buildpack": "cnbkit.buildpack",
    "BuildpackFault": "cnbkit.errors",
    "Built": "cnbkit.context",
    "CnbkitError": "cnbkit.errors",
    "CommandFailed": "cnbkit.command",
    "Component": "cnbkit.component",
    "Config": "cnbkit.config",
    "Dependency": "cnbkit.download",
    "DetectContext": "cnbkit.context",
    "Detected": "cnbkit.context",
    "DownloadFailed": "cnbkit.download",
    "EnvChanges": "cnbkit.layer_env",
    "GenerateContext": "cnbkit.context",
    "Generated": "cnbkit.extension",
    "Layer": "cnbkit.layers",
    "LayerEnv": "cnbkit.layer_env",
    "LayerKey": "cnbkit.layers",
    "Model": "cnbkit.contract.model",
    "OpenLayer": "cnbkit.layers",
    "Option": "cnbkit.config",
    "Plan": "cnbkit.contract.plan",
    "PlatformFault": "cnbkit.errors",
    "Process": "cnbkit.contract.launch",
    "Settings": "cnbkit.settings",
    "Target": "cnbkit.contract.target",
    "Triggers": "cnbkit.buildpack",
    "UserFault": "cnbkit.errors",
    "bill_of_materials": "cnbkit.bill",
    "field": "cnbkit.contract.model",
    "key": "cnbkit.layers",
    "migrates": "cnbkit.layers",
    "note": "cnbkit.layers",
}

__all__ = [
    "App",
    "Binding",
    "BuildContext",
    "Buildpack",
    "BuildpackFault",
    "Built",
    "CnbkitError",
    "CommandFailed",
    "Component",
    "Config",
    "Dependency",
    "DetectContext",
    "Detected",
    "DownloadFailed",
    "EnvChanges",
    "GenerateContext",
    "Generated",
    "Layer",
    "LayerEnv",
    "LayerKey",
    "Model",
    "OpenLayer",
    "Option",
    "Plan",
    "PlatformFault",
    "Process",
    "Settings",
    "Target",
    "Triggers",
    "UserFault",
    "bill_of_materials",
    "field",
    "key",
    "migrates",
    "note",
]


def __getattr__(name: str) -> object:
    """Import an exported name when it is first asked for (PEP 562)."""
    try:
        module = _HOME[name]
    except KeyError:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None
    # `importlib.import_module` would import importlib; this is the same for absolute names.
    value = getattr(__import__(module, fromlist=[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
