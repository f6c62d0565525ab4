"""The example of the README, built by the real lifecycle, run and rebuilt."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

import pytest

from cnbkit_engine.base.suites import DEFAULT
from cnbkit_pip.layers.partition import light_layer

if TYPE_CHECKING:
    from pathlib import Path

    from .conftest import Project

WHEELS = (
    *(f"wheels-{name}" for name in ("numpy", "opencv-python-headless", "pandas")),
    *(light_layer(name) for name in ("python-dateutil", "tabulate", "tzdata")),
)


def edit(project: Project, name: str, old: str, new: str) -> None:
    path = project.app / name
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def wheels(layers: dict[str, str]) -> dict[str, str]:
    return {what: digest for what, digest in layers.items() if what.startswith("cnbkit/pip:")}


@pytest.mark.smoke
def test_it_runs_and_only_what_changed_is_built_again(vision: Project, tmp_path: Path) -> None:
    first = vision.build()
    assert f"Python {DEFAULT.python}" in first.output
    output = vision.run()
    assert "Shapes in the picture" in output
    assert "| circle   |       3 |  3754 |" in output
    before = vision.layers()
    names = {what for what in before if what.startswith("cnbkit/pip:")}
    assert names == {"cnbkit/pip:site", *(f"cnbkit/pip:{name}" for name in WHEELS)}

    image = vision.image()
    assert image.labels["team"] == "vision"
    assert image.labels["data.owner"] == "jane@example.com"
    assert image.labels["cost-center"] == "4711"
    assert image.user == "1000:1000"
    assert [process.type for process in image.processes if process.default] == ["web"]

    # Nothing changed: the same image, to the byte.
    digest = image.digest
    again = vision.build()
    assert vision.image().digest == digest
    assert not again.lines("  built "), again.output

    # One line of code: no dependency layer is rebuilt, restored or exported.
    edit(vision, "app.py", "Shapes in the picture", "Shapes, counted again")
    rebuilt = vision.build()
    after = vision.layers()
    assert wheels(after) == wheels(before)
    for name in names:
        assert rebuilt.lines(f"Reusing layer '{name}'"), rebuilt.output
        assert f"Restoring data for {name!r}" not in rebuilt.output
    assert [line.split()[1] for line in rebuilt.lines("  built ")] == ["app"], rebuilt.output
    assert "Shapes, counted again" in vision.run()

    # One light package: its layer and the environment that ties all together.
    edit(vision, "requirements.txt", "tabulate==0.10.0", "tabulate==0.9.0")
    light = vision.build()
    changed = {what for what, digest in vision.layers().items() if after.get(what) != digest}
    # requirements.txt is a file of the app as well.
    assert changed == {f"cnbkit/pip:{light_layer('tabulate')}", "app", "sbom"}, light.output
    assert "-tabulate 0.10.0" in light.output
    assert "+tabulate 0.9.0" in light.output
    assert "| circle   |       3 |  3754 |" in vision.run()

    # Other tools read it, too.
    out = tmp_path / "layout"
    vision.build("--output", f"oci:{out}")
    inspected = subprocess.run(
        ["skopeo", "inspect", f"oci:{out}"], capture_output=True, text=True, check=True
    )
    assert json.loads(inspected.stdout)["Labels"]["team"] == "vision"


def test_two_builds_without_a_cache_give_the_same_image(vision: Project) -> None:
    vision.build()
    first = vision.image()
    vision.remove()
    vision.build("--clear-cache", env={"LC_ALL": "C", "TZ": "Asia/Tokyo"})
    second = vision.image()
    assert [layer.diff_id for layer in second.layers] == [layer.diff_id for layer in first.layers]
    assert second.digest == first.digest
