"""Layers made ready before the export of a first image are those the lifecycle itself makes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from cnbkit_engine.testing import LifecycleBuild

# Files whose archive entries take each of tar's formats, made anew from one word of the app.
BUILD = r"""#!/bin/bash
set -e
layer="$1/odd"
mkdir -p "$layer" && cd "$layer"
cat /workspace/word > file
printf '[types]\nlaunch = true\n' > "$1/odd.toml"
mkdir -p "$1/plain" && cp /workspace/word "$1/plain/"
printf '[types]\nlaunch = true\n' > "$1/plain.toml"
mkdir -p "$1/kept" && cp /workspace/word "$1/kept/"
printf '[types]\nlaunch = true\ncache = true\n' > "$1/kept.toml"
long=$(printf 'x%.0s' {1..99})
mkdir -p "$long/$long" "a b" empty "größe"
echo 1 > "$long/prefix and name"
echo 2 > "$long/$long/$long"
echo 3 > "größe/日本"
printf 4 > $'not\xffutf8'
echo 5 > "a b/c"
echo 6 > "${long}y"
echo 7 > "${long}yz"
ln -s "$long/$long/$long" "link to far"
ln -s größe "link"
ln -s "${long}/" "cut after slash"
ln -s "${long}//more" "$long/link"
ln -s nowhere dangling
ln file "second name"
chmod 4755 file
chmod 700 "a b"
"""
DESCRIPTOR = """\
api = "0.10"
[buildpack]
id = "{id}"
version = "1.0.0"
[[targets]]
os = "linux"
"""


@pytest.fixture
def odd(tmp_path: Path) -> Path:
    """A buildpack whose layer holds every kind of name."""
    folder = tmp_path / "odd"
    (folder / "bin").mkdir(parents=True)
    (folder / "buildpack.toml").write_text(DESCRIPTOR.format(id="test/odd"))
    for name, script in (("detect", "#!/bin/sh\n"), ("build", BUILD)):
        (folder / "bin" / name).write_text(script)
        (folder / "bin" / name).chmod(0o755)
    return folder


def test_they_are_the_lifecycles_own_byte_for_byte(
    lifecycle_build: LifecycleBuild, odd: Path
) -> None:
    first = lifecycle_build.build({"word": "one\n"}, buildpacks=[odd])
    assert "cnbkit/ready-" in first.log
    # The lifecycle's own export, since the contents are new and there is an image.
    own = first.rebuild(app={"word": "two\n"})
    assert "Adding layer 'test/odd:odd'" in own.log
    ready = own.rebuild(clear_cache=True)
    assert "cnbkit/ready-" in ready.log

    assert {layer.what: layer.diff_id for layer in ready.image.layers} == {
        layer.what: layer.diff_id for layer in own.image.layers
    }
    assert first.image.layers != own.image.layers
    assert [layer.media_type for layer in ready.image.layers] == [
        layer.media_type for layer in own.image.layers
    ]


def test_a_rebuild_reuses_them_and_nothing_else_is_left_in_the_store(
    lifecycle_build: LifecycleBuild, odd: Path
) -> None:
    first = lifecycle_build.build({"word": "one\n"}, buildpacks=[odd])
    again = first.rebuild()

    assert again.image.digest == first.image.digest
    assert "Reusing layer 'test/odd:odd'" in again.log


def test_a_layer_the_lifecycle_should_archive_is_left_to_it(
    lifecycle_build: LifecycleBuild, odd: Path
) -> None:
    build = odd / "bin" / "build"
    build.write_text(build.read_text() + 'mkfifo "$1/odd/pipe"\n')
    built = lifecycle_build.build({"word": "one\n"}, buildpacks=[odd])

    assert "Adding layer 'test/odd:odd'" in built.log
    assert "Reusing layer 'test/odd:plain'" in built.log
