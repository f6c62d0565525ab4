"""Test buildpacks: in this process, as a group, and through the real lifecycle."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cnbkit.testing.commands import Answer, Call, FakeCommands
    from cnbkit.testing.container import Container, free_port
    from cnbkit.testing.engine import EmbeddedEngine, Engine
    from cnbkit.testing.harness import BuildpackRun
    from cnbkit.testing.lifecycle import BuiltApp, LifecycleBuild
    from cnbkit.testing.order import Candidate, Provision, Verdict, simulate
    from cnbkit.testing.restore import restore
    from cnbkit.testing.result import Result, ResultLayer

_HOME = {
    "Answer": "commands",
    "BuildpackRun": "harness",
    "BuiltApp": "lifecycle",
    "Call": "commands",
    "Candidate": "order",
    "Container": "container",
    "EmbeddedEngine": "engine",
    "Engine": "engine",
    "FakeCommands": "commands",
    "LifecycleBuild": "lifecycle",
    "Provision": "order",
    "Result": "result",
    "ResultLayer": "result",
    "Verdict": "order",
    "free_port": "container",
    "restore": "restore",
    "simulate": "order",
}

__all__ = [
    "Answer",
    "BuildpackRun",
    "BuiltApp",
    "Call",
    "Candidate",
    "Container",
    "EmbeddedEngine",
    "Engine",
    "FakeCommands",
    "LifecycleBuild",
    "Provision",
    "Result",
    "ResultLayer",
    "Verdict",
    "free_port",
    "restore",
    "simulate",
]


def __getattr__(name: str) -> object:
    """Import an exported name when it is first asked for: the plugin loads in every session."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    globals()[name] = value
    return value
