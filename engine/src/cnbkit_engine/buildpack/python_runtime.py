"""Whose Python runs packaged buildpacks: the build image's, or one inside (`standalone`).

Bytecode goes along in both, because nothing writes it later: `bin/*` start Python with `-B`.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from cnbkit.errors import UserFault
from cnbkit_engine.base.images import machine_architecture
from cnbkit_engine.base.suites import DEFAULT
from cnbkit_engine.buildpack.bytecode import compile_bytecode
from cnbkit_engine.buildpack.runtime_needs import needs_of
from cnbkit_engine.buildpack.standalone import FOLDER, StandalonePython
from cnbkit_engine.oci.layer import folder_entries, write_layer
from cnbkit_engine.state.disk import disk_fault

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from cnbkit_engine.state.home import Home

__all__ = ["ANY_PYTHON", "SYSTEM_PYTHON", "compile_for", "find_standalone", "tell_start"]

SYSTEM_PYTHON = DEFAULT.python
"""The Python packages that bring none are for: the default build root's."""

ANY_PYTHON = ("3.11", "3.12", "3.13", "3.14")
"""Those that a package for any build image's Python is for."""

_HERE = ".python"
_TIMES = """
import subprocess, sys, time
for program in sys.argv[1:]:
    for _ in range(9):
        start = time.perf_counter()
        subprocess.run([program, "-I", "-S", "-B", "-c", "pass"], check=True)
        print(program, time.perf_counter() - start)
"""


def find_standalone(
    home: Home,
    addresses: Sequence[str],
    space: Path,
    root: Callable[[], Path],
    show: Callable[[str], None],
) -> dict[str, StandalonePython]:
    """Relocatable Pythons, trimmed and with their bytecode, by architecture.

    Args:
        home: for the sandbox.
        addresses: `ADDRESS#sha256=…` each, a URL or a path; BP_DEPENDENCY_MIRROR is heeded.
        space: where to put them.
        root: gives the build root.
        show: told what each weighs.

    Raises:
        UserFault: an archive is not Python, or there are two for one architecture.
        PlatformFault: an archive cannot be fetched, or the disk refuses.
    """
    found: dict[str, StandalonePython] = {}
    for number, address in enumerate(addresses):
        archive = _archive(address, space)
        try:
            python = StandalonePython(archive, space / f"python-{number}")
        except OSError as error:
            raise disk_fault(error, f"cannot unpack the Python {address}", space) from None
        if python.arch in found:
            raise UserFault(
                f"two archives are for linux/{python.arch}",
                where=address,
                remedy="give one for each target",
            )
        _compile_library(home, root(), python)
        found[python.arch] = python
        show(f"Python {python.version} for linux/{python.arch}: {_weight(python)}")
    return found


def compile_for(
    home: Home,
    root: Callable[[], Path],
    folder: Path,
    places: list[str],
    standalone: Mapping[str, StandalonePython],
    version: str,
    system: str = SYSTEM_PYTHON,
) -> None:
    """Compile with a Python of that version which runs here: bytecode has no architecture.

    Args:
        home: for the sandbox.
        root: gives the build root.
        folder: what will be `/cnb/buildpacks`.
        places: the buildpacks below it.
        standalone: relocatable Pythons at hand.
        version: major and minor.
        system: those of the build root's own.

    Raises:
        UserFault: no such Python runs here.
        BuildpackFault: a module is not what it can compile.
    """
    here = standalone.get(machine_architecture())
    python = "/usr/bin/python3"
    if here and here.version == version:
        # From a place that is not packaged: the package may be for another architecture.
        here.copy(folder / _HERE)
        python = f"/cnb/buildpacks/{_HERE}/{FOLDER}/bin/python3"
    elif version != system:
        raise UserFault(
            f"nothing here runs Python {version}, to compile bytecode with",
            where="--runtime",
            remedy=f"give also an archive of Python {version} for {machine_architecture()}",
        )
    try:
        compile_bytecode(home, root(), folder, places, python)
    finally:
        shutil.rmtree(folder / _HERE, ignore_errors=True)


def tell_start(
    home: Home,
    root: Path,
    folder: Path,
    place: str,
    python: StandalonePython,
    show: Callable[[str], None],
) -> None:
    """Try the Python inside a buildpack, and say how long it takes to start.

    Args:
        home: for the sandbox.
        root: the build root.
        folder: what will be `/cnb/buildpacks`.
        place: the buildpack that has it.
        python: what was put in; of another architecture it cannot be tried here.
        show: told the result.

    Raises:
        UserFault: it does not start.
    """
    from cnbkit_engine.sandbox.sandbox import Bind, Sandbox

    if python.arch != machine_architecture():
        return
    sandbox = Sandbox(
        home.tmp,
        root=root,
        binds=(Bind(folder, "/cnb/buildpacks", given=True),),
        env={"PATH": "/usr/bin:/bin"},
        network=False,
    )
    programs = ["/usr/bin/python3", f"/cnb/buildpacks/{place}/{FOLDER}/bin/python3"]
    with sandbox.popen(
        ["/usr/bin/python3", "-I", "-S", "-c", _TIMES, *programs],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as run:
        output, errors = run.process.communicate()
        code = run.wait()
    if code:
        raise UserFault(
            f"the Python {python.version} of the archive does not start on the build image",
            where="--runtime",
            remedy="name an install_only archive for glibc (…-linux-gnu)",
            detail="\n".join(errors.decode(errors="replace").splitlines()[-5:]),
        )
    times: dict[str, list[float]] = {program: [] for program in programs}
    for line in output.decode().splitlines():
        program, _, seconds = line.rpartition(" ")
        times[program].append(float(seconds) * 1000)
    system, inside = (statistics.median(times[program]) for program in programs)
    show(
        f"Python {python.version} inside starts in {inside:.0f} ms, "
        f"the build image's own in {system:.0f} ms"
    )
    needed = needs_of(home, root, python.folder)
    told = f"needs {', '.join(needed)}" if needed else "needs nothing"
    show(f"Python {python.version} inside {told} of a build image besides glibc and a shell")


def _archive(address: str, space: Path) -> Path:
    from cnbkit.bindings.bindings import Bindings
    from cnbkit.dependency import Dependency
    from cnbkit.download import Downloads
    from cnbkit.log import Log
    from cnbkit.settings import Settings

    url, _, checksum = address.partition("#sha256=")
    if not checksum:
        raise UserFault(
            "an archive needs its checksum",
            where=address,
            remedy="write ADDRESS#sha256=… with the checksum its authors published",
        )
    if "://" not in url:
        url = f"file://{Path(url).absolute()}"
    settings = Settings(os.environ, "")
    folder = str(space / "downloads")
    downloads = Downloads(folder, folder, settings, Bindings(settings, ""), Log())
    return Path(downloads.fetch(Dependency(url, checksum)))


def _compile_library(home: Home, root: Path, python: StandalonePython) -> None:
    if python.arch == machine_architecture():
        program = f"/cnb/buildpacks/{python.folder.name}/bin/python3"
    elif python.version == SYSTEM_PYTHON:
        program = "/usr/bin/python3"
    else:
        return  # without bytecode of its library it starts slower, and only that
    place = f"{python.folder.name}/lib/python{python.version}"
    compile_bytecode(home, root, python.folder.parent, [place], program)


def _weight(python: StandalonePython) -> str:
    packed = _Count()
    write_layer(folder_entries(python.folder, f"/{FOLDER}"), packed)  # type: ignore[arg-type]
    plain = sum(path.stat().st_size for path in python.folder.rglob("*") if path.is_file())
    return f"{packed.size / 1e6:.1f} MB compressed, {plain / 1e6:.1f} MB on disk"


class _Count:
    """A file to write to that only counts."""

    def __init__(self) -> None:
        self.size = 0

    def write(self, data: bytes) -> int:
        self.size += len(data)
        return len(data)

    def flush(self) -> None:
        """Nothing is held back."""
