"""Tags the wheel for the processor its programs are for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

# e_machine of an ELF header → the wheel's platform. The programs are linked statically.
_MACHINES = {62: "x86_64", 183: "aarch64"}


class PlatformTag(BuildHookInterface[Any]):
    """Reads it from the programs themselves."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002
        """Called by hatchling before a build."""
        program = Path(self.root, "src", "cnbkit_lifecycle", "programs", "lifecycle")
        with program.open("rb") as file:
            header = file.read(20)
        machine = _MACHINES[int.from_bytes(header[18:20], "little")]
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-manylinux2014_{machine}"
