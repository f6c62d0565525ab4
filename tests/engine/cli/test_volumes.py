"""What `--volume` takes, and what it refuses before anything is built."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
import pytest

from cnbkit_engine.cli.volumes import given_volumes

if TYPE_CHECKING:
    from pathlib import Path


def test_a_volume_is_read_only_unless_it_says_otherwise(tmp_path: Path) -> None:
    first, second = given_volumes([f"{tmp_path}:/platform/bindings/a/", f"{tmp_path}:/data:rw"])
    assert (first.source, first.target, first.writable) == (
        tmp_path,
        "/platform/bindings/a",
        False,
    )
    assert (second.target, second.writable) == ("/data", True)


@pytest.mark.parametrize(
    ("item", "what"),
    [
        ("{}", "expected HOST:/TARGET"),
        ("{}:", "expected HOST:/TARGET"),
        ("{}:platform/x", "expected HOST:/TARGET"),
        ("{}:/", "expected HOST:/TARGET"),
        ("{}:/a/../cnb", "expected HOST:/TARGET"),
        ("{}:/a:ro:more", "expected HOST:/TARGET"),
        ("{}:/a:z", "'z' is neither ro nor rw"),
        ("{}/none:/a", "there is no "),
        ("{}:/cnb/buildpacks", "/cnb is the lifecycle's own"),
        ("{}://cnb", "/cnb is the lifecycle's own"),
    ],
)
def test_what_is_no_volume_is_refused(tmp_path: Path, item: str, what: str) -> None:
    with pytest.raises(click.BadParameter) as caught:
        given_volumes([item.format(tmp_path)], closed=("/cnb",))
    assert what in str(caught.value)
