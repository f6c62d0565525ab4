"""No way from a private network to the services that hand a cloud's machines their credentials.

A virtual machine, or a container of one, asks them for its login, for keys and for what it was
started with, at addresses that are the same on all machines of a cloud. Whoever asks from the
machine gets an answer, so build code would.
"""

from __future__ import annotations

import socket
import struct
import subprocess
import sys
from contextlib import contextmanager
from ipaddress import IPv4Network, IPv6Network
from typing import TYPE_CHECKING

from cnbkit.errors import PlatformFault

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["CREDENTIAL_SERVICES", "refusing"]

CREDENTIAL_SERVICES = (
    IPv4Network("169.254.0.0/16"),  # link-local: those of most clouds, and of AWS's containers
    IPv4Network("168.63.129.16"),  # Azure's WireServer
    IPv4Network("100.100.100.200"),  # Alibaba's
    IPv4Network("192.0.0.192"),  # Oracle's
    IPv6Network("fd00:ec2::/32"),  # AWS's
    IPv6Network("fd20:ce::/32"),  # Google's
)
"""Networks that a private network has no route to."""

# By setns itself: a program that is started in the namespace as somebody who is not root in it has
# no rights there, and as its root cannot read a Python that lies in root's home. Of the standard
# library as little as can be, for each build waits for this.
_REFUSE = """
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
def done(result):
    if result < 0:
        sys.exit(os.strerror(ctypes.get_errno()))
    return result
_, holder, call, *routes = sys.argv
for kind in ("user", "net"):
    done(libc.setns(os.open(f"/proc/{holder}/ns/{kind}", os.O_RDONLY), 0))
for route in routes:
    family, _, packed = route.partition(":")
    datagrams = libc.socket(int(family), 2, 0)
    result = libc.ioctl(datagrams, int(call), bytes.fromhex(packed))
    if family == "2":  # without IPv6 there is no way by it, either
        done(result)
"""
_SIOCADDRT = 0x890B
_UP, _HOST, _REJECT = 1, 4, 0x200  # RTF_…


@contextmanager
def refusing(holder: int) -> Iterator[Callable[[], None]]:
    """Take a network namespace the ways to them, for good.

    Args:
        holder: a process in it, whose user namespace owns it.

    Yields:
        What waits until that is done; it raises PlatformFault if it cannot be.
    """
    routes = [f"{_family(each):d}:{_route(each).hex()}" for each in CREDENTIAL_SERVICES]
    command = [sys.executable, "-I", "-S", "-c", _REFUSE, str(holder), str(_SIOCADDRT), *routes]
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    ) as process:

        def wait() -> None:
            if process.returncode is not None:
                return
            _, errors = process.communicate()
            if process.returncode:
                raise PlatformFault(
                    "the ways to a cloud's credentials cannot be taken from a network of its own",
                    where=f"/proc/{holder}/ns/net",
                    remedy="--network none has no network; --network host shares this machine's",
                    detail=errors.decode(errors="replace"),
                )

        yield wait
        process.kill()


def _family(network: IPv4Network | IPv6Network) -> int:
    return socket.AF_INET if isinstance(network, IPv4Network) else socket.AF_INET6


def _route(network: IPv4Network | IPv6Network) -> bytes:
    """A route that refuses, as the kernel's ioctl takes it: rtentry or in6_rtmsg."""
    flags = _UP | _REJECT
    to, length = network.network_address.packed, network.prefixlen
    if isinstance(network, IPv6Network):
        return struct.pack("@16s32xIHHILIi", to, 0, length, 0, 1, 0, flags, 0)
    if length == network.max_prefixlen:
        flags |= _HOST
    address, mask = (
        struct.pack("@H2x4s8x", socket.AF_INET, each) for each in (to, network.netmask.packed)
    )
    return struct.pack("@L16s16x16sHhLPhPLLH0L", 0, address, mask, flags, *[0] * 8)
