"""Write Cloud Native Buildpacks in typed Python.

What type checkers and editors read in place of `__init__.py`, which imports each name when it is
asked for. Made by `python -m tests.sdk.stub`.
"""

from cnbkit.app import App as App
from cnbkit.bindings.binding import Binding as Binding
from cnbkit.bindings.bindings import Bindings as Bindings
from cnbkit.build_context import BuildContext as BuildContext
from cnbkit.buildpack import Buildpack as Buildpack
from cnbkit.buildpack import Triggers as Triggers
from cnbkit.command import CommandFailed as CommandFailed
from cnbkit.config import Config as Config
from cnbkit.config import Option as Option
from cnbkit.context import DetectContext as DetectContext
from cnbkit.context import GenerateContext as GenerateContext
from cnbkit.decision import Decision as Decision
from cnbkit.dependency import Dependency as Dependency
from cnbkit.download import DownloadFailed as DownloadFailed
from cnbkit.errors import BuildpackFault as BuildpackFault
from cnbkit.errors import CnbkitError as CnbkitError
from cnbkit.errors import PlatformFault as PlatformFault
from cnbkit.errors import UserFault as UserFault
from cnbkit.extension import GenerateResult as GenerateResult
from cnbkit.launch import launch_bindings as launch_bindings
from cnbkit.layer.env import EnvChanges as EnvChanges
from cnbkit.layer.env import LayerEnv as LayerEnv
from cnbkit.layer.key import LayerKey as LayerKey
from cnbkit.layer.key import key as key
from cnbkit.layer.key import migrates as migrates
from cnbkit.layer.key import note as note
from cnbkit.layer.layer import Layer as Layer
from cnbkit.layer.open_layer import OpenLayer as OpenLayer
from cnbkit.log import Log as Log
from cnbkit.package_request import PackageRequest as PackageRequest
from cnbkit.python_build import PythonBuild as PythonBuild
from cnbkit.results import BuildResult as BuildResult
from cnbkit.results import DetectResult as DetectResult
from cnbkit.sbom.component import Component as Component
from cnbkit.sbom.documents import bill_of_materials as bill_of_materials
from cnbkit.sbom.scan import scan_components as scan_components
from cnbkit.settings import Settings as Settings
from cnbkit.spec.build_plan import BuildpackPlan as BuildpackPlan
from cnbkit.spec.build_plan import Entry as Entry
from cnbkit.spec.build_plan import Plan as Plan
from cnbkit.spec.build_plan import Require as Require
from cnbkit.spec.launch import Process as Process
from cnbkit.spec.model import Model as Model
from cnbkit.spec.model import field as field
from cnbkit.spec.target import Target as Target

__version__: str

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
