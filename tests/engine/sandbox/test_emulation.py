"""Programs of another processor: whether they run is tried, and what is missing is told.

A user namespace with a binfmt_misc of its own (Linux 6.7) knows no interpreter, whatever the host
has registered.
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from elftools.elf.elffile import ELFFile
from tests.user_namespace import in_user_namespace

from cnbkit_engine.base.images import machine_architecture
from cnbkit_engine.sandbox import emulation
from cnbkit_engine.sandbox.emulation import ensure_emulation, is_foreign

if TYPE_CHECKING:
    from pathlib import Path

    from cnbkit_engine.state.home import Home

OWN = machine_architecture()
OTHER = {"amd64": "arm64", "arm64": "amd64"}[OWN]
MACHINES = {"amd64": "EM_X86_64", "arm64": "EM_AARCH64"}
EMULATOR = f"qemu-{emulation._PROCESSORS[OTHER].qemu}-static"
EMPTY = """
mount -t binfmt_misc -o "$1" binfmt_misc /proc/sys/fs/binfmt_misc && shift && exec "$@"
"""
TRY = f"""
import sys
from pathlib import Path
from cnbkit.errors import CnbkitError
from cnbkit_engine.sandbox.emulation import ensure_emulation
from cnbkit_engine.state.home import Home
try:
    ensure_emulation(Home(Path(sys.argv[1])), {OTHER!r}, print)
except CnbkitError as fault:
    print(fault.what, fault.where, fault.remedy, sep="\\n")
"""


def told(home: Home, path: Path, mode: str = "rw") -> str:
    """What a process in a namespace without interpreters says, with only these on PATH."""
    for name in ("bwrap", "mount"):
        if not (path / name).exists():
            (path / name).symlink_to(f"/usr/bin/{name}")
    command = ["/bin/sh", "-c", EMPTY, "sh", mode, sys.executable, "-c", TRY, str(home.root)]
    return subprocess.run(
        in_user_namespace(command),
        env={**os.environ, "PATH": str(path)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = tmp_path / "bin"
    made.mkdir()
    return made


def test_the_smallest_programs_are_for_the_processors_they_are_named_for(tmp_path: Path) -> None:
    for arch, machine in MACHINES.items():
        file = ELFFile(io.BytesIO(emulation._PROCESSORS[arch].smallest()))
        assert file["e_machine"] == machine
        assert file.get_segment(0)["p_vaddr"] < file["e_entry"]
    program = tmp_path / "program"
    program.write_bytes(emulation._PROCESSORS[OWN].smallest())
    program.chmod(0o755)
    assert subprocess.run([program], check=False).returncode == 0


def test_qemu_is_registered_as_debian_registers_it() -> None:
    line = emulation._PROCESSORS["arm64"].registration("/usr/libexec/qemu")
    magic, mask = r"\x7f\x45\x4c\x46\x02\x01\x01" + r"\x00" * 9, r"\xff" * 7 + r"\x00"
    assert line == (
        rf":qemu-aarch64:M::{magic}\x02\x00\xb7\x00:{mask}{chr(92)}xff"
        rf"{(chr(92) + 'xff') * 7}\xfe\xff\xff\xff:/usr/libexec/qemu:POF"
    )


def test_the_machines_own_programs_need_nothing(home: Home) -> None:
    assert not is_foreign(OWN)
    assert is_foreign(OTHER)
    ensure_emulation(home, OWN)
    assert not home.tmp.exists()


def test_without_an_emulator_the_package_to_install_is_named(home: Home, path: Path) -> None:
    output = told(home, path)
    assert f"this machine is linux/{OWN} and has no emulator for {OTHER}" in output
    assert "sudo apt-get install qemu-user-static" in output


def test_who_may_not_register_it_is_told_how_to(home: Home, path: Path) -> None:
    (path / EMULATOR).write_text("#!/bin/sh\n")
    (path / EMULATOR).chmod(0o755)
    output = told(home, path, "ro")
    assert f"the kernel does not know that {EMULATOR} runs programs of {OTHER}" in output
    assert "sudo systemctl restart systemd-binfmt" in output
    [command] = [line for line in output.splitlines() if line.startswith("printf")]
    # The shell and printf undo what is escaped.
    printed = subprocess.run(
        ["/bin/sh", "-c", command.partition(" >")[0]], capture_output=True, text=True, check=True
    ).stdout
    assert printed == emulation._PROCESSORS[OTHER].registration(str(path / EMULATOR))
