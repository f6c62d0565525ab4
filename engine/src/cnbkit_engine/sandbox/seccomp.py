"""The system calls that sandboxed processes may make, as a filter for the kernel.

It refuses what the default profile of container engines refuses to a process without
capabilities, and lets through the other calls that libseccomp knows. One that it does not know is
answered as by a kernel that does not have it either, and so are those that only programs from
before Linux 2.2 make. Two ways around the walls are closed besides, which engines leave open or
close in another way: `socketcall`, by which 32-bit code gets sockets whose family no filter sees,
and typing into the terminal that the sandbox shares with whoever started it.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from cnbkit_engine.state.locks import made_once

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["REFUSED", "compile_filter", "ensure_filter"]

_REFUSED = """
The kernel itself: modules, its clock, its log, other kernels, power, accounting.
  create_module delete_module finit_module init_module query_module get_kernel_syms clock_adjtime
  clock_adjtime64 clock_settime clock_settime64 settimeofday stime syslog kexec_file_load
  kexec_load reboot acct swapon swapoff nfsservctl _sysctl sysfs uselib ustat vhangup vserver
  sethostname setdomainname
Mounts and namespaces, which would give capabilities within them.
  mount umount umount2 pivot_root mount_setattr move_mount open_tree open_tree_attr fsopen chroot
  fsconfig fsmount fspick setns unshare quotactl quotactl_fd listmount statmount
Other processes' memory and descriptors, keys, and files by handle.
  kcmp pidfd_getfd process_madvise add_key keyctl request_key open_by_handle_at
  name_to_handle_at lookup_dcookie fanotify_init
Large parts of the kernel that holes have been found in again and again.
  bpf perf_event_open userfaultfd io_uring_setup io_uring_enter io_uring_register
Hardware, and where memory lies.
  ioperm iopl vm86 vm86old get_mempolicy set_mempolicy set_mempolicy_home_node mbind
  migrate_pages move_pages
"""
REFUSED = frozenset(
    name for line in _REFUSED.splitlines() if line.startswith(" ") for name in line.split()
)
"""Calls that are answered with "operation not permitted"."""

_OLD = """
afs_syscall bdflush break ftime getpmsg gtty idle lock mpx nice oldfstat oldlstat oldolduname
oldstat olduname prof profil putpmsg readdir security sgetmask sigaction signal sigpending
sigsuspend ssetmask stty tuxcall ulimit
"""

# The flags CLONE_NEW… of clone.
_NAMESPACES = (0x20000, *(1 << bit for bit in range(25, 31)))
# Families of sockets, but for the kernel's ciphers (38) and the host of a virtual machine (40).
_FAMILIES = tuple(family for family in range(47) if family not in (38, 40))
_ALLOW = 0x7FFF0000
_REFUSE = 0x00050000 | errno.EPERM
_UNKNOWN = 0x00050000 | errno.ENOSYS
_BAD_ARCHITECTURE, _OPTIMIZE = 2, 8  # attributes of a filter
_EQUAL, _MASKED = 4, 7  # comparisons
_BY_TREE = 2  # so that a call is not compared with all others
_HALF = 0xFFFFFFFF
_X86_64, _X86, _ARM_64 = 0xC000003E, 0x40000003, 0xC00000B7
_HIGHEST = 1024  # neither numbers its calls higher, nor does arm64
_PERSONALITIES = (0, 8, 0x20000, 0x20008, _HALF)
# What libseccomp cannot say beside its other rules: a call by its number and one argument's value.
_TYPE_INTO, _PASTE_INTO = 0x5412, 0x541C  # TIOCSTI, TIOCLINUX
_APART = (
    (_X86, 102, 0, 1, _UNKNOWN),  # socketcall, to make a socket: its family lies in memory
    *(
        (architecture, ioctl, 1, request, _REFUSE)
        for architecture, ioctl in ((_X86_64, 16), (_X86, 54), (_ARM_64, 29))
        for request in (_TYPE_INTO, _PASTE_INTO)
    ),
)


class _Compare(ctypes.Structure):
    _fields_ = (
        ("argument", ctypes.c_uint),
        ("operation", ctypes.c_int),
        ("first", ctypes.c_uint64),
        ("second", ctypes.c_uint64),
    )


def ensure_filter(folder: Path) -> Path | None:
    """The file with the filter, made once for this state of the code and of libseccomp.

    Args:
        folder: it goes there.

    Returns:
        its path; None where there is no libseccomp 2.5.

    Raises:
        PlatformFault: the disk is full or not writable.
    """
    try:
        version = ctypes.CDLL("libseccomp.so.2").seccomp_version
    except (OSError, AttributeError):
        return None
    version.restype = ctypes.POINTER(ctypes.c_uint * 3)
    state = f"{list(version().contents)} {os.uname().machine}".encode()
    key = sha256(Path(__file__).read_bytes() + state).hexdigest()[:16]

    def make(path: Path) -> None:
        path.write_bytes(compile_filter() or b"")

    path = made_once(folder / f"seccomp-{key}.bpf", make)
    return path if path.stat().st_size else None


def compile_filter() -> bytes | None:
    """The filter as the kernel takes it, for this machine; None without libseccomp 2.5."""
    try:
        library = ctypes.CDLL("libseccomp.so.2")
        make, export = library.seccomp_init, library.seccomp_export_bpf
        name_of = library.seccomp_syscall_resolve_num_arch
    except (OSError, AttributeError):
        return None
    make.restype = ctypes.c_void_p
    make.argtypes = (ctypes.c_uint32,)
    name_of.restype = ctypes.c_void_p
    name_of.argtypes = (ctypes.c_uint32, ctypes.c_int)
    context = ctypes.c_void_p(make(_UNKNOWN))
    if not context:
        return None
    try:
        native = library.seccomp_arch_native()
        library.seccomp_attr_set(context, _BAD_ARCHITECTURE, ctypes.c_uint32(_UNKNOWN))
        library.seccomp_attr_set(context, _OPTIMIZE, ctypes.c_uint32(_BY_TREE))
        if native & _HALF == _X86_64:
            library.seccomp_arch_add(context, ctypes.c_uint32(_X86))
        for name, action, comparisons in _rules(library, native):
            number = library.seccomp_syscall_resolve_name(name)
            array = (_Compare * max(1, len(comparisons)))(*comparisons)
            arguments = (context, ctypes.c_uint32(action), number, len(comparisons), array)
            if number == -1 or library.seccomp_rule_add_array(*arguments) not in (0, -errno.EDOM):
                return None
        handle = os.memfd_create("seccomp")
        try:
            if export(context, handle):
                return None
            return _apart() + os.pread(handle, os.fstat(handle).st_size, 0)
        finally:
            os.close(handle)
    finally:
        library.seccomp_release(context)


def _apart() -> bytes:
    """Steps that answer those calls, and go on to what follows them with any other."""
    load, equal, answer = 0x20, 0x15, 0x06
    steps = []
    for architecture, number, argument, value, action in _APART:
        looked_at = ((4, architecture), (0, number), (16 + 8 * argument, value))
        for left, (place, wanted) in zip((5, 3, 1), looked_at, strict=True):
            steps += [(load, 0, 0, place), (equal, 0, left, wanted)]
        steps.append((answer, 0, 0, action))
    return b"".join(struct.pack("=HBBI", *step) for step in steps)


def _rules(library: ctypes.CDLL, native: int) -> Iterator[tuple[bytes, int, tuple[_Compare, ...]]]:
    """Name, action, and what the arguments have to be."""
    apart = {"clone", "clone3", "personality", "socket", *_OLD.split()}
    for name in sorted(_known(library, native)):
        if name in REFUSED:
            yield name.encode(), _REFUSE, ()
        elif name not in apart:
            yield name.encode(), _ALLOW, ()
    # Not clone3, whose flags a filter cannot see: without it, clone is called.
    yield b"clone", _ALLOW, (_Compare(0, _MASKED, sum(_NAMESPACES), 0),)
    for flag in _NAMESPACES:
        yield b"clone", _REFUSE, (_Compare(0, _MASKED, flag, flag),)
    for kind in _PERSONALITIES:
        yield b"personality", _ALLOW, (_Compare(0, _EQUAL, kind, 0),)
    for family in _FAMILIES:
        # The kernel looks at half of the argument only.
        yield b"socket", _ALLOW, (_Compare(0, _MASKED, _HALF, family),)


def _known(library: ctypes.CDLL, native: int) -> set[str]:
    libc = ctypes.CDLL(None)
    known = set()
    for architecture in (native & _HALF, _X86):
        for number in range(_HIGHEST):
            found = library.seccomp_syscall_resolve_num_arch(architecture, number)
            if found:
                known.add(ctypes.string_at(found).decode())
                libc.free(ctypes.c_void_p(found))
    return known
