"""Whether a way leads out of this machine; what a build gets where none does."""

from __future__ import annotations

import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from cnbkit_engine.sandbox.network import network_for
from cnbkit_engine.sandbox.routes import way_out

if TYPE_CHECKING:
    from pathlib import Path

HEAD = "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n"
OUT = "eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n"
NEAR = "eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n"
NOWHERE = "*\t00000000\t00000000\t0201\t0\t0\t0\t00000000\t0\t0\t0\n"
NO = "0" * 32
OUT6 = f"{NO} 00 {NO} 00 fd{'0' * 29}1 00000400 00000003 00000000 00000003     eth0\n"
NEAR6 = f"fe80{'0' * 28} 40 {NO} 00 {NO} 00000100 00000002 00000000 00000001     eth0\n"
REFUSED6 = f"{NO} 00 {NO} 00 {NO} ffffffff 00000001 00000000 00200200       lo\n"


@pytest.mark.parametrize(
    ("route", "ipv6_route", "out"),
    [
        (HEAD + OUT + NEAR, "", True),
        (HEAD + NEAR, REFUSED6 + NEAR6, False),
        (HEAD, NEAR6 + OUT6 + REFUSED6, True),
        (HEAD + NOWHERE, REFUSED6, False),
        (HEAD, None, False),
        (None, None, False),
    ],
)
def test_a_default_route_leads_out(
    tmp_path: Path, route: str | None, ipv6_route: str | None, out: bool
) -> None:
    for name, text in (("route", route), ("ipv6_route", ipv6_route)):
        if text is not None:
            (tmp_path / name).write_text(text)
    assert way_out(tmp_path) == out


def test_where_there_are_no_interfaces_none_does() -> None:
    code = "from cnbkit_engine.sandbox.routes import way_out; print(way_out())"
    cut = ["unshare", "--user", "--map-root-user", "--net", sys.executable, "-c", code]
    assert subprocess.run(cut, capture_output=True, text=True, check=True).stdout == "False\n"


@pytest.mark.parametrize("mode", ["", "private"])
def test_a_build_has_no_network_where_pasta_has_nothing_to_connect(
    monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    known = shutil.which
    monkeypatch.setattr(shutil, "which", lambda name: name == "pasta" and known(name))
    monkeypatch.setattr("cnbkit_engine.sandbox.network.way_out", lambda: False)
    lines: list[str] = []
    with network_for(mode, {}, lines.append) as given:
        assert given == (False, None)
    assert lines == ["This machine has no network now, so build code has none"]
