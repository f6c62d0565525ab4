"""Code in a sandbox does not reach the services that hand a cloud's machines their credentials."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from tests.ordinary_user import environment

from .conftest import START
from .test_network import REACH

if TYPE_CHECKING:
    from .conftest import Attacker

# The first two as on any cloud's machine; the others of Azure, Alibaba, Oracle, AWS and Google.
SERVICES = (
    *("169.254.169.254", "169.254.170.2", "168.63.129.16", "100.100.100.200", "192.0.0.192"),
    *("fd00:ec2::254", "fd20:ce::254"),
)
NEIGHBOURS = ("203.0.113.9", "fd00:99::9")

# A machine with these addresses, a service at each, and a way out; it runs a command.
MACHINE = """
import fcntl, os, socket, struct, subprocess, sys
UP, ADDRESS, MASK, ROUTE = 0x8914, 0x8916, 0x891C, 0x890B

def four(address):
    return struct.pack("@HH4s8x", socket.AF_INET, 0, socket.inet_aton(address))

def six(address):
    return socket.inet_pton(socket.AF_INET6, address)

def named(name, data):
    return struct.pack("@16s24s", name.encode(), data)

def add(name, address, mask, length):
    if ":" in address:
        number = socket.if_nametoindex(name)
        fcntl.ioctl(inet6, ADDRESS, struct.pack("@16sIi", six(address), length, number))
    else:
        fcntl.ioctl(inet, ADDRESS, named(name, four(address)))
        fcntl.ioctl(inet, MASK, named(name, four(mask)))

inet = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
inet6 = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
tunnel = os.open("/dev/net/tun", os.O_RDWR)
fcntl.ioctl(tunnel, 0x400454CA, named("world0", struct.pack("@H", 0x1002)))
for name in ("lo", "world0"):
    fcntl.ioctl(inet, UP, named(name, struct.pack("@H", 0x43)))
add("world0", "198.51.100.2", "255.255.255.0", 24)
add("world0", "2001:db8::2", "", 64)
any4, gateway = four("0.0.0.0"), four("198.51.100.1")
fcntl.ioctl(inet, ROUTE, struct.pack(
    "@L16s16s16sHhLPhPLLH0L", 0, any4, gateway, any4, 3, 0, 0, 0, 0, 0, 0, 0, 0))
fcntl.ioctl(inet6, ROUTE, struct.pack(
    "@16s16s16sIHHILIi", six("::"), six("::"), six("2001:db8::1"), 0, 0, 0, 1, 0, 3,
    socket.if_nametoindex("world0")))
servers = []
for number, address in enumerate(sys.argv[1].split(",")):
    add("lo" if ":" in address else f"lo:{number}", address, "255.255.255.255", 128)
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    servers.append(socket.socket(family))
    servers[-1].setsockopt(socket.IPPROTO_IP, 15, 1)  # also while an address is looked for twice
    servers[-1].bind((address, 80))
    servers[-1].listen()
sys.exit(subprocess.run(sys.argv[2:]).returncode)
"""
WITHOUT_SLIRP = """
import shutil
known = shutil.which
shutil.which = lambda name, **options: known(name, **options) if name != "slirp4netns" else None
"""


def reached(attacker: Attacker, network: str, before: str) -> list[str]:
    """The addresses that an attack reaches, of all services and neighbours."""
    addresses = (*SERVICES, *NEIGHBOURS)
    places = [
        [socket.AF_INET6 if ":" in address else socket.AF_INET, address, 80]
        for address in addresses
    ]
    attack = attacker.command(REACH, json.dumps(places), network=network)
    attack[attack.index(START)] = before + START
    other = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "-r", "--net"]
    machine = [sys.executable, "-I", "-S", "-c", MACHINE, ",".join(addresses)]
    done = subprocess.run(
        [*other, *machine, *attack],
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return [place[1] for place in json.loads(done.stdout)["reached"]]


@pytest.mark.parametrize("before", ["", WITHOUT_SLIRP], ids=["slirp4netns", "pasta"])
def test_neighbours_are_reached_and_a_clouds_services_are_not(
    attacker: Attacker, before: str
) -> None:
    assert reached(attacker, "host", "") == [*SERVICES, *NEIGHBOURS], "the attack would be seen"
    found = reached(attacker, "private", before)
    assert NEIGHBOURS[0] in found
    assert [address for address in found if address in SERVICES] == []
