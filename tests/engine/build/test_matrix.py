"""Images of one app for several kinds of hardware: their names and what they share."""

from __future__ import annotations

import pytest

from cnbkit import UserFault
from cnbkit_engine.build.variants import shares, variants
from cnbkit_engine.oci.types import Descriptor


@pytest.mark.parametrize(
    ("name", "hardware", "names"),
    [
        ("app", "", ["app"]),
        ("app", "cuda:12.8", ["app"]),
        ("app", "cpu, cuda:12.8,coral", ["app:cpu", "app:cuda-12.8", "app:coral"]),
        ("team/app:v1", "cpu,tpu", ["team/app:v1-cpu", "team/app:v1-tpu"]),
        ("localhost:5000/app", "cpu,tpu", ["localhost:5000/app:cpu", "localhost:5000/app:tpu"]),
    ],
)
def test_several_words_make_an_image_each(name: str, hardware: str, names: list[str]) -> None:
    assert [each.name for each in variants(name, hardware)] == names


@pytest.mark.parametrize(
    ("name", "hardware", "what"),
    [
        ("app", "cpu,tpu,CPU", "CPU is asked for twice"),
        (f"app@sha256:{'0' * 64}", "cpu,tpu", "names one image"),
    ],
)
def test_names_that_would_meet_are_refused(name: str, hardware: str, what: str) -> None:
    with pytest.raises(UserFault, match=what):
        variants(name, hardware)


def image(**layers: int) -> list[Descriptor]:
    return [Descriptor("", digest, size) for digest, size in layers.items()]


def test_bytes_are_counted_once_where_images_share_them() -> None:
    lines = shares({"app:cpu": image(base=1000, torch=10), "app:cuda": image(base=1000, cuda=70)})
    assert [line.split()[:7] for line in lines[1:3]] == [
        ["app:cpu", "1.0", "kB", "1.0", "kB", "10", "B"],
        ["app:cuda", "1.1", "kB", "1.0", "kB", "70", "B"],
    ]
    assert lines[3].split()[:5] == ["together", "1.1", "kB", "1.0", "kB"]
