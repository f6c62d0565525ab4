"""Programs of another processor on this machine: qemu's user emulation, through binfmt_misc.

The kernel gives a program of another architecture to the interpreter that is registered for it.
Registered with the flag F, the interpreter is opened once and then works in every sandbox, whose
files have none. Whether it does is tried out with a program of three instructions: a container
often cannot see what its host has registered.
"""

from __future__ import annotations

import os
import struct
from pathlib import Path
from typing import TYPE_CHECKING

from cnbkit.errors import PlatformFault
from cnbkit_engine.oci.image import machine_platform

if TYPE_CHECKING:
    from collections.abc import Callable

    from cnbkit_engine.state.home import Home

__all__ = ["PREPARED", "ensure_emulation", "is_foreign"]

PREPARED = "emulators"
"""Folder of `home.tools` for an emulator that is not on PATH."""

_BINFMT = Path("/proc/sys/fs/binfmt_misc")


class _Processor:
    """How to know programs of one architecture, and one such program.

    Args:
        qemu: its name in qemu's programs.
        machine: ELF's `e_machine`.
        code: machine code of `exit(0)`.
    """

    def __init__(self, qemu: str, machine: int, code: bytes) -> None:
        self.qemu = qemu
        self.program = f"qemu-{qemu}-static"
        self._machine = machine
        self._code = code

    def smallest(self) -> bytes:
        """An ELF file that only ends."""
        base, start = 0x400000, 64 + 56
        size = start + len(self._code)
        ident = b"\x7fELF\x02\x01\x01" + bytes(9)
        head = struct.pack(
            "<HHIQQQIHHHHHH",
            *(2, self._machine, 1, base + start, 64, 0, 0, 64, 56, 1, 64, 0, 0),
        )
        load = struct.pack("<IIQQQQQQ", 1, 5, 0, base, base, size, size, 0x1000)
        return ident + head + load + self._code

    def registration(self, interpreter: str) -> str:
        """The line for binfmt_misc's `register`: any ELF of 64 bits for this machine, of any ABI.

        Flags as Debian has them: P keeps the program's own name, O passes it as an open file, F
        opens the interpreter now.
        """
        magic = b"\x7fELF\x02\x01\x01" + bytes(9) + struct.pack("<HH", 2, self._machine)
        mask = b"\xff" * 7 + b"\0" + b"\xff" * 8 + b"\xfe\xff\xff\xff"
        told = ("".join(f"\\x{byte:02x}" for byte in text) for text in (magic, mask))
        return ":".join(["", f"qemu-{self.qemu}", "M", "", *told, interpreter, "POF"])


_PROCESSORS = {
    # mov x8, #93; mov x0, #0; svc #0
    "arm64": _Processor("aarch64", 183, bytes.fromhex("a80b80d2000080d2010000d4")),
    # mov eax, 60; xor edi, edi; syscall
    "amd64": _Processor("x86_64", 62, bytes.fromhex("b83c00000031ff0f05")),
}


def is_foreign(arch: str) -> bool:
    """Whether this machine is not of that architecture (`amd64`, `arm64`)."""
    return machine_platform() != f"linux/{arch}"


def ensure_emulation(
    home: Home, arch: str, progress: Callable[[str], None] = lambda _line: None
) -> None:
    """Have programs of that architecture run in sandboxes; nothing to do for the machine's own.

    Where the kernel does not know how yet and this is root, qemu is registered with it, until the
    machine starts anew.

    Args:
        home: for the sandbox in which it is tried, and for an emulator in
            `home.tools/emulators`.
        arch: `amd64` or `arm64`; of any other the kernel itself says that it runs none.
        progress: told if something had to be registered.

    Raises:
        PlatformFault: they do not run here; says which command changes that.
    """
    if not is_foreign(arch) or arch not in _PROCESSORS:
        return
    processor = _PROCESSORS[arch]
    if _runs(home, processor):
        return
    emulator = _emulator(home, processor)
    if emulator and _register(processor, emulator) and _runs(home, processor):
        progress(f"Registered {emulator} for programs of {arch}, until this machine restarts")
        return
    raise _fault(arch, processor, emulator)


def _runs(home: Home, processor: _Processor) -> bool:
    import subprocess

    from cnbkit_engine.sandbox.sandbox import Sandbox
    from cnbkit_engine.state.workspace import Workspace

    with Workspace(home.tmp) as space:
        root = space / "root"
        root.mkdir()
        program = root / "program"
        program.write_bytes(processor.smallest())
        program.chmod(0o755)
        sandbox = Sandbox(home.tmp, root=root, network=False)
        return sandbox.run(["/program"], stderr=subprocess.DEVNULL) == 0


def _emulator(home: Home, processor: _Processor) -> Path | None:
    prepared = home.tools / PREPARED / processor.program
    if os.access(prepared, os.X_OK):
        return prepared
    import shutil

    found = shutil.which(processor.program)
    return Path(found) if found else None


def _register(processor: _Processor, emulator: Path) -> bool:
    """Whether the kernel took it."""
    import subprocess

    if os.geteuid() != 0:
        return False
    if not (_BINFMT / "register").exists():
        command = ["mount", "-t", "binfmt_misc", "binfmt_misc", str(_BINFMT)]
        if subprocess.run(command, capture_output=True, check=False).returncode:
            return False
    try:
        # One that is registered without F is of no use in a sandbox, and in the way.
        taken = _BINFMT / f"qemu-{processor.qemu}"
        if taken.exists():
            taken.write_text("-1")
        (_BINFMT / "register").write_text(processor.registration(str(emulator)))
    except OSError:
        return False
    return True


def _fault(arch: str, processor: _Processor, emulator: Path | None) -> PlatformFault:
    here = machine_platform()
    if emulator is None:
        return PlatformFault(
            f"this machine is {here} and has no emulator for {arch}",
            where=f"{processor.program} on PATH",
            remedy="sudo apt-get install qemu-user-static\n"
            f"or build on a machine that is linux/{arch}",
        )
    line = processor.registration(str(emulator)).replace("\\", "\\\\")
    return PlatformFault(
        f"the kernel does not know that {emulator.name} runs programs of {arch}",
        where=str(_BINFMT),
        remedy="sudo systemctl restart systemd-binfmt\n"
        "or, as root and on the host if this is a container:\n"
        f"mount -t binfmt_misc binfmt_misc {_BINFMT}\n"
        f"printf '{line}' >{_BINFMT}/register",
    )
