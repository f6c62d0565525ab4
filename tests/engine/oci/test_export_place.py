"""An export replaces what an export wrote, streams where it is told to, and harms nothing else."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tarfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cnbkit.errors import UserFault
from cnbkit_engine.oci.export import export_docker_archive, export_layout, export_oci_archive
from cnbkit_engine.oci.export_place import check_archive_place, check_layout_place
from cnbkit_engine.oci.store import ImageStore

if TYPE_CHECKING:
    from collections.abc import Callable

    from cnbkit_engine.state.home import Home

    from ..conftest import MakeImage, MakeTar


@pytest.fixture
def store(home: Home, make_image: MakeImage, make_tar: MakeTar) -> ImageStore:
    make_image("demo", [make_tar({"file": os.urandom(3000)})])
    return ImageStore(home.images)


def test_the_image_store_is_never_replaced(store: ImageStore, home: Home, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(home.images)
    before = sorted(path.name for path in home.images.rglob("*"))
    for place in (home.images, home.images / "new", link, link / "new"):
        with pytest.raises(UserFault, match="taken"):
            export_layout(store, "demo", place)
    for place in (home.root, home.layers / "x", home.root / "index.json", tmp_path):
        with pytest.raises(UserFault, match="taken"):
            check_layout_place(place, home.root)
        with pytest.raises(UserFault, match="taken"):
            check_archive_place(place, home.root)
    assert sorted(path.name for path in home.images.rglob("*")) == before


def test_a_layout_of_somebody_else_is_not_replaced(store: ImageStore, tmp_path: Path) -> None:
    other = ImageStore(tmp_path / "other")
    other.put_blob(b"x")
    (other.path / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": []}))
    (other.path / ".lock").unlink()
    with pytest.raises(UserFault, match="taken"):
        export_layout(store, "demo", other.path)
    assert other.has_blob(other.put_blob(b"x"))


def test_an_export_with_something_added_to_it_is_not_replaced(
    store: ImageStore, tmp_path: Path
) -> None:
    place = tmp_path / "out"
    export_layout(store, "demo", place)
    export_layout(store, "demo", place)
    (place / "notes.txt").write_text("mine")
    with pytest.raises(UserFault, match="taken"):
        export_layout(store, "demo", place)
    assert (place / "notes.txt").read_text() == "mine"


@pytest.mark.parametrize("export", [export_docker_archive, export_oci_archive])
def test_an_archive_replaces_an_archive_and_nothing_else(
    store: ImageStore, tmp_path: Path, export: Callable[[ImageStore, str, Path], None]
) -> None:
    mine = tmp_path / "thesis.tex"
    mine.write_text("years of work")
    foreign = tmp_path / "backup.tar"
    with tarfile.open(foreign, "w") as archive:
        archive.add(mine, "home/thesis.tex")
    folder = tmp_path / "folder"
    folder.mkdir()
    for place in (mine, foreign, folder):
        with pytest.raises(UserFault, match="taken"):
            export(store, "demo", place)
    assert mine.read_text() == "years of work"
    made = tmp_path / "image.tar"
    made.touch()
    for _ in range(2):
        export(store, "demo", made)
        assert tarfile.is_tarfile(made)
    link = tmp_path / "link.tar"
    link.symlink_to(made)
    export(store, "demo", link)
    assert link.is_symlink()
    assert tarfile.is_tarfile(made)


@pytest.mark.parametrize("export", [export_docker_archive, export_oci_archive])
def test_a_device_is_left_alone(
    store: ImageStore, tmp_path: Path, export: Callable[[ImageStore, str, Path], None]
) -> None:
    socket = tmp_path / "device"
    os.mknod(socket, 0o600 | 0o140000)  # a socket: as far as `stat` goes the same as a device
    with pytest.raises(UserFault, match="taken"):
        export(store, "demo", socket)
    export(store, "demo", Path("/dev/null"))
    assert Path("/dev/null").is_char_device()


@pytest.mark.parametrize("export", [export_docker_archive, export_oci_archive])
def test_a_pipe_gets_the_archive(
    store: ImageStore, tmp_path: Path, export: Callable[[ImageStore, str, Path], None]
) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read: list[bytes] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()))
    reader.start()
    export(store, "demo", pipe)
    reader.join()
    made = tmp_path / "image.tar"
    export(store, "demo", made)
    with tarfile.open(fileobj=io.BytesIO(read[0])) as streamed, tarfile.open(made) as whole:
        assert streamed.getnames() == whole.getnames()
    assert pipe.is_fifo()


def test_standard_output_gets_the_archive_and_is_not_replaced(
    store: ImageStore, tmp_path: Path
) -> None:
    program = (
        "import sys\n"
        "from pathlib import Path\n"
        "from cnbkit_engine.oci.export import export_docker_archive\n"
        "from cnbkit_engine.oci.store import ImageStore\n"
        "export_docker_archive(ImageStore(Path(sys.argv[1])), 'demo', Path(sys.argv[2]))\n"
    )
    before = os.lstat("/dev/stdout")
    for place in ("/dev/stdout", "/dev/fd/1", "-"):
        out = tmp_path / "out.tar"
        with out.open("wb") as file:
            command = [sys.executable, "-c", program, str(store.path), place]
            subprocess.run(command, stdout=file, check=True)
        with tarfile.open(out) as archive:
            assert archive.getnames()[0] == "manifest.json"
    assert os.lstat("/dev/stdout") == before
