"""The table of what `BP_PIP_SLIM` leaves: that it is told, and each night that all still work."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from bench.slim import PACKAGES, Slimmed, measure_slim, table

if TYPE_CHECKING:
    from pathlib import Path


def test_a_package_that_does_something_else_is_shown() -> None:
    found = {"a": Slimmed(3_000_000, 1_500_000, True, ""), "b": Slimmed(10**6, 10**6, False, "1 ")}
    lines = table(found).splitlines()
    assert lines[2] == "| a | 3.0 MB | 1.5 MB | 50% | yes |"
    assert lines[3] == "| b | 1.0 MB | 1.0 MB | 0% | NO |"
    assert lines[4] == "| all | 4.0 MB | 2.5 MB | 38% |  |"


@pytest.mark.nightly
def test_heavy_packages_do_the_same_without_what_nobody_runs(tmp_path: Path) -> None:
    found = measure_slim(tmp_path, PACKAGES)
    assert {name: each.printed for name, each in found.items() if not each.same} == {}
    assert len(found) >= 10
    assert all(each.after <= each.before for each in found.values())
    for name in ("numpy", "pandas", "pyarrow", "scikit-learn", "scipy"):
        assert found[name].after < found[name].before
