"""System calls that container engines refuse are refused to code in a sandbox."""

from __future__ import annotations

import ctypes
import json
import platform
from typing import TYPE_CHECKING

from cnbkit_engine.sandbox.seccomp import REFUSED

if TYPE_CHECKING:
    from .conftest import Attacker

# Arguments by which nothing is changed, should a call be let through: no address, no descriptor.
CALLS = r"""
import ctypes, errno, json, sys
libc = ctypes.CDLL(None, use_errno=True)
answers = {}
for name, number in json.loads(sys.argv[1]).items():
    ctypes.set_errno(0)
    result = libc.syscall(number, *[ctypes.c_long(-1)] * 6)
    answers[name] = errno.errorcode.get(ctypes.get_errno(), str(result)) if result < 0 else "done"
print(json.dumps(answers))
"""

CLONE = r"""
import ctypes, errno, json, os, signal, sys
libc = ctypes.CDLL(None, use_errno=True)
number, flags = json.loads(sys.argv[1])
answers = []
for flag in flags:
    child = libc.syscall(number, ctypes.c_long(flag | signal.SIGCHLD), *[ctypes.c_long(0)] * 4)
    if child == 0:
        os._exit(0)
    if child > 0:
        os.waitpid(child, 0)
    answers.append(errno.errorcode[ctypes.get_errno()] if child < 0 else "done")
print(json.dumps(answers))
"""

FAMILIES = r"""
import errno, json, socket
answers = {}
for family in range(47):
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_SEQPACKET):
        try:
            socket.socket(family, kind).close()
            answers.setdefault(family, set()).add("done")
        except OSError as error:
            answers.setdefault(family, set()).add(errno.errorcode[error.errno])
print(json.dumps({family: sorted(found) for family, found in answers.items()}))
"""

# int 0x80 is how 32-bit code makes calls, and 64-bit code can as well: socketcall(1, array),
# and getpid, to know that the way is open. What a program without it does is end by a signal.
OF_32_BITS = r"""
import ctypes, json, mmap, struct
low = mmap.mmap(-1, 4096, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x40,
    mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
place = ctypes.addressof(ctypes.c_char.from_buffer(low))
assert place < 1 << 32
def call(number, first=0, second=0):
    code = b"\x53\xb8" + struct.pack("<I", number) + b"\xbb" + struct.pack("<I", first)
    low[:64] = (code + b"\xb9" + struct.pack("<I", second) + b"\xcd\x80\x5b\xc3").ljust(64)
    return ctypes.CFUNCTYPE(ctypes.c_int)(place)()
import os
low[1024:1036] = struct.pack("<III", 1, 1, 0)
low[1040:1048] = struct.pack("<II", 0, 0)
print(json.dumps({
    "pid": call(20) == os.getpid(),
    "socket": call(102, 1, place + 1024),
    "listen": call(102, 4, place + 1040),
    "mount": call(21),
}))
"""

# A terminal of its own, so that nothing is typed into anybody's.
TYPE = r"""
import errno, fcntl, json, os, pty, termios
reader, writer = os.openpty()
if os.fork() == 0:
    os.setsid()
    fcntl.ioctl(writer, termios.TIOCSCTTY, 0)
    for request in (termios.TIOCSTI, 0x541C):
        try:
            fcntl.ioctl(writer, request, b"x")
            answer = "done"
        except OSError as error:
            answer = errno.errorcode[error.errno]
        os.write(writer, f"{answer} ".encode())
    os._exit(0)
os.wait()
said = b""
while said.count(b" ") < 2:  # what goes through a terminal comes in pieces
    said += os.read(reader, 100)
print(json.dumps(said.decode().split()))
"""

_NEWER = {"open_tree_attr": 467, "statmount": 457, "listmount": 458}  # than libseccomp
_FLAGS = (0x20000, *(1 << bit for bit in range(25, 31)))  # CLONE_NEW…


def _number(name: str) -> int:
    library = ctypes.CDLL("libseccomp.so.2")
    return int(library.seccomp_syscall_resolve_name(name.encode()))


def test_calls_that_container_engines_refuse_are_refused(attacker: Attacker) -> None:
    # Those that this machine has: the others' numbers are none.
    calls = {name: number for name in REFUSED - set(_NEWER) if (number := _number(name)) >= 0}
    assert {"keyctl", "bpf", "userfaultfd", "perf_event_open", "io_uring_setup"} <= set(calls)
    told = attacker.run(CALLS, json.dumps(calls))
    assert set(told) == set(calls)
    assert {name: answer for name, answer in told.items() if answer != "EPERM"} == {}


def test_calls_that_nobody_knows_yet_are_unknown(attacker: Attacker) -> None:
    # clone3 too: a filter cannot see what it is asked for, and programs call clone instead.
    told = attacker.run(CALLS, json.dumps({**_NEWER, "clone3": 435, "of the future": 999}))
    assert told.pop("open_tree_attr") in {"ENOSYS", "EPERM"}
    assert told.pop("statmount") in {"ENOSYS", "EPERM"}
    assert told.pop("listmount") in {"ENOSYS", "EPERM"}
    assert told == {"clone3": "ENOSYS", "of the future": "ENOSYS"}


def test_no_namespace_is_made_inside(attacker: Attacker) -> None:
    told = attacker.run(CLONE, json.dumps([_number("clone"), [0, *_FLAGS]]))
    assert told == ["done", *["EPERM"] * 7]


def test_sockets_to_the_kernels_ciphers_and_to_a_virtual_machines_host_are_none(
    attacker: Attacker,
) -> None:
    told = attacker.run(FAMILIES)
    assert told["38"] == told["40"] == ["ENOSYS"]
    assert "done" in told["1"]


def test_32_bit_calls_lead_around_nothing(attacker: Attacker) -> None:
    if platform.machine() != "x86_64":
        assert _number("socketcall") < 0, "there is no such way here"
        return
    told = attacker.run(OF_32_BITS)
    assert told["pid"], "the way is open"
    assert told["socket"] == -38
    assert told["listen"] == -88, "other calls of sockets work: this was none"
    assert told["mount"] == -1


def test_nothing_is_typed_into_a_terminal(attacker: Attacker) -> None:
    assert attacker.run(TYPE) == ["EPERM"] * 2
