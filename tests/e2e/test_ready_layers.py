"""Layers made ready before the export are those the lifecycle makes, of one digest in any build."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from cnbkit_engine.testing import BuiltApp, LifecycleBuild

# Files whose archive entries take each of tar's formats, made anew from one word of the app.
BUILD = r"""#!/bin/bash
set -e
layer="$1/odd"
rm -rf "$layer"  # what the cache gave
mkdir -p "$layer" && cd "$layer"
cat /workspace/word > file
printf '[types]\nlaunch = true\n' > "$1/odd.toml"
mkdir -p "$1/plain" && cp /workspace/word "$1/plain/"
printf '[types]\nlaunch = true\n' > "$1/plain.toml"
mkdir -p "$1/kept" && cp /workspace/word "$1/kept/"
printf '[types]\nlaunch = true\ncache = true\n' > "$1/kept.toml"
if [ -e /workspace/cached ]; then
    printf '[types]\nlaunch = true\ncache = true\n' > "$1/odd.toml"
fi
if [ -e /workspace/own ]; then  # what is said to be kept is left to the exporter
    printf 'layer\todd\tkeep\t\n' > "$1/.cnbkit-report.tsv"
fi
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
    assert "Reusing layer 'test/odd:odd'" in first.log
    own = first.rebuild(app={"word": "two\n", "cached": "", "own": ""})
    assert "Adding layer 'test/odd:odd'" in own.log
    ready = own.rebuild(clear_cache=True, app={"cached": None, "own": None})
    assert "Reusing layer 'test/odd:odd'" in ready.log

    assert _of_buildpacks(ready, "diff_id") == _of_buildpacks(own, "diff_id")
    assert _of_buildpacks(ready, "digest") != _of_buildpacks(own, "digest")
    assert first.image.layers != own.image.layers
    assert [layer.media_type for layer in ready.image.layers] == [
        layer.media_type for layer in own.image.layers
    ]


def test_equal_contents_have_one_digest_whatever_the_build_before(
    lifecycle_build: LifecycleBuild, odd: Path
) -> None:
    first = lifecycle_build.build({"word": "one\n"}, buildpacks=[odd])
    other = first.rebuild(app={"word": "two\n"})
    cached = other.rebuild(app={"word": "one\n", "cached": ""})
    again = cached.rebuild(app={"word": "two\n"})
    plain = again.rebuild(app={"cached": None, "word": "one\n"})

    digests = [_of_buildpacks(each, "digest") for each in (first, other, cached, again, plain)]
    assert digests[0] == digests[2] == digests[4]
    assert digests[1] == digests[3]
    assert not set(digests[0].values()) & set(digests[1].values())
    assert {other.states["test/odd:odd"], cached.states["test/odd:odd"]} == {"built"}


def test_a_cached_layer_that_stays_the_same_keeps_its_blob(
    lifecycle_build: LifecycleBuild, odd: Path
) -> None:
    first = lifecycle_build.build({"word": "one\n", "cached": ""}, buildpacks=[odd])
    again = first.rebuild(app={"other": "file of the app\n"})

    assert again.states["test/odd:odd"] == "reused"
    assert _of_buildpacks(again, "digest") == _of_buildpacks(first, "digest")
    assert again.image.digest != first.image.digest


def _of_buildpacks(built: BuiltApp, value: str) -> dict[str, str]:
    found = {each.what: getattr(each, value) for each in built.image.layers if ":" in each.what}
    assert {"test/odd:odd", "test/odd:plain", "test/odd:kept"} <= set(found)
    return found


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
