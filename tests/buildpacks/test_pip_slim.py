"""`BP_PIP_SLIM`: what packages lose, what they keep because they use it, and what RECORD says."""

from __future__ import annotations

import base64
import csv
import hashlib
import shutil
import struct
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from cnbkit import BuildContext, Buildpack, BuildResult
from cnbkit_pip.layers.elf_symbols import same_when_loaded
from cnbkit_pip.layers.slim import slim

from ..e2e.index import wheel, wheel_name
from .test_pip_resolution import INPUT, Index, buildpack, index

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from cnbkit.testing import BuildpackRun

__all__ = ["buildpack", "index"]

NOBODYS = {
    "pkg/tests/__init__.py": "",
    "pkg/tests/test_pkg.py": "import pkg\n",
    "pkg/tests/data/large.txt": "data\n",
    "pkg/sub/test/test_sub.py": "from pkg import sub\n",
    "pkg/include/pkg.h": "int pkg();\n",
    "pkg/_speed.pyx": "cdef int a\n",
    "pkg/__init__.pyi": "A: int\n",
    "pkg/lib/libpkg.a": "!<arch>\n",
}
PACKAGE = {
    "pkg/__init__.py": "from pkg.testing import test\n",
    "pkg/sub/__init__.py": '"""What `tests` and test() are for."""\n',
    "pkg/testing.py": "def test(): ...\n",
    "pkg/py.typed": "",
    "pkg/data.json": "{}\n",
    **NOBODYS,
}


class Slims(Buildpack):
    """Does it to packages of a folder."""

    def __init__(self, folder: Path, names: list[str]) -> None:
        self.packages = folder
        self.names = names
        self.sizes = (0, 0)

    def build(self, ctx: BuildContext) -> BuildResult:
        self.sizes = slim(ctx, str(self.packages), self.names)
        return BuildResult()


@pytest.fixture
def site(tmp_path: Path) -> Path:
    folder = tmp_path / "site-packages"
    folder.mkdir()
    return folder


def add(site: Path, name: str, files: Mapping[str, str | bytes]) -> None:
    """Install a package."""
    info = f"{name.replace('-', '_')}-1.0.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n"
    rows = []
    for path, content in {**files, f"{info}/METADATA": metadata}.items():
        (site / path).parent.mkdir(parents=True, exist_ok=True)
        (site / path).write_bytes(content.encode() if isinstance(content, str) else content)
        rows.append(row(site, path))
    text = "\n".join([*rows, f"{info}/RECORD,,"])
    (site / info / "RECORD").write_text(f"{text}\n")


def row(site: Path, path: str) -> str:
    data = (site / path).read_bytes()
    digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
    return f"{path},sha256={digest},{len(data)}"


def files(site: Path) -> set[str]:
    return {path.relative_to(site).as_posix() for path in site.rglob("*") if path.is_file()}


def run(buildpack_run: BuildpackRun, site: Path, *names: str) -> tuple[int, int]:
    made = Slims(site, list(names))
    result = buildpack_run(made, app={"app.py": ""})
    assert result.code == 0, result.log
    return made.sizes


def check_record(site: Path) -> None:
    """RECORD lists all that is there, as it is."""
    listed = set()
    for path in site.glob("*.dist-info/RECORD"):
        for line in path.read_text().splitlines():
            name = next(csv.reader([line]))[0]
            listed.add(name)
            if not line.endswith(",,"):
                assert line == row(site, name)
    assert listed == files(site)


def test_what_nobody_runs_goes_with_its_folders_and_its_lines_in_record(
    buildpack_run: BuildpackRun, site: Path
) -> None:
    add(site, "pkg", PACKAGE)
    add(site, "other", {"other/__init__.py": "", "other/tests/test_other.py": ""})
    before = files(site)
    larger, smaller = run(buildpack_run, site, "pkg")
    assert before - files(site) == set(NOBODYS)
    # RECORD, which is a package's file too, is shorter as well.
    assert larger - smaller > sum(len(text) for text in NOBODYS.values())
    check_record(site)
    # No folder that is a namespace package now: `import pkg.tests` has to fail.
    assert not (site / "pkg/tests").exists()
    assert (site / "pkg/sub").is_dir()


@pytest.mark.parametrize(
    "code",
    [
        "from pkg import tests\n",
        "import pkg.tests.test_pkg\n",
        "from .tests import test_pkg\n",
        "def later():\n    from . import (\n        tests as checks,\n    )\n",
        'import importlib\nimportlib.import_module("pkg.tests.data")\n',
        'import importlib\nimportlib.import_module(".tests", __name__)\n',
    ],
)
def test_tests_that_the_package_imports_stay(
    buildpack_run: BuildpackRun, site: Path, code: str
) -> None:
    add(site, "pkg", {**PACKAGE, "pkg/__init__.py": code})
    run(buildpack_run, site, "pkg")
    kept = {path for path in NOBODYS if "/test" in path}
    assert len(kept) == 4
    assert kept <= files(site)
    assert "pkg/include/pkg.h" not in files(site)
    check_record(site)


@pytest.mark.parametrize("name", ["torch", "Triton", "nvidia-cuda-nvrtc-cu12", "cupy-cuda12x"])
def test_headers_of_what_compiles_when_it_runs_stay(
    buildpack_run: BuildpackRun, site: Path, name: str
) -> None:
    add(site, name, PACKAGE)
    run(buildpack_run, site, name.lower())
    assert {"pkg/include/pkg.h", "pkg/_speed.pyx", "pkg/lib/libpkg.a"} <= files(site)
    assert "pkg/tests/test_pkg.py" not in files(site)


def test_stubs_that_are_read_or_all_there_is_stay(buildpack_run: BuildpackRun, site: Path) -> None:
    lazy = "import lazy_loader\nlazy_loader.attach_stub(__name__, __file__)\n"
    add(site, "pkg", {**PACKAGE, "pkg/__init__.py": lazy})
    add(site, "types-six", {"six-stubs/__init__.pyi": "A: int\n"})
    run(buildpack_run, site, "pkg", "types-six")
    assert {"pkg/__init__.pyi", "six-stubs/__init__.pyi"} <= files(site)


def test_files_that_record_places_elsewhere_are_not_touched(
    buildpack_run: BuildpackRun, site: Path
) -> None:
    add(site, "pkg", PACKAGE)
    outside = site.parent / "tests" / "a.h"
    outside.parent.mkdir()
    outside.write_text("mine\n")
    record = site / "pkg-1.0.dist-info/RECORD"
    record.write_text(f"{record.read_text()}../tests/a.h,,\npkg/../../tests/a.h,,\n{outside},,\n")
    run(buildpack_run, site, "pkg")
    assert outside.read_text() == "mine\n"
    assert "../tests/a.h,," in record.read_text()


@pytest.mark.parametrize(
    "damage",
    [
        b"pkg/tests/test_pkg.py,sha256=\xff\xfe,3\n",
        b'"' + b"x" * 200_000 + b'",,\n',
        b"\0\n",
    ],
)
def test_a_package_whose_record_cannot_be_read_stays_as_it_is(
    buildpack_run: BuildpackRun, site: Path, damage: bytes
) -> None:
    add(site, "pkg", PACKAGE)
    record = site / "pkg-1.0.dist-info/RECORD"
    record.write_bytes(record.read_bytes() + damage)
    before = {path: (site / path).read_bytes() for path in files(site)}
    run(buildpack_run, site, "pkg")
    after = {path: (site / path).read_bytes() for path in files(site)}
    if damage == b"\0\n":  # which Python reads as a name
        assert set(before) - set(after) == set(NOBODYS)
        assert after["pkg-1.0.dist-info/RECORD"].endswith(b"\0\n")
    else:
        assert after == before


@pytest.mark.parametrize(
    "code",
    [
        b"tests = " + b"(" * 100_000,
        b"tests = " + b"-" * 200_000 + b"1\n",
        b"\xff tests\n",
        b"tests\0\n",
        b"from . import *  # tests\nfrom .................. import tests\n",
    ],
)
def test_modules_that_no_python_reads_stop_nothing(
    buildpack_run: BuildpackRun, site: Path, code: bytes
) -> None:
    add(site, "pkg", {**PACKAGE, "pkg/odd.py": code})
    run(buildpack_run, site, "pkg")
    assert "pkg/odd.py" in files(site)
    assert "pkg/include/pkg.h" not in files(site)
    check_record(site)


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """A shared library with symbols for debuggers."""
    source = tmp_path / "speed.c"
    source.write_text(
        "static int hidden(int a) { return a * 3; }\nint speed(int a) { return hidden(a) + 1; }\n"
    )
    made = tmp_path / "speed.so"
    subprocess.run(["gcc", "-g", "-O0", "-shared", "-fPIC", "-o", made, source], check=True)
    return made


def test_symbols_of_libraries_go_and_the_libraries_do_the_same(
    buildpack_run: BuildpackRun, site: Path, library: Path
) -> None:
    whole = library.read_bytes()
    add(site, "pkg", {**PACKAGE, "pkg/speed.cpython-313-x86_64-linux-gnu.so": whole})
    path = site / "pkg/speed.cpython-313-x86_64-linux-gnu.so"
    cached = site.parent / "cached"
    cached.hardlink_to(path)  # as the installer links from its cache
    path.chmod(0o755)
    run(buildpack_run, site, "pkg")
    assert path.stat().st_size < len(whole)
    assert b".debug_info" not in path.read_bytes()
    assert path.stat().st_mode & 0o777 == 0o755
    assert cached.read_bytes() == whole
    check_record(site)
    code = f"import ctypes; print(ctypes.CDLL({str(path)!r}).speed(5))"
    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "16\n"
    assert files(site) >= {"pkg/speed.cpython-313-x86_64-linux-gnu.so"}
    assert not [*site.rglob("*.stripped")]


def test_another_byte_or_place_of_what_is_loaded_is_not_the_same(library: Path) -> None:
    other = library.with_name("other.so")
    stripped = library.with_name("stripped.so")
    subprocess.run(["strip", "-o", stripped, library], check=True)
    assert same_when_loaded(str(library), str(stripped))

    data = bytearray(stripped.read_bytes())
    (at,) = struct.unpack_from("<Q", data, 32)
    size, count = struct.unpack_from("<HH", data, 54)
    loads = [
        at + number * size
        for number in range(count)
        if struct.unpack_from("<I", data, at + number * size)[0] == 1
    ]
    assert len(loads) >= 2
    for place, what in ((8, "offset"), (16, "address"), (32, "size"), (4, "flags")):
        changed = bytearray(data)
        changed[loads[-1] + place] ^= 8
        other.write_bytes(changed)
        assert not same_when_loaded(str(library), str(other)), what
    for load in loads:
        offset, length = (struct.unpack_from("<Q", data, load + each)[0] for each in (8, 32))
        changed = bytearray(data)
        changed[offset + length - 1] ^= 1
        other.write_bytes(changed)
        assert not same_when_loaded(str(library), str(other))
    other.write_bytes(data[:100])
    assert not same_when_loaded(str(library), str(other))


def test_a_library_that_strip_would_change_stays(
    buildpack_run: BuildpackRun, site: Path, library: Path, tmp_path: Path
) -> None:
    """As it has been with libraries whose paths were changed after they were linked."""
    whole = library.read_bytes()
    add(site, "pkg", {"pkg/__init__.py": "", "pkg/speed.so": whole})
    fake = tmp_path / "programs"
    fake.mkdir()
    real = shutil.which("strip")
    (fake / "strip").write_text(
        f'#!/bin/sh\n{real} "$@" || exit\n'
        'for last; do :; done\nwhile [ "$1" != -o ]; do shift; done\n'
        'printf "\\377" | dd of="$2" bs=1 seek=4100 conv=notrunc 2>/dev/null\n'
    )
    (fake / "strip").chmod(0o755)
    made = Slims(site, ["pkg"])
    result = buildpack_run(made, app={"app.py": ""}, env={"PATH": f"{fake}:/usr/bin:/bin"})
    assert result.code == 0, result.log
    assert (site / "pkg/speed.so").read_bytes() == whole
    check_record(site)


def test_a_build_does_it_only_when_asked_and_then_makes_the_layer_anew(
    buildpack_run: BuildpackRun, buildpack: Path, index: Index
) -> None:
    index.add("pkg", wheel_name("pkg", "1.0"), wheel("pkg", "1.0", extra=PACKAGE))
    asked = {**INPUT, "BP_PIP_INDEX_URL": index.url}
    result = buildpack_run(buildpack, app={"requirements.txt": "pkg==1.0\n"}, env=asked)
    assert result.code == 0, result.log

    def there() -> set[str]:
        found = set()
        for path in result.layers_dir.glob("*wheels*/prefix/lib/python*/site-packages/pkg/**/*"):
            if path.is_file() and "__pycache__" not in path.parts:
                found.add(f"pkg/{path.as_posix().rpartition('/site-packages/pkg/')[2]}")
        return found

    assert there() == set(PACKAGE)
    result = result.rebuild(env={**asked, "BP_PIP_SLIM": "true"})
    assert result.code == 0, result.log
    assert there() == set(PACKAGE) - set(NOBODYS)
    assert "BP_PIP_SLIM" in result.log
    result = result.rebuild(env={**asked, "BP_PIP_SLIM": "false"})
    assert there() == set(PACKAGE)
