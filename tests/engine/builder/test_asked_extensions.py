"""Extensions that a setting adds to a builder."""

from __future__ import annotations

from pathlib import Path

import pytest

from cnbkit_engine.builder.asked_extensions import with_asked_extensions
from cnbkit_engine.builder.reference import reference_builder
from cnbkit_engine.spec.builder import BuilderDescriptor
from cnbkit_engine.state.home import Home

ROOT = Path(__file__).parents[3]
BUILDER = f"""\
[[buildpacks]]
uri = "{ROOT}/buildpacks/apt"
[lifecycle]
uri = "parts/lifecycle.tgz"
[[order]]
[[order.group]]
id = "cnbkit/apt"
"""
NAMED = f"""\
[[extensions]]
uri = "{ROOT}/buildpacks/apt-image"
[[order-extensions]]
[[order-extensions.group]]
id = "cnbkit/apt-image"
"""


def test_the_reference_builder_has_none_until_it_is_asked(tmp_path: Path) -> None:
    home = Home(tmp_path)
    for env in ({}, {"BP_APT_MODE": "layer"}, {"BP_OTHER": "image"}):
        assert with_asked_extensions(home, reference_builder(), env) == reference_builder()
    path = with_asked_extensions(home, reference_builder(), {"BP_APT_MODE": "Image"})
    found = BuilderDescriptor.loads(path.read_bytes())
    assert [each.uri for each in found.extensions] == [str(ROOT / "buildpacks/apt-image")]
    (order,) = found.order_extensions
    assert [(each.id, each.optional) for each in order.group] == [("cnbkit/apt-image", True)]
    before = BuilderDescriptor.loads(reference_builder().read_bytes())
    assert [each.to_plain() for each in found.order] == [each.to_plain() for each in before.order]
    assert [Path(each.uri).is_absolute() for each in found.buildpacks] == [True] * 22
    assert with_asked_extensions(home, reference_builder(), {"BP_APT_MODE": "image"}) == path


@pytest.mark.parametrize("named", ["", NAMED])
def test_of_another_builder_paths_are_kept_and_none_is_named_twice(
    tmp_path: Path, named: str
) -> None:
    builder = tmp_path / "own" / "builder.toml"
    builder.parent.mkdir()
    builder.write_text(BUILDER + named)
    path = with_asked_extensions(Home(tmp_path / "home"), builder, {"BP_APT_MODE": "image"})
    found = BuilderDescriptor.loads(path.read_bytes())
    assert [each.id for each in found.order_extensions[0].group] == ["cnbkit/apt-image"]
    if named:
        assert path == builder
    else:
        assert found.lifecycle
        assert found.lifecycle.uri == str(builder.parent / "parts/lifecycle.tgz")
