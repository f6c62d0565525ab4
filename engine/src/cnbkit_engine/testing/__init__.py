"""Test buildpacks with the real lifecycle, pack and Docker.

Installing cnbkit-engine brings a pytest plugin:

- `lifecycle_build` builds images with the real lifecycle, without a container engine, from
  buildpacks' folders in any language; an image can be looked into, run and asked:

        built = lifecycle_build.build("examples/web", buildpacks=["buildpacks/pip"])
        port = free_port()
        with built.start("web", env={"PORT": str(port)}) as container:
            assert "hello" in container.http_get(port)
        assert built.rebuild().states["acme/pip:venv"] == "reused"

  See `LifecycleBuild`, `BuiltApp` and `Container`.
- `pack_build` does the same through pack and a Docker engine of the session's own.

Everything works without pytest, too: the fixtures only choose directories and clean up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cnbkit_engine.testing.container import Container, free_port
    from cnbkit_engine.testing.engine import EmbeddedEngine, Engine
    from cnbkit_engine.testing.lifecycle import BuiltApp, LifecycleBuild

_HOME = {
    "BuiltApp": "lifecycle",
    "Container": "container",
    "EmbeddedEngine": "engine",
    "Engine": "engine",
    "LifecycleBuild": "lifecycle",
    "free_port": "container",
}

__all__ = ["BuiltApp", "Container", "EmbeddedEngine", "Engine", "LifecycleBuild", "free_port"]


def __getattr__(name: str) -> object:
    """Import an exported name when it is first asked for: the plugin loads in every session."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    globals()[name] = value
    return value
