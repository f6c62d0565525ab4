"""Write Cloud Native Buildpacks in typed Python.

Derive from `Buildpack`; everything an author needs is exported here. Names are imported on
first use, so that a detect pays only for what it touches; `__init__.pyi` names them to editors that
do not read what is below TYPE_CHECKING.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cnbkit.app import App
    from cnbkit.bindings.binding import Binding
    from cnbkit.bindings.bindings import Bindings
    from cnbkit.build_context import BuildContext
    from cnbkit.buildpack import Buildpack, Triggers
    from cnbkit.command import CommandFailed
    from cnbkit.config import Config, Option
    from cnbkit.context import DetectContext, GenerateContext
    from cnbkit.decision import Decision
    from cnbkit.dependency import Dependency
    from cnbkit.download import DownloadFailed
    from cnbkit.errors import BuildpackFault, CnbkitError, PlatformFault, UserFault
    from cnbkit.extension import GenerateResult
    from cnbkit.launch import launch_bindings
    from cnbkit.layer.env import EnvChanges, LayerEnv
    from cnbkit.layer.key import LayerKey, key, migrates, note
    from cnbkit.layer.layer import Layer
    from cnbkit.layer.open_layer import OpenLayer
    from cnbkit.log import Log
    from cnbkit.package_request import PackageRequest
    from cnbkit.python_build import PythonBuild
    from cnbkit.results import BuildResult, DetectResult
    from cnbkit.sbom.component import Component
    from cnbkit.sbom.documents import bill_of_materials
    from cnbkit.sbom.scan import scan_components
    from cnbkit.settings import Settings
    from cnbkit.spec.build_plan import BuildpackPlan, Entry, Plan, Require
    from cnbkit.spec.launch import Process
    from cnbkit.spec.model import Model, field
    from cnbkit.spec.target import Target

__version__ = "0.1.0"

_HOME = {
    "App": "cnbkit.app",
    "Binding": "cnbkit.bindings.binding",
    "Bindings": "cnbkit.bindings.bindings",
    "BuildContext": "cnbkit.build_context",
    "BuildResult": "cnbkit.results",
    "Buildpack": "cnbkit.buildpack",
    "BuildpackFault": "cnbkit.errors",
    "BuildpackPlan": "cnbkit.spec.build_plan",
    "CnbkitError": "cnbkit.errors",
    "CommandFailed": "cnbkit.command",
    "Component": "cnbkit.sbom.component",
    "Config": "cnbkit.config",
    "Decision": "cnbkit.decision",
    "Dependency": "cnbkit.dependency",
    "DetectContext": "cnbkit.context",
    "DetectResult": "cnbkit.results",
    "DownloadFailed": "cnbkit.download",
    "Entry": "cnbkit.spec.build_plan",
    "EnvChanges": "cnbkit.layer.env",
    "GenerateContext": "cnbkit.context",
    "GenerateResult": "cnbkit.extension",
    "Layer": "cnbkit.layer.layer",
    "LayerEnv": "cnbkit.layer.env",
    "LayerKey": "cnbkit.layer.key",
    "Log": "cnbkit.log",
    "Model": "cnbkit.spec.model",
    "OpenLayer": "cnbkit.layer.open_layer",
    "Option": "cnbkit.config",
    "PackageRequest": "cnbkit.package_request",
    "Plan": "cnbkit.spec.build_plan",
    "PlatformFault": "cnbkit.errors",
    "Process": "cnbkit.spec.launch",
    "PythonBuild": "cnbkit.python_build",
    "Require": "cnbkit.spec.build_plan",
    "Settings": "cnbkit.settings",
    "Target": "cnbkit.spec.target",
    "Triggers": "cnbkit.buildpack",
    "UserFault": "cnbkit.errors",
    "bill_of_materials": "cnbkit.sbom.documents",
    "field": "cnbkit.spec.model",
    "key": "cnbkit.layer.key",
    "launch_bindings": "cnbkit.launch",
    "migrates": "cnbkit.layer.key",
    "note": "cnbkit.layer.key",
    "scan_components": "cnbkit.sbom.scan",
}

__all__ = [
    "App",
    "Binding",
    "Bindings",
    "BuildContext",
    "BuildResult",
    "Buildpack",
    "BuildpackFault",
    "BuildpackPlan",
    "CnbkitError",
    "CommandFailed",
    "Component",
    "Config",
    "Decision",
    "Dependency",
    "DetectContext",
    "DetectResult",
    "DownloadFailed",
    "Entry",
    "EnvChanges",
    "GenerateContext",
    "GenerateResult",
    "Layer",
    "LayerEnv",
    "LayerKey",
    "Log",
    "Model",
    "OpenLayer",
    "Option",
    "PackageRequest",
    "Plan",
    "PlatformFault",
    "Process",
    "PythonBuild",
    "Require",
    "Settings",
    "Target",
    "Triggers",
    "UserFault",
    "bill_of_materials",
    "field",
    "key",
    "launch_bindings",
    "migrates",
    "note",
    "scan_components",
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
