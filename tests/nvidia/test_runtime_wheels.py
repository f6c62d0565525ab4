"""One full CUDA build with NVIDIA's own wheels: gigabytes, so `make test-nightly` and no sooner.

What needs no GPU is tried for real: the loader of the run image finds all that ONNX Runtime's CUDA
provider is linked with, and the provider gets as far as asking for the driver.
"""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections import Counter
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import pytest
from elftools.elf.elffile import ELFFile

from cnbkit_engine.base.suites import DEFAULT
from cnbkit_engine.oci.image import Image
from cnbkit_engine.oci.store import ImageStore
from cnbkit_engine.oci.unpacked import ensure_layer
from cnbkit_engine.state.home import Home
from cnbkit_engine.state.workspace import remove_tree

from ..e2e.bases import home_on
from ..e2e.conftest import ROOT, cnbkit

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

pytestmark = pytest.mark.timeout(3600)

# Comes with the host's driver, never with an image.
DRIVER = {"libcuda.so.1"}
SYSTEM = ("/usr/lib/x86_64-linux-gnu", "/usr/lib64", "/usr/lib")
APP = """
import json, os, subprocess
from pathlib import Path
import onnxruntime

provider = Path(onnxruntime.__file__).parent / "capi/libonnxruntime_providers_cuda.so"
loader = ("/lib64/ld-linux-x86-64.so.2", "--list", provider)
listed = subprocess.run(loader, capture_output=True, text=True)
wanted = ["CUDAExecutionProvider", "CPUExecutionProvider"]
session = onnxruntime.InferenceSession("penguins.onnx", providers=wanted)
said = {
    "path": os.environ["LD_LIBRARY_PATH"].split(":"),
    "provider": str(provider),
    "listed": listed.stdout + listed.stderr,
    "providers": session.get_providers(),
}
print("said " + json.dumps(said), flush=True)
"""


@pytest.fixture
def home() -> Iterator[Home]:
    """A home of its own on a disk: what is built here is gone at the end."""
    folder = Path(tempfile.mkdtemp(prefix="cnbkit-nvidia-", dir="/var/tmp"))
    store = ImageStore(Home.default().images)
    yield home_on(folder, store, f"cnbkit/run:{DEFAULT.name}")
    remove_tree(folder)


class Files:
    """The files of an image, a folder for each of its layers."""

    def __init__(self, layers: Sequence[Path]) -> None:
        self.layers = layers

    def find(self, path: PurePosixPath) -> Path | None:
        """A file by its path in the image, links followed."""
        for layer in reversed(self.layers):
            found = layer / path.relative_to("/")
            if found.is_symlink():
                return self.find(normal(path.parent / found.readlink()))
            if found.is_file():
                return found
        return None

    def libraries(self) -> list[PurePosixPath]:
        """NVIDIA's libraries, links not counted."""
        return [
            "/" / PurePosixPath(path.relative_to(layer))
            for layer in self.layers
            for path in layer.glob("layers/*/*/**/site-packages/nvidia/**/*.so*")
            if path.is_file() and not path.is_symlink()
        ]


def normal(path: PurePosixPath) -> PurePosixPath:
    return PurePosixPath(os.path.normpath(path))


def linked_with(file: Path, place: PurePosixPath) -> tuple[list[str], list[str]]:
    """What an ELF file needs, and the folders it names itself; `place` is its own path."""
    with file.open("rb") as opened:
        section: Any = ELFFile(opened).get_section_by_name(".dynamic")
        tags = list(section.iter_tags()) if section else []
        needed = [tag.needed for tag in tags if tag.entry.d_tag == "DT_NEEDED"]
        paths = [tag.runpath for tag in tags if tag.entry.d_tag == "DT_RUNPATH"]
        paths += [tag.rpath for tag in tags if tag.entry.d_tag == "DT_RPATH"]
    folders = [
        each.replace("${ORIGIN}", str(place.parent)).replace("$ORIGIN", str(place.parent))
        for path in paths
        for each in path.split(":")
    ]
    return needed, [each for each in folders if each.startswith("/")]


def unresolved(
    files: Files, start: Sequence[PurePosixPath], folders: Sequence[str]
) -> dict[str, PurePosixPath]:
    """What is needed by these files, or by what they need, and found nowhere: name → by whom."""
    missing: dict[str, PurePosixPath] = {}
    waiting, seen = list(start), set(start)
    while waiting:
        path = waiting.pop()
        file = files.find(path)
        assert file is not None, path
        needed, own = linked_with(file, path)
        for name in needed:
            places = [normal(PurePosixPath(each) / name) for each in (*folders, *own, *SYSTEM)]
            place = next((each for each in places if files.find(each)), None)
            if place is None:
                missing.setdefault(name, path)
            elif place not in seen:
                seen.add(place)
                waiting.append(place)
    return missing


@pytest.mark.parametrize(
    ("word", "package", "cuda"),
    [
        # The libraries of CUDA 12 lie in a folder for each wheel, those of 13 mostly in one.
        pytest.param("cuda:12", "onnxruntime-gpu==1.23.2", "12.9", id="12"),
        pytest.param("cuda:13", "onnxruntime-gpu==1.31.1", "13.", id="13"),
    ],
)
def test_the_loader_finds_all_of_cuda_and_finds_it_once(
    home: Home, tmp_path: Path, word: str, package: str, cuda: str
) -> None:
    app = tmp_path / "app"
    app.mkdir()
    (app / "app.py").write_text(APP)
    model = (ROOT / "examples/onnx-serve/penguins.onnx").read_bytes()
    (app / "penguins.onnx").write_bytes(model)
    (app / "requirements.txt").write_text(f"{package}\n")
    (app / "hardware.txt").write_text(f"{word}\n")
    env = {"CNBKIT_HOME": str(home.root)}
    built = cnbkit("build", str(app), "--tag", "cuda", "--verbose", env=env)
    assert built.code == 0, built.output
    assert "but not in the image" not in built.output
    image = Image.from_store(ImageStore(home.images), "cuda")
    assert image.labels["io.cnbkit.cuda"].startswith(cuda)
    assert image.env["NVIDIA_VISIBLE_DEVICES"] == "all"

    run = cnbkit("run", "cuda", "--env", "BPL_CUDA_CHECK=off", env=env)
    assert run.code == 0, run.output
    [line] = run.lines("said ")
    said = json.loads(line.removeprefix("said "))
    lost = {text.split()[0] for text in said["listed"].splitlines() if "not found" in text}
    assert lost <= DRIVER, said["listed"]
    # It fell back for want of a GPU, or of its driver, and of no other library.
    assert said["providers"] == ["CPUExecutionProvider"], run.output
    wanting = re.findall(r"(\S+): cannot open shared object file", run.output)
    assert set(wanting) <= DRIVER, run.output

    files = Files([ensure_layer(home, ImageStore(home.images), each) for each in image.layers])
    libraries = files.libraries()
    missing = unresolved(files, [PurePosixPath(said["provider"]), *libraries], said["path"])
    assert set(missing) <= DRIVER, missing
    names = Counter(path.name for path in libraries)
    assert {"libcudart", "libcublas", "libcudnn"} <= {name.partition(".so")[0] for name in names}
    assert [name for name, count in names.items() if count > 1] == []
    for name in names:
        for folder in SYSTEM:
            assert files.find(PurePosixPath(folder) / name) is None

    sizes = {layer.what: layer.size for layer in image.layers}
    heavy = sizes["cnbkit/pip:accelerator-wheels"]
    # All of CUDA is in one layer, which is most of the image, and stays when the code changes.
    assert heavy > 0.7 * image.size, sizes
    print(f"{word}: {len(libraries)} libraries, {heavy / 1e9:.2f} of {image.size / 1e9:.2f} GB")
