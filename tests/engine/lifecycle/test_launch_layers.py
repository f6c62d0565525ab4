"""Which layers of a build have contents that go into the image."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cnbkit_engine.lifecycle.handover import Member
from cnbkit_engine.lifecycle.launch_layers import launch_layers
from cnbkit_engine.state.beneath import Folder

if TYPE_CHECKING:
    from pathlib import Path

GROUP = [Member("acme/one", "1.0.0"), Member("acme/absent", "1.0.0")]


@pytest.fixture
def layers(tmp_path: Path) -> Path:
    folder = tmp_path / "acme_one"
    types = {
        "plain": "launch = true",
        "cached": "launch = true\ncache = true",
        "kept": "launch = true\ncache = true",
        "reused": "launch = true",
        "build": "build = true",
        "broken": "launch = ",
    }
    for name, text in types.items():
        (folder / name).mkdir(parents=True)
        (folder / f"{name}.toml").write_text(f"[types]\n{text}\n")
    (folder / "reused").rmdir()
    (folder / "launch.toml").write_text("")
    (folder / "launch").mkdir()
    (folder / ".cnbkit-report.tsv").write_text(
        "seconds\t0.1\nlayer\tkept\tkeep\t\nlayer\tplain\tkeep\t\nlayer\tcached\trebuild\tnew\n"
    )
    return tmp_path


def test_those_for_launch_that_have_contents(layers: Path) -> None:
    with Folder(layers) as folder:
        found = launch_layers(folder, GROUP)
    assert {each.name: (each.cached, each.kept) for each in found} == {
        "plain": (False, False),  # what is not cached cannot have been kept
        "cached": (True, False),
        "kept": (True, True),
    }
    assert {each.identifier for each in found} == {f"acme/one:{each.name}" for each in found}


def test_links_are_no_layers(layers: Path) -> None:
    (layers / "acme_one" / "reused").symlink_to(layers / "acme_one" / "plain")
    (layers / "acme_absent").symlink_to(layers / "acme_one")
    (layers / "acme_one" / "plain.toml").unlink()
    (layers / "acme_one" / "plain.toml").symlink_to("cached.toml")
    with Folder(layers) as folder:
        assert {each.name for each in launch_layers(folder, GROUP)} == {"cached", "kept"}
