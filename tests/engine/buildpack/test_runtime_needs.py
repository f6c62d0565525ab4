"""What a Python needs of a build image is what it does not bring, and glibc does not have."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

from cnbkit_engine.base.suites import DEFAULT
from cnbkit_engine.buildpack.runtime_needs import needs_of

if TYPE_CHECKING:
    from pathlib import Path

    from cnbkit_engine.state.home import Home


def test_debians_python_needs_libraries_that_debian_has_in_packages(home: Home, root: Path) -> None:
    name = f"python{DEFAULT.python}"
    python = home.tmp / "python"
    (python / "bin").mkdir(parents=True)
    shutil.copy(root / "usr/bin" / name, python / "bin")
    dynload = f"lib/{name}/lib-dynload"
    shutil.copytree(root / "usr" / dynload, python / dynload)

    found = needs_of(home, root, python)

    assert {"libexpat.so.1", "libz.so.1", "libssl.so.3", "libffi.so.8"} <= {*found}
    assert not [each for each in found if each.startswith(("libc.", "libm.", "ld-linux"))]


def test_a_library_beside_the_python_is_none_that_it_needs(
    tmp_path: Path, home: Home, root: Path
) -> None:
    python = home.tmp / "python"
    for folder in ("bin", "lib"):
        (python / folder).mkdir(parents=True)
    other = tmp_path / "libother.so.1"
    for library in (python / "lib/libown.so.1", other):
        soname = f"-Wl,-soname,{library.name}"
        compiled("-shared", soname, "-o", str(library), text="")
    own = ("-Wl,--no-as-needed", "-Wl,-rpath,$ORIGIN/../lib", f"-L{python}/lib", "-l:libown.so.1")
    program = str(python / "bin/python3.99")
    compiled("-o", program, *own, text="int main(void) { return 0; }")
    assert needs_of(home, root, python) == []

    compiled(
        "-o", program, *own, f"-L{tmp_path}", "-l:libother.so.1", text="int main() { return 0; }"
    )
    assert needs_of(home, root, python) == ["libother.so.1"]


def compiled(*arguments: str, text: str) -> None:
    """Compile C."""
    options = [each for each in arguments if each.startswith("-l:")]
    others = [each for each in arguments if not each.startswith("-l:")]
    subprocess.run(
        ["cc", *others, "-x", "c", "-", "-x", "none", *options],
        input=text,
        text=True,
        check=True,
    )
