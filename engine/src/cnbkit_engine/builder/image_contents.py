"""What a builder image has besides its buildpacks: folders, the lifecycle, its documents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cnbkit.spec.toml import encode
from cnbkit_engine.builder.folder import SYSTEM, variable_files
from cnbkit_engine.oci.layer import Entry, folder_entries

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cnbkit_engine.spec.builder import BuilderDescriptor

__all__ = ["documents", "folders", "programs"]


def folders(owner: tuple[int, int]) -> list[Entry]:
    """The folders that builds use; the app's and the layers' belong to `owner`."""
    mine = [Entry(name, owner=owner) for name in ("/workspace", "/layers")]
    names = (
        *("/cnb", "/cnb/buildpacks", "/cnb/extensions", "/platform", "/platform/env"),
        *("/cnb/build-config", "/cnb/build-config/env"),
    )
    return [*mine, *(Entry(name) for name in names)]


def programs(lifecycle: Path) -> Iterator[Entry]:
    """The lifecycle where the contract has it, and a link for older platforms."""
    yield Entry("/cnb/lifecycle")
    yield from folder_entries(lifecycle, "/cnb/lifecycle")
    yield Entry("/lifecycle", link="/cnb/lifecycle", mode=0o777)


def documents(
    builder: BuilderDescriptor, folder: Path, runs: list[dict[str, Any]]
) -> dict[str, str]:
    """order.toml, system.toml, stack.toml, run.toml and the builder's variables, below /cnb.

    Args:
        builder: builder.toml.
        folder: as `ensure_builder` makes it.
        runs: the run images.
    """
    files = {"order.toml": (folder / "order.toml").read_text(encoding="utf-8")}
    if (folder / SYSTEM).exists():
        files[SYSTEM] = (folder / SYSTEM).read_text(encoding="utf-8")
    files["stack.toml"] = encode({"run-image": runs[0]})
    files["run.toml"] = encode({"images": runs})
    env = builder.build.env if builder.build else []
    files |= {f"build-config/env/{name}": value for name, value in variable_files(env)}
    return files
