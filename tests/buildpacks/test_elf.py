"""The check for missing libraries, on real files made by the compiler."""

from __future__ import annotations

import importlib
import inspect
import json
import platform
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pydantic_core
import pytest
from elftools.elf.elffile import ELFFile
from hypothesis import given
from hypothesis import strategies as st

from cnbkit_debian_index import RELEASES
from cnbkit_elf import ElfCheck
from cnbkit_elf.by_name import loaded_by_name
from cnbkit_elf.facts import Facts
from cnbkit_elf.optional import optional_apart
from cnbkit_elf.report import debian_packages, report
from cnbkit_elf.search import search
from cnbkit_elf_files import MACHINES, Dynamic, read_elf

if TYPE_CHECKING:
    from collections.abc import Callable

    from cnbkit import Buildpack

    from .conftest import Phases, Unchanged

ARCH = {"x86_64": "amd64", "aarch64": "arm64"}[platform.machine()]
STDLIB = Path(sysconfig.get_path("platstdlib")) / "lib-dynload"
BASE = ["/usr/lib/x86_64-linux-gnu/libc.so.6", "/usr/lib/x86_64-linux-gnu/libm.so.6"]
TOML = '[types]\nlaunch = true\n\n[metadata]\ndigest = "{}"\n'


def library(path: Path, *needs: Path, options: tuple[str, ...] = ()) -> Path:
    """A shared library that needs others."""
    path.parent.mkdir(parents=True, exist_ok=True)
    linked = [f"-L{each.parent}" for each in needs] + [f"-l:{each.name}" for each in needs]
    subprocess.run(
        [
            *("cc", "-shared", "-o", str(path), f"-Wl,-soname,{path.name}", "-Wl,--no-as-needed"),
            *(*options, "-x", "c", "/dev/null", "-x", "none", *linked),
        ],
        check=True,
    )
    return path


@pytest.fixture(scope="module")
def gl(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What nobody has installed."""
    return library(tmp_path_factory.mktemp("gl") / "libGL.so.1")


def looked_at(*layers: Path) -> Facts:
    return Facts.update([b""], {str(each): "1" for each in layers}, ARCH)


def lacking(*layers: Path, ignored: tuple[str, ...] = ()) -> dict[str, list[str]]:
    nowhere, _ = search(looked_at(*layers), BASE, [*ignored])
    return {name: [Path(each.path).name for each in files] for name, files in nowhere.items()}


def by_pyelftools(path: Path) -> Dynamic:
    needed, search, soname = [], [], ""
    with path.open("rb") as file:
        for segment in ELFFile(file).iter_segments("PT_DYNAMIC"):
            tags: Any = segment
            for tag in tags.iter_tags():
                if tag.entry.d_tag == "DT_NEEDED":
                    needed.append(tag.needed)
                elif tag.entry.d_tag == "DT_SONAME":
                    soname = tag.soname
                elif tag.entry.d_tag in ("DT_RPATH", "DT_RUNPATH"):
                    value = tag.rpath if tag.entry.d_tag == "DT_RPATH" else tag.runpath
                    search += value.split(":")
    return Dynamic(needed, search, soname)


def test_files_are_read_as_pyelftools_reads_them(gl: Path, tmp_path: Path) -> None:
    own = library(tmp_path / "user.so", gl, options=("-Wl,-rpath,$ORIGIN/a:/b",))
    installed = sorted(Path(pydantic_core.__file__).parent.glob("*.so"))
    files = [Path(sys.executable).resolve(), own, gl, *installed, *sorted(STDLIB.glob("*.so"))[:20]]
    assert len(files) > 3
    for path in files:
        assert read_elf(str(path), MACHINES[ARCH]) == by_pyelftools(path), path


@given(data=st.data())
def test_damaged_files_are_read_or_left_alone(
    data: st.DataObject, gl: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    image = bytearray(gl.read_bytes())
    for _ in range(data.draw(st.integers(1, 8))):
        at = data.draw(st.integers(16, 1024) | st.integers(16, len(image) - 1))
        image[at] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.mktemp("damaged") / "x.so"
    path.write_bytes(image[: data.draw(st.integers(0, len(image)))] if image[40] % 2 else image)
    read_elf(str(path), MACHINES[ARCH])


def test_a_library_is_found_in_base_beside_its_user_or_in_another_layer(
    tmp_path: Path, gl: Path
) -> None:
    a = tmp_path / "a"
    library(a / "x/cv2.so", gl)
    assert lacking(a) == {"libGL.so.1": ["cv2.so"]}
    assert lacking(a, ignored=("libGL.so.*",)) == {}
    b = tmp_path / "b"
    shutil.copytree(gl.parent, b / "lib")
    assert lacking(a, b) == {}
    shutil.rmtree(b)
    library(a / "x/origin.so", gl, options=("-Wl,-rpath,$ORIGIN/../libs",))
    library(a / "libs/libGL.so.1")
    assert lacking(a) == {}


def test_what_only_python_code_finds_is_told_apart(tmp_path: Path, gl: Path) -> None:
    a, b = tmp_path / "a", tmp_path / "b"
    user = library(a / "x/user.so", gl)
    shutil.copytree(gl.parent, b / "nvidia")
    _, elsewhere = search(looked_at(a, b), BASE, [])
    assert [each.path for each in elsewhere["libGL.so.1"]] == [str(user)]
    (b / "env.launch").mkdir()
    (b / "env.launch/LD_LIBRARY_PATH.prepend").write_text(f"/x:{b}/nvidia\n")
    assert search(looked_at(a, b), BASE, []) == ({}, {})


def test_links_count_and_drivers_come_with_the_machine(tmp_path: Path, gl: Path) -> None:
    a = tmp_path / "a"
    cuda = library(tmp_path / "stub/libcuda.so.1")
    library(a / "user.so", gl, cuda)
    (a / "lib").mkdir()
    shutil.copy(library(tmp_path / "real/libGL.so.1.7"), a / "lib/libGL.so.1.7")
    assert lacking(a) == {"libGL.so.1": ["user.so"]}
    (a / "lib/libGL.so.1").symlink_to("libGL.so.1.7")
    assert lacking(a) == {}


def test_tensorrt_is_missed_by_nobody_who_does_not_ask_for_it(tmp_path: Path) -> None:
    a = tmp_path / "a"
    extras = [
        library(tmp_path / f"stub/{each}.so.10") for each in ("libnvinfer", "libnvonnxparser")
    ]
    library(a / "libonnxruntime_providers_tensorrt.so", *extras)
    assert lacking(a) == {}
    # What CUDA's provider needs is another matter.
    library(a / "libonnxruntime_providers_cuda.so", library(tmp_path / "stub/libcudnn.so.9"))
    assert lacking(a) == {"libcudnn.so.9": ["libonnxruntime_providers_cuda.so"]}


def test_files_that_are_none_of_the_images_are_left_alone(tmp_path: Path, gl: Path) -> None:
    a = tmp_path / "a"
    data = bytearray(library(a / "foreign.so", gl).read_bytes())
    data[18:20] = b"\xf3\x00"  # e_machine: RISC-V
    (a / "foreign.so").write_bytes(data)
    (a / "cut.so").write_bytes(gl.read_bytes()[:200])
    (a / "text.so").write_text("GROUP ( libc.so.6 )")
    (a / "tool").write_text("#!/bin/sh\n")
    (a / "tool").chmod(0o755)
    (a / "gone.so").symlink_to("nowhere")
    assert lacking(a) == {}


def test_a_package_is_named_with_what_supplies_it_and_what_does_without(
    tmp_path: Path, gl: Path
) -> None:
    site = tmp_path / "a/prefix/lib/python3.11/site-packages"
    own = library(tmp_path / "own/libcompany.so.7")
    library(site / "cv2/cv2.abi3.so", gl)
    library(site / "odd.so", own)
    (site / "opencv_python-5.0.dist-info").mkdir()
    (site / "opencv_python-5.0.dist-info/RECORD").write_text("cv2/cv2.abi3.so,sha256=x,1\n")
    nowhere, _ = search(looked_at(tmp_path / "a"), BASE, [])
    first, *rest = report(nowhere, "12").splitlines()
    assert first.startswith("2 libraries are needed, but not in the image")
    assert (
        "opencv-python needs libGL.so.1: add `libgl1` to Aptfile, or use opencv-python-headless"
        in rest
    )
    assert any(
        line.endswith("odd.so needs libcompany.so.7: Debian 12 has no package with libcompany.so.7")
        for line in rest
    )


@pytest.mark.parametrize(
    ("name", "package", "newer"),
    [
        ("libGL.so.1", "libgl1", "libgl1"),
        ("libgthread-2.0.so.0", "libglib2.0-0", "libglib2.0-0t64"),
        ("libasound.so.2", "libasound2", "libasound2t64"),
        ("libSM.so.6", "libsm6", "libsm6"),
        ("libpq.so.5", "libpq5", "libpq5"),
        ("libsndfile.so.1", "libsndfile1", "libsndfile1"),
        ("libblas.so.3", "libblas3", "libblas3"),
        ("libavcodec.so.59", "libavcodec59", ""),
        ("libavcodec.so.61", "", "libavcodec61"),
        # Their names are longer than a link's by one number.
        ("libpython3.11.so.1.0", "libpython3.11", ""),
        ("libpython3.13.so.1.0", "", "libpython3.13"),
        ("libsndio.so.7.0", "libsndio7.0", "libsndio7.0"),
    ],
)
def test_debians_packages_are_known_by_release(name: str, package: str, newer: str) -> None:
    for release, expected in (("12", package), ("13", newer)):
        found = debian_packages({name, "libnone.so.1"}, release)
        assert found == ({name: expected} if expected else {})


def test_what_only_the_other_release_has_is_told(tmp_path: Path) -> None:
    codec = library(tmp_path / "own/libavcodec.so.59")
    library(tmp_path / "a/player.so", codec)
    missing, _ = search(looked_at(tmp_path / "a"), BASE, [])
    said = "Debian 13 has no package with libavcodec.so.59; Debian 12 has `libavcodec59`"
    assert report(missing, "13").splitlines()[1].endswith(said)
    assert "add `libavcodec59` to Aptfile" in report(missing, "12")


@pytest.mark.parametrize(
    ("release", "package"), [("12", "libasound2"), ("13", "libasound2t64"), ("", "libasound2t64")]
)
def test_the_package_is_that_of_the_image_s_release(
    check: type[ElfCheck], phases: Phases, tmp_path: Path, release: str, package: str
) -> None:
    if release:
        (tmp_path / "system/etc").mkdir()
        (tmp_path / "system/etc/os-release").write_text(f'ID=debian\nVERSION_ID="{release}"\n')
    asound = library(tmp_path / "own/libasound.so.2")
    library(layer(phases, "other", "1") / "player.so", asound)
    assert f"add `{package}` to Aptfile" in phases.build(check()).err


@pytest.fixture
def check(tmp_path: Path) -> type[ElfCheck]:
    """The buildpack on a system whose run image has the C library only."""
    known = tmp_path / "system/usr/share/cnbkit/run-image"
    known.mkdir(parents=True)
    (known / "libraries").write_text("".join(f"{each}\n" for each in BASE))
    module = tmp_path / "path" / f"local_elf_{tmp_path.name}" / "__init__.py"
    module.parent.mkdir(parents=True)
    module.write_text(
        "from cnbkit_elf import ElfCheck\nclass Local(ElfCheck):\n"
        f"    system = {str(tmp_path / 'system')!r}\n"
    )
    (tmp_path / "path/cnbkit_elf").symlink_to(Path(inspect.getfile(ElfCheck)).parent)
    sys.path.insert(0, str(tmp_path / "path"))
    try:
        local: type[ElfCheck] = importlib.import_module(module.parent.name).Local
    finally:
        sys.path.remove(str(tmp_path / "path"))
    return local


def layer(phases: Phases, name: str, digest: str) -> Path:
    """A layer of another buildpack, as it is while buildpacks run."""
    folder = phases.app.parent / "acme"
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.toml").write_text(TOML.format(digest))
    return folder / name


def test_only_new_layers_are_looked_at_and_the_others_remembered(
    check: type[ElfCheck],
    phases: Phases,
    gl: Path,
    unchanged_build: Callable[[type[Buildpack], Any], Unchanged],
) -> None:
    wheels = layer(phases, "wheels", "1")
    library(wheels / "cv2.so", gl)
    told = "/acme/wheels/cv2.so needs libGL.so.1: add `libgl1` to Aptfile"
    assert told in phases.build(check()).err

    unchanged = SimpleNamespace(app=phases.app, layers_dir=phases.layers)
    with pytest.raises(AssertionError, match="libgl1"):  # the warning is its only word on stderr
        unchanged_build(check, unchanged)
    shutil.rmtree(phases.app.parent / "again")

    # It is in the previous image alone now, and another one is new.
    shutil.rmtree(wheels)
    other = layer(phases, "other", "1")
    library(other / "more.so", gl)
    again = phases.build(check())
    assert told in again.err
    assert "/acme/other/more.so needs" in again.err

    # The library comes, by another layer.
    shutil.rmtree(other)
    shutil.copytree(gl.parent, layer(phases, "apt", "1") / "lib")
    mended = phases.build(check())
    assert mended.err == ""
    assert "3 libraries and programs find what they are linked with" in mended.out

    quiet = unchanged_build(check, unchanged)
    assert quiet.imported.isdisjoint(
        {"typing", "re", "pathlib", "json", "lzma", "cnbkit_elf_files"}
    )


def test_without_the_cache_the_image_itself_remembers(
    check: type[ElfCheck], phases: Phases, gl: Path
) -> None:
    """A CI service has the previous image alone: the verdict is that of the first build."""
    wheels = layer(phases, "wheels", "1")
    library(wheels / "cv2.so", gl)
    first = phases.build(check())
    assert "/acme/wheels/cv2.so needs libGL.so.1" in first.err

    shutil.rmtree(wheels)
    for own in phases.layers.glob("facts*"):
        shutil.rmtree(own) if own.is_dir() else own.unlink()
    again = phases.build(check())
    assert again.err == first.err
    assert "Not looked at" not in again.out
    phases.env["BP_MISSING_LIBRARIES"] = "fail"
    assert phases.build(check()).code == 65

    # Another layer of that name is another: nothing is known of it.
    layer(phases, "wheels", "2")
    assert "Not looked at" in phases.build(check()).out


@pytest.mark.parametrize("stored", ["", "%", "AAAA", 'eA=="\nother = "'])
def test_a_store_that_says_nothing_is_passed_over(
    check: type[ElfCheck], phases: Phases, gl: Path, stored: str
) -> None:
    library(layer(phases, "more", "1") / "cv2.so", gl)
    layer(phases, "wheels", "1")
    (phases.layers / "store.toml").write_text(f'[metadata]\nfacts = "{stored}"\n')
    assert "only the previous image has them: 1 layer;" in phases.build(check()).out


def test_without_memory_nothing_is_said_of_what_is_not_here(
    check: type[ElfCheck], phases: Phases, gl: Path
) -> None:
    layer(phases, "apt", "1")
    library(layer(phases, "wheels", "1") / "cv2.so", gl)
    done = phases.build(check())
    assert done.err == ""
    assert "Not looked at, because only the previous image has them: 1 layer;" in done.out


NUMBA = """
def _select():
    try:
        from fast.np import tbbpool as lib
    except ImportError:
        return None
"""


@pytest.mark.parametrize(
    ("file", "sources", "told"),
    [
        # As numba has it: imported when it is called for, and its failure expected.
        ("fast/np/tbbpool.cpython-311-x86_64-linux-gnu.so", {"fast/np/p.py": NUMBA}, False),
        ("cv2/cv2.abi3.so", {"cv2/__init__.py": "from cv2 import cv2\n"}, True),
        (
            "mixed/_x.cpython-311-x86_64-linux-gnu.so",
            {"mixed/a.py": "try:\n    from . import _x\nexcept ImportError:\n    _x = None\n"},
            False,
        ),
        (
            "mixed/_x.cpython-311-x86_64-linux-gnu.so",
            {
                "mixed/a.py": "try:\n    from . import _x\nexcept ImportError:\n    _x = None\n",
                "mixed/b.py": "import mixed._x\n",
            },
            True,
        ),
        (
            "strict/_x.cpython-311-x86_64-linux-gnu.so",
            {"strict/a.py": "try:\n    from . import _x\nexcept KeyError:\n    pass\n"},
            True,
        ),
        # As nvidia-cufile has it: no code speaks of it, no library is linked with it.
        ("nvidia/cufile/lib/libcufile_rdma.so.1", {"nvidia/__init__.py": ""}, False),
        # As lightgbm has it: loaded by ctypes.
        ("lightgbm/lib/lib_lightgbm.so", {"lightgbm/libpath.py": "N = 'lib_lightgbm.so'\n"}, True),
        ("odd.so", {}, True),
    ],
)
def test_only_what_is_loaded_at_start_is_told(
    tmp_path: Path, gl: Path, file: str, sources: dict[str, str], told: bool
) -> None:
    site = tmp_path / "a/prefix/lib/python3.11/site-packages"
    library(site / file, gl)
    for name, text in sources.items():
        (site / name).parent.mkdir(parents=True, exist_ok=True)
        (site / name).write_text(text)
    facts = looked_at(tmp_path / "a")
    nowhere, _ = search(facts, BASE, [])
    at_start, never = optional_apart(nowhere, facts)
    assert [*at_start] == (["libGL.so.1"] if told else [])
    assert [*never] == ([] if told else ["libGL.so.1"])


def test_a_plug_in_s_own_libraries_are_as_optional_as_it_is(tmp_path: Path, gl: Path) -> None:
    plugin = library(tmp_path / "a/usr/lib/x/caca/libgl_plugin.so", gl)
    facts = looked_at(tmp_path / "a")
    nowhere, _ = search(facts, BASE, [])
    assert optional_apart(nowhere, facts)[0] == {}
    # A program that is linked with it needs it.
    library(tmp_path / "a/bin/viewer", plugin)
    (tmp_path / "a/bin/viewer").chmod(0o755)
    facts = looked_at(tmp_path / "a")
    nowhere, _ = search(facts, BASE, [])
    assert "libGL.so.1" in optional_apart(nowhere, facts)[0]


def test_missing_libraries_may_fail_the_build_or_not_matter(
    check: type[ElfCheck], phases: Phases, gl: Path
) -> None:
    library(layer(phases, "wheels", "1") / "cv2.so", gl)
    phases.env["BP_MISSING_LIBRARIES"] = "fail"
    failed = phases.build(check())
    assert failed.code == 65
    assert "add `libgl1` to Aptfile" in str(failed.fault)
    phases.env["BP_MISSING_LIBRARIES"] = "off"
    assert phases.build(check()).err == ""
    phases.env |= {"BP_MISSING_LIBRARIES": "fail", "BP_MISSING_LIBRARIES_IGNORE": "libGL.so.*"}
    assert phases.build(check()).code == 0


def told(phases: Phases) -> list[dict[str, str]]:
    """What later buildpacks hear of."""
    document = json.loads((phases.layers / "told/build.json").read_text())
    entries: list[dict[str, str]] = json.loads(Path(document["missing-libraries"]).read_text())
    return entries


def test_later_buildpacks_hear_what_cannot_be_loaded_and_why(
    check: type[ElfCheck], phases: Phases, gl: Path
) -> None:
    wheels = layer(phases, "wheels", "1")
    site = wheels / "prefix/lib/python3.11/site-packages"
    library(site / "cv2/cv2.abi3.so", gl)
    (site / "opencv_python-5.0.dist-info").mkdir()
    record = "cv2/cv2.abi3.so,,\n../../../bin/viewer,,\n"
    (site / "opencv_python-5.0.dist-info/RECORD").write_text(record)
    # What is linked with what cannot be loaded cannot be loaded either.
    inner = library(site / "view/libinner.so", gl)
    outer = library(site / "view/_view.cpython-311-x86_64-linux-gnu.so", inner)
    viewer = library(wheels / "prefix/bin/viewer", outer)
    viewer.chmod(0o755)
    phases.build(check())
    found = {each["path"].removeprefix(f"{wheels}/prefix/"): each for each in told(phases)}
    folder = "lib/python3.11/site-packages"
    assert {path: (each["module"], each["owner"]) for path, each in found.items()} == {
        f"{folder}/cv2/cv2.abi3.so": ("cv2", "opencv-python"),
        f"{folder}/view/libinner.so": ("view.libinner", ""),
        f"{folder}/view/_view.cpython-311-x86_64-linux-gnu.so": ("view._view", ""),
        "bin/viewer": ("", "opencv-python"),
    }
    assert {each["needs"] for each in found.values()} == {"libGL.so.1"}
    assert found["bin/viewer"]["remedy"] == "add `libgl1` to Aptfile, or use opencv-python-headless"
    # Heard again by a build that changes nothing; and no more once the library is there.
    phases.build(check())
    assert len(told(phases)) == 4
    shutil.copytree(gl.parent, layer(phases, "apt", "1") / "lib")
    phases.build(check())
    assert not (phases.layers / "told").exists()


def test_python_s_own_library_comes_from_the_build_image(
    check: type[ElfCheck], phases: Phases, tmp_path: Path
) -> None:
    triplet = "x86_64-linux-gnu" if ARCH == "amd64" else "aarch64-linux-gnu"
    own = library(tmp_path / "system/usr/lib" / triplet / "libpython3.11.so.1.0")
    library(layer(phases, "wheels", "1") / "prefix/bin/embeds.so", own)
    done = phases.build(check())
    assert done.err == ""
    assert "embeds.so embeds Python: libpython3.11.so.1.0 of the build image goes" in done.out
    copied = phases.layers / "libpython/lib/libpython3.11.so.1.0"
    assert copied.read_bytes() == own.read_bytes()
    # Not where the run image lacks what it needs itself.
    library(own, library(tmp_path / "z" / "libz.so.9"))
    shutil.rmtree(phases.layers)
    phases.layers.mkdir()
    done = phases.build(check())
    assert "needs libpython3.11.so.1.0: " in done.err
    assert not (phases.layers / "libpython").exists()


def test_what_a_package_loads_by_name_is_missed_unless_something_brings_it(tmp_path: Path) -> None:
    nothing = looked_at(tmp_path)
    missing = loaded_by_name(nothing, BASE, {"psycopg", "six"}, [], "12")
    assert [*missing] == ["libpq.so.5"]
    assert report(missing, "12").splitlines()[1] == (
        "psycopg needs libpq.so.5: add `libpq5` to Aptfile, or use psycopg[binary]"
    )
    assert loaded_by_name(nothing, BASE, {"psycopg", "psycopg-binary"}, [], "12") == {}
    assert loaded_by_name(nothing, BASE, {"psycopg"}, ["libpq.so.5"], "12") == {}
    assert loaded_by_name(nothing, [*BASE, "/usr/lib/libpq.so.5"], {"psycopg"}, [], "12") == {}
    layer = library(tmp_path / "debs" / "libpq.so.5").parent
    assert loaded_by_name(looked_at(layer), BASE, {"psycopg"}, [], "12") == {}


def test_debian_has_each_library_that_is_loaded_by_name() -> None:
    from cnbkit_elf import by_name

    rows = [names.split() for names, *_ in by_name._LOADS.values()]
    for place, release in enumerate(RELEASES):
        names = {each[min(place, len(each) - 1)] for each in rows}
        assert debian_packages(names, release).keys() == names


@pytest.mark.parametrize(
    ("release", "package"), [("12", "libmagickwand-6.q16-6"), ("13", "libmagickwand-7.q16-10")]
)
def test_a_library_is_that_of_the_image_s_release(
    tmp_path: Path, release: str, package: str
) -> None:
    missing = loaded_by_name(looked_at(tmp_path), BASE, {"wand"}, [], release)
    assert f"add `{package}` to Aptfile" in report(missing, release)
