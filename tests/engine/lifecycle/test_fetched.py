"""What a failed build has fetched is moved, and nothing else is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnbkit_engine.lifecycle.fetched import FETCHED, give_back, keep

if TYPE_CHECKING:
    from pathlib import Path


def test_the_next_build_has_it_once(tmp_path: Path) -> None:
    first, cache, second = (tmp_path / name for name in ("first", "cache", "second"))
    for folder in (first / FETCHED / "cnbkit_pip", cache, second):
        folder.mkdir(parents=True)
    (first / FETCHED / "cnbkit_pip" / "file").write_text("x")
    (first / "other").write_text("x")
    assert keep(first, cache)
    assert [each.name for each in cache.iterdir()] == [FETCHED]
    assert give_back(cache, second)
    assert (second / FETCHED / "cnbkit_pip" / "file").read_text() == "x"
    assert not give_back(cache, second)
    assert list(cache.iterdir()) == []


def test_a_link_in_its_place_leads_nowhere(tmp_path: Path) -> None:
    layers, cache, outside = (tmp_path / name for name in ("layers", "cache", "outside"))
    for folder in (layers, cache, outside):
        folder.mkdir()
    (outside / "mine").write_text("x")
    (layers / FETCHED).symlink_to(outside)
    assert not keep(layers, cache)
    assert list(cache.iterdir()) == []
    assert (outside / "mine").read_text() == "x"


def test_what_is_in_the_way_is_no_fault(tmp_path: Path) -> None:
    layers, cache = tmp_path / "layers", tmp_path / "cache"
    for folder in (layers, cache):
        (folder / FETCHED).mkdir(parents=True)
    (layers / FETCHED / "new").write_text("x")
    assert not keep(layers, cache)
    assert not keep(tmp_path / "gone", cache)
