"""An index for lines that are wrong: what it has of each package, and what it has not."""

from __future__ import annotations

import io
import tarfile
from typing import TYPE_CHECKING

from ..e2e.index import sdist

if TYPE_CHECKING:
    from ..e2e.accelerators import Site

__all__ = ["LINUX", "compiled_with", "publish"]

LINUX, WINDOWS = "manylinux_2_17_x86_64", "win_amd64"


def publish(site: Site) -> None:
    """All that the examples of the page need."""
    for version in ("3.0.3", "3.1.0"):
        site.publish("flask", version, needs=["werkzeug>=3.0.0"])
    site.publish("flask", "2.2.5", needs=["werkzeug>=2.2,<3"])
    for version in ("2.3.8", "3.0.6", "3.1.3"):
        site.publish("werkzeug", version)
    site.publish("requests", "2.32.3")
    site.publish("pandas", "2.2.3", needs=["numpy>=1.26"])
    for version in ("1.26.4", "2.2.0"):
        site.publish("numpy", version)
    for python in ("cp38", "cp39", "cp310"):
        tag = f"{python}-{python}-{LINUX}"
        site.publish("torchvision", "0.14.1", tag=tag)
        site.publish("numpy", "1.23.1", tag=tag)
    site.add_file("numpy", "numpy-1.23.1.tar.gz", compiled_with("numpy", "1.23.1", _OLD))
    site.publish("agent-parts", "1.0", tag=f"cp39-cp39-{LINUX}")
    site.publish("agent", "1.0", needs=["agent-parts==1.0"])
    site.publish("agent", "2.0")
    site.publish("torchvision", "0.19.0")
    site.publish("torch", "2.1.0")
    site.publish("torch", "2.1.0+cu118", index="cu118")
    # An old copy, as PyTorch's indexes have many; and a newer one.
    site.publish("requests", "2.28.1", index="cu118")
    site.publish("werkzeug", "99.0", index="cu118")
    site.publish("pywin32", "306", tag=f"cp311-cp311-{WINDOWS}")
    site.publish("modern", "1.0")
    site.publish("modern", "2.0", requires_python=">=3.99")
    site.publish("tensorflow-macos", "2.16.2", tag="cp311-cp311-macosx_12_0_arm64")
    site.publish("wrapper", "1.0", needs=["inner"])
    site.publish("inner", "1.0", needs=["psycopg2==1.0"])
    site.add_file("onlysource", "onlysource-1.0.tar.gz", compiled_with("onlysource", "1.0", "no"))
    for name, printed in _COMPILERS.items():
        site.add_file(name, f"{name}-1.0.tar.gz", compiled_with(name, "1.0", printed))


def compiled_with(name: str, version: str, printed: str) -> bytes:
    """A source distribution whose compilation prints this, and fails.

    A backend of its own, so that nothing has to be fetched to run it.
    """
    backend = (
        "import sys\n"
        f"TEXT = {printed!r}\n"
        "def build_wheel(*_, **__):\n"
        "    print('running build_ext\\n' * 60)\n"
        "    print(TEXT, file=sys.stderr)\n"
        "    print('compilation goes on\\n' * 60)\n"
        "    raise SystemExit(1)\n"
        "build_editable = prepare_metadata_for_build_wheel = build_wheel\n"
        "def get_requires_for_build_wheel(*_): return []\n"
    )
    project = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'

    def members(archive: tarfile.TarFile) -> None:
        for path, text in (("backend.py", backend), ("pyproject.toml", project)):
            member = tarfile.TarInfo(f"{name}-{version}/{path}")
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text.encode()))

    return sdist(name, version, members)


_OLD = (
    "AttributeError: module 'pkgutil' has no attribute 'ImpImporter'. Did you mean: 'zipimporter'?"
)
# What compilers print, by the package that is compiled.
_COMPILERS = {
    "psycopg2": (
        "Error: pg_config executable not found.\n\n"
        "pg_config is required to build psycopg2 from source.  Please add the directory\n"
        "containing pg_config to the $PATH"
    ),
    "pygraphviz": (
        "pygraphviz/graphviz_wrap.c:9: fatal error: graphviz/cgraph.h: No such file or directory\n"
        "compilation terminated."
    ),
    "pycairo": (
        '../meson.build:31:12: ERROR: Dependency "cairo" not found, tried pkgconfig and cmake'
    ),
    "mysqlclient": (
        "/bin/sh: 1: pkg-config: not found\n"
        "Exception: Can not find valid pkg-config name.\n"
        "Specify MYSQLCLIENT_CFLAGS and MYSQLCLIENT_LDFLAGS env vars manually"
    ),
    "tokenizers": "error: can't find Rust compiler",
    "dlib": "ERROR: CMake must be installed to build dlib",
    "linker": "/usr/bin/ld: cannot find -lpq: No such file or directory\ncollect2: error: ld",
    "fortranish": "../meson.build:12:0: ERROR: Unknown compiler(s): [['gfortran'], ['flang']]",
    "headers": "src/x.c:1:10: fatal error: Python.h: No such file or directory",
    "undeclared": "ModuleNotFoundError: No module named 'numpy'",
    "companylib": "src/x.c:1:10: fatal error: company.h: No such file or directory",
}
