"""Base images of a registry stand in for those made here, if they are the pair that is named."""

from __future__ import annotations

import io
import os
import stat
import tarfile
from typing import TYPE_CHECKING

import pytest

from cnbkit.errors import CnbkitError, UserFault
from cnbkit_engine.base.fetched import fetch_bases
from cnbkit_engine.base.images import BaseImages, machine_architecture
from cnbkit_engine.base.layer import store_image
from cnbkit_engine.base.recipe import BaseRecipe, Kind
from cnbkit_engine.base.suites import DEFAULT, SUITES, Suite
from cnbkit_engine.oci.remote import Remote
from cnbkit_engine.oci.store import ImageStore
from cnbkit_engine.state.home import Home

from ...plain_registry import PlainRegistry

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

OTHER = next(suite for suite in SUITES.values() if suite is not DEFAULT)
RUN_STATUS = "usr/share/cnbkit/run-image/status"


@pytest.fixture
def registry() -> Iterator[PlainRegistry]:
    made = PlainRegistry()
    yield made
    made.close()


@pytest.fixture
def bases(tmp_path: Path) -> BaseImages:
    """Where nothing is made yet."""
    home = Home(tmp_path / "home")
    return BaseImages(home, ImageStore(home.images))


class Pushed:
    """Small images like base images, pushed to a registry."""

    def __init__(self, registry: PlainRegistry, folder: Path) -> None:
        self._registry = registry
        self._folder = folder

    def image(
        self, kind: Kind, suite: Suite = DEFAULT, without: str = "", run_status: str = ""
    ) -> str:
        """Its reference by digest.

        Args:
            kind: run or build.
            suite: that its labels name.
            without: a package that it lacks.
            run_status: what a build image has of its run image, if that is another one.
        """
        recipe = BaseRecipe(kind, machine_architecture(), suite=suite)
        run = BaseRecipe("run", machine_architecture(), suite=suite)
        files = {
            "var/lib/dpkg/status": _status(recipe.packages(), without),
            f"usr/bin/{kind}": "#!/bin/sh\n",
        }
        if kind == "build":
            files[RUN_STATUS] = run_status or _status(run.packages(), "")
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w") as made:
            for name, text in files.items():
                entry = tarfile.TarInfo(f"./{name}")
                entry.mode, entry.size = 0o4755, len(text)
                made.addfile(entry, io.BytesIO(text.encode()))
            device = tarfile.TarInfo("./etc/device")
            device.type = tarfile.FIFOTYPE
        archive.seek(0)
        store = ImageStore(self._folder)
        store.put_manifest(kind, *store_image(archive, recipe, store))
        name = f"{self._registry.host}/base/{kind}"
        return f"{name}@{Remote(f'{name}:1').push(store.path, store.resolve(kind))}"


def _status(packages: list[str], without: str) -> str:
    return "".join(f"Package: {each}\nVersion: 1\n\n" for each in packages if each != without)


@pytest.fixture
def pushed(registry: PlainRegistry, tmp_path: Path) -> Pushed:
    return Pushed(registry, tmp_path / "pushed")


def test_fetched_base_images_are_there_as_if_made_here(
    bases: BaseImages, pushed: Pushed, monkeypatch: pytest.MonkeyPatch
) -> None:
    build, run = pushed.image("build"), pushed.image("run")
    fetch_bases(bases, build, run)
    fetch_bases(bases, build, run)  # again, with nothing to do

    monkeypatch.setenv("PATH", "/nonexistent")  # neither mmdebstrap nor tar
    root, name = bases.prepare()
    assert (root / "usr/bin/build").read_text() == "#!/bin/sh\n"
    assert not (root / "usr/bin/build").stat().st_mode & stat.S_ISUID
    assert name == f"cnbkit/run:{DEFAULT.name}"
    assert run.endswith(bases.store.resolve(name).digest)
    assert [each for each in bases.store.names() if "fetched" in each] == []
    assert [*bases.home.tmp.iterdir()] == []


def _faults(pushed: Pushed) -> list[tuple[str, str, str]]:
    build, run = pushed.image("build"), pushed.image("run")
    host, _, digest = run.partition("@")
    gone = f"{host}@{digest[:-4]}0000"
    own = _status(["something"], "")
    return [
        (build, f"{host}:1", "does not say which image it is to be"),
        (build.partition("@")[0], run, "does not say which image it is to be"),
        (build, gone, "there is no image|no such image"),
        (build, pushed.image("run", OTHER), f"of Debian {OTHER.version}, not of Debian"),
        (pushed.image("build", OTHER), run, f"of Debian {OTHER.version}, not of Debian"),
        (pushed.image("build", run_status=own), run, "made with another run image than this one"),
        (pushed.image("build", without="git"), run, "lacks packages .*: git"),
    ]


@pytest.mark.parametrize("number", range(7))
def test_what_does_not_fit_is_refused_and_nothing_of_it_is_kept(
    bases: BaseImages, pushed: Pushed, number: int
) -> None:
    build, run, what = _faults(pushed)[number]

    with pytest.raises(CnbkitError, match=what) as caught:
        fetch_bases(bases, build, run)

    assert isinstance(caught.value, UserFault)
    assert bases.store.names() == []
    assert not [*bases.home.base.glob("build-*")]


@pytest.mark.full  # it makes the build image once more
def test_what_is_fetched_is_what_is_made(registry: PlainRegistry, bases: BaseImages) -> None:
    home = Home.default()
    made = BaseImages(home, ImageStore(home.images))
    root, run = made.prepare()
    names = {}
    for kind, stored in (("build", made.ensure_build_image()), ("run", run)):
        name = f"{registry.host}/base/{kind}"
        image = made.store.resolve(stored)
        names[kind] = f"{name}@{Remote(f'{name}:1').push(made.store.path, image)}"

    fetch_bases(bases, names["build"], names["run"])

    fetched, name = bases.prepare()
    assert bases.store.resolve(name) == made.store.resolve(run)
    theirs, ours = _tree(fetched), _tree(root)
    # Builds leave empty folders and files in the root that they mounted something on.
    assert {each: ours.get(each) for each in theirs} == theirs
    assert sum(ours[each][1] for each in ours.keys() - theirs.keys()) == 0


def _tree(root: Path) -> dict[str, tuple[int, int]]:
    found = {}
    for folder, names, files in os.walk(root):
        for each in (*names, *files):
            status = os.lstat(f"{folder}/{each}")
            size = 0 if stat.S_ISDIR(status.st_mode) else status.st_size
            found[f"{folder}/{each}".removeprefix(str(root))] = (status.st_mode, size)
    return found
