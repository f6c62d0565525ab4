"""What build code leaves in folders it can write leads the engine nowhere, and hangs nothing."""

from __future__ import annotations

import tarfile
import time
from typing import TYPE_CHECKING

import pytest

from cnbkit_engine.oci.store import ImageStore

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .attacks import Attack

HOSTS_FILE = b"[run-image]\nreference = 'the host says so'\n"


@pytest.fixture
def attack(attack: Attack) -> Iterator[Attack]:
    """One with files of the host's, which stay as they are."""
    host = attack.root / "host"
    (host / "folder" / "layer").mkdir(parents=True)
    (host / "file.toml").write_bytes(HOSTS_FILE)
    (host / "folder" / "layer.toml").write_text("[types]\nlaunch = true\n")
    (host / "folder" / ".cnbkit-report.tsv").write_text("layer\tx\tbuilt\tSECRET\n")
    yield attack
    assert (host / "file.toml").read_bytes() == HOSTS_FILE
    assert sorted(path.name for path in host.rglob("*")) == [
        *(".cnbkit-report.tsv", "file.toml", "folder", "layer", "layer.toml"),
    ]


def emptied(attack: Attack, before: set[str]) -> bool:
    """Whether this build's temporary folder goes; that happens in the background.

    Of what came meanwhile some may be another test's build: the longest of those takes minutes.
    """
    came = {path.name for path in attack.home.tmp.iterdir()} - before
    for _ in range(3000):
        if came.isdisjoint(path.name for path in attack.home.tmp.iterdir()):
            return True
        time.sleep(0.1)
    return False


def before(attack: Attack) -> set[str]:
    """Other builds' temporary folders."""
    attack.home.tmp.mkdir(parents=True, exist_ok=True)
    return {path.name for path in attack.home.tmp.iterdir()}


def test_documents_that_are_links_are_not_written_through(attack: Attack) -> None:
    host = attack.root / "host"
    links = f"""
for name in analyzed group plan report order run project-metadata; do
    rm -f "/layers/$name.toml"
    ln -s {host}/file.toml "/layers/$name.toml"
done
rm -rf /layers/sbom && ln -s {host}/folder /layers/extended
"""
    for options in ((), (), ("--clear-cache",)):
        attack.build(links, *options)
        assert attack.image().processes


@pytest.mark.parametrize("rebuild", [False, True], ids=["first", "rebuild"])
def test_a_buildpacks_folder_that_is_a_link_is_not_taken_for_one(
    attack: Attack, *, rebuild: bool
) -> None:
    if rebuild:
        attack.build()
    host = attack.root / "host"
    output = attack.build(f'mv "$1" "$1.away"; ln -s {host}/folder "$1"', code=70)
    assert "the build left a link where the lifecycle reads its own file" in output
    assert "where: /layers/test_attack" in output
    assert "SECRET" not in output
    assert (attack.name in ImageStore(attack.home.images).names()) is False or rebuild


@pytest.mark.parametrize(
    "left", ["ln -s {host}/folder/.cnbkit-report.tsv", "ln -s /dev/zero", "mkfifo", "mkdir"]
)
def test_a_report_is_read_from_a_file_or_not_at_all(attack: Attack, left: str) -> None:
    made = left.format(host=attack.root / "host")
    output = attack.build(f'{made} "$1/.cnbkit-report.tsv"')
    assert "SECRET" not in output


def test_a_report_of_a_gigabyte_is_not_read(attack: Attack) -> None:
    attack.build('truncate -s 1T "$1/.cnbkit-report.tsv"')


@pytest.mark.parametrize("rebuild", [False, True], ids=["first", "rebuild"])
def test_a_link_in_a_layer_is_a_link_in_the_image(attack: Attack, *, rebuild: bool) -> None:
    if rebuild:
        attack.build()
    host = attack.root / "host"
    attack.build(f'cd "$1/layer"; ln -s {host}/file.toml file.toml; ln -s {host}/folder folder')
    store = ImageStore(attack.home.images)
    [layer] = [layer for layer in attack.image().layers if layer.kind == "buildpack"]
    with tarfile.open(store.blob_path(layer.digest), "r:gz") as archive:
        links = {member.name: member.linkname for member in archive if member.issym()}
    assert {f"/{name.lstrip('/')}": target for name, target in links.items()} == {
        "/layers/test_attack/layer/file.toml": f"{host}/file.toml",
        "/layers/test_attack/layer/folder": f"{host}/folder",
    }


DEEP = """
python3 - "$1/unused" /home/cnb/unused /tmp/unused <<'END'
import os, sys
for place in sys.argv[1:]:
    os.mkdir(place)
    os.chdir(place)
    for _ in range(1500):
        os.mkdir("d")
        os.chdir("d")
    os.mkdir("closed")
    os.chmod("closed", 0)
    os.chmod(place, 0)
END
"""


def test_folders_nested_deep_and_closed_are_removed(attack: Attack) -> None:
    names = before(attack)
    attack.build(DEEP)
    assert emptied(attack, names)


def test_a_layer_300_folders_deep_is_exported(attack: Attack) -> None:
    attack.build('cd "$1/layer"; for i in $(seq 300); do mkdir d && cd d; done; echo x > file')
    store = ImageStore(attack.home.images)
    [layer] = [layer for layer in attack.image().layers if layer.kind == "buildpack"]
    with tarfile.open(store.blob_path(layer.digest), "r:gz") as archive:
        assert max(member.name.count("/d") for member in archive) == 300


def test_a_cache_that_holds_links_is_refused(attack: Attack) -> None:
    attack.build()
    cache = attack.cache()
    [document] = cache.rglob("io.buildpacks.lifecycle.cache.metadata")
    document.unlink()
    document.symlink_to(attack.root / "host" / "file.toml")
    output = attack.build(code=69)
    assert "the cache holds something that is not a file" in output
    attack.build("", "--clear-cache")
