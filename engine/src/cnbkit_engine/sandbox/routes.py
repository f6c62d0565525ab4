"""Whether this machine has a way out to a network, as the kernel's tables say."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

__all__ = ["way_out"]

_TABLES = Path("/proc/net")
_REJECT = 0x200  # RTF_REJECT: what goes there is refused


def way_out(tables: Path = _TABLES) -> bool:
    """Whether there is a default route over another interface than loopback.

    Args:
        tables: the folder with `route` and `ipv6_route`.
    """
    for line in _lines(tables / "route")[1:]:
        interface, destination, _, flags, *_, mask = line[:8]
        if (destination, mask) == ("00000000", "00000000") and _used(interface, flags):
            return True
    # destination, its length, source, its length, next hop, metric, references, uses, flags, name
    return any(
        line[:2] == ["0" * 32, "00"] and _used(line[9], line[8])
        for line in _lines(tables / "ipv6_route")
    )


def _lines(table: Path) -> list[list[str]]:
    with suppress(OSError):
        return [line.split() for line in table.read_text().splitlines()]
    return []


def _used(interface: str, flags: str) -> bool:
    return interface != "lo" and not int(flags, 16) & _REJECT
