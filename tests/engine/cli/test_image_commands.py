"""`cnbkit images`, `rmi` and `push`: what is there, what goes, what is sent."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from ..run.test_run import result

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cnbkit_engine.oci.types import Descriptor
    from cnbkit_engine.state.home import Home

    MakeTar = Callable[..., bytes]
    MakeImage = Callable[..., Any]


@pytest.fixture
def images(make_image: MakeImage, make_tar: MakeTar) -> dict[str, Descriptor]:
    """Two of this machine, and one of another."""
    found = {
        name: make_image(f"{name}:latest", [make_tar({name: name.encode() * 1000})])
        for name in ("one", "two")
    }
    found["other"] = make_image("other:latest", [], {}, architecture="riscv64")
    return found


def test_images_are_listed_with_digest_size_and_platform(
    home: Home, images: dict[str, Descriptor]
) -> None:
    code, out, err = result(home, "images")
    assert (code, err) == (0, "")
    rows = {line.split()[0]: line.split()[1:] for line in out.splitlines()}
    assert [*rows] == ["one:latest", "other:latest", "two:latest"]
    for name, image in images.items():
        assert rows[f"{name}:latest"][0] == image.digest[7:19]
    assert (rows["one:latest"][-1], rows["other:latest"][-1]) == ("linux/amd64", "linux/riscv64")
    assert result(home, "images", "--quiet")[1].split() == [*rows]
    told = [json.loads(line) for line in result(home, "images", "--json")[1].splitlines()]
    assert [each["digest"] for each in told] == [
        images[name].digest for name in ("one", "other", "two")
    ]


def test_a_removed_image_is_gone_and_the_others_stay(
    home: Home, images: dict[str, Descriptor]
) -> None:
    assert images
    # None goes where one is not there.
    assert result(home, "rmi", "two", "three")[0] == 65
    assert result(home, "rmi", "two", "other")[:2] == (0, "two removed\nother removed\n")
    assert result(home, "images", "-q")[1] == "one:latest\n"
    assert result(home, "inspect", "two")[0] == 65


def test_a_pushed_image_is_the_same_in_the_registry(
    home: Home, images: dict[str, Descriptor], registry: str, crane: Path
) -> None:
    reference = f"{registry}/team/app:1"
    code, out, err = result(home, "push", "one", reference)
    assert (code, out) == (0, f"{reference}  {images['one'].digest}\n"), err
    told = subprocess.run(
        [crane, "digest", reference], capture_output=True, text=True, check=True
    ).stdout
    assert told.strip() == images["one"].digest
    subprocess.run([crane, "validate", "--remote", reference], check=True, capture_output=True)
