"""Why a package cannot be compiled, and what it lacks: read from what compilers say."""

from __future__ import annotations

import re

from cnbkit_debian_index import release_of, supplied

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Lack", "debian_packages", "lacks"]

# What each tool says of something that is not there, by what kind of name it is. `%s` is looked
# for in Debian's index.
_SAYS: tuple[tuple[str, str], ...] = (
    (r"fatal error: '?(?P<name>[\w./+-]+\.h(?:pp|h)?)'?(?:: No such file| file not found)", "%s"),
    (r"(?:cannot find|unable to find library) (?P<name>-l[\w.+-]+)", "%s"),
    (r"library not found for (?P<name>-l[\w.+-]+)", "%s"),
    (r"Package '?(?P<name>[\w.+-]+)'?,? (?:required by|was not found)", "%s.pc"),
    (r"No package '(?P<name>[\w.+-]+)' found", "%s.pc"),
    (r"[Dd]ependency \"?(?P<name>[\w.+-]+)\"?[^\n]* not found", "%s.pc"),
    (r"(?P<name>pg_config|mysql_config|gdal-config|[\w+-]+-config)\b[^\n]{0,40} not found", "%s"),
    (r"(?P<name>pg_config) executable not found", "%s"),
    (r"sh: (?:\d+: |line \d+: )?(?P<name>[\w.+-]+): (?:command )?not found", "%s"),
    (r"No such file or directory: '(?P<name>[\w.+-]+)'", "%s"),
    (r"command '(?P<name>[\w.+-]+)' failed: No such file", "%s"),
    (r"unable to execute '(?P<name>[\w.+-]+)'", "%s"),
    (r"[Tt]he '(?P<name>[\w.+-]+)' command appears not to be installed", "%s"),
    (r"Unknown compiler\(s\): \[\['(?P<name>gfortran|cc|gcc|c\+\+|g\+\+|rustc|cython3?)'", "%s"),
)
# Said without a name that Debian would know.
_KINDS: tuple[tuple[str, str, str], ...] = (
    (r"can't find Rust compiler|Cargo, the Rust package manager", "a Rust compiler", "cargo"),
    (r"[Cc]ould not find CMake|CMake must be installed|Cannot find CMake", "CMake", "cmake"),
    (r"no Fortran compiler found|Fortran compiler not found", "a Fortran compiler", "gfortran"),
    (r"Can not find valid pkg-config name", "MySQL's headers", "mysql.h"),
    (r"Dependency \"OpenBLAS\" not found", "OpenBLAS", "openblas.pc"),
)
# A compiler by the name of the standard.
_ALSO = {"cc": "gcc", "c++": "g++", "rustc": "cargo"}
# Named otherwise by Debian, or of several packages none of which is more right by its name.
_CHOSEN = {
    "Python.h": "python3-dev",
    "cargo": "cargo",
    "apxs": "apache2-dev",
    "krb5-config": "libkrb5-dev",
    "mysql.h": "default-libmysqlclient-dev",
    "mysql_config": "default-libmysqlclient-dev",
    "mysqlclient.pc": "default-libmysqlclient-dev",
    "mariadb.pc": "default-libmysqlclient-dev",
    "gcc": "build-essential",
    "g++": "build-essential",
    "make": "build-essential",
    "blas.pc": "libopenblas-dev",
    "openblas.pc": "libopenblas-dev",
    "lapack.pc": "liblapack-dev",
    "curl-config": "libcurl4-openssl-dev",
    "hdf5.h": "libhdf5-dev",
    "systemd/": "libsystemd-dev",
    "X11/": "libx11-dev",
    "cblas.h": "libopenblas-dev",
    "GL/": "libgl-dev",
    "dbus/": "libdbus-1-dev",
    "mpi.h": "libopenmpi-dev",
    "-lblas": "libopenblas-dev",
    "-llapack": "liblapack-dev",
    "curl/": "libcurl4-openssl-dev",
    "boost/": "libboost-dev",
    "ninja": "ninja-build",
}


class Lack:
    """Something a compilation asked for.

    Attributes:
        name: as the compiler has it.
        packages: the Debian packages with it; none if Debian has none.
    """

    __slots__ = ("name", "packages")

    def __init__(self, name: str, packages: list[str]) -> None:
        self.name = name
        self.packages = packages


def lacks(output: str, release: str = "") -> list[Lack]:
    """Headers, libraries and programs that were not found, in the order they were missed.

    Args:
        output: all that the tool printed.
        release: of Debian, whose packages to name; the one that this runs on if empty.
    """
    asked: dict[str, str] = {}
    for pattern, form in _SAYS:
        for found in re.finditer(pattern, output):
            name = found["name"]
            asked.setdefault(name, form % _ALSO.get(name, name))
    for pattern, name, sought in _KINDS:
        if re.search(pattern, output):
            asked.setdefault(name, sought)
    places = [each for sought in asked.values() for each in _places(sought)]
    known = debian_packages(places, release or release_of()) if places else {}
    result = []
    for name, sought in asked.items():
        packages = [known[each] for each in _places(sought) if each in known][:1]
        # A word that no package is known for was perhaps no program.
        if packages or sought.endswith((".h", ".hpp", ".pc")) or sought.startswith("-l"):
            result.append(Lack(name, packages))
    return result


def debian_packages(names: Iterable[str], release: str) -> dict[str, str]:
    """The Debian package for each name of the index that the release knows."""
    import os

    wanted = {*names}
    path = os.path.join(os.path.dirname(__file__), "debian-dev.txt.xz")
    chosen = {name: _CHOSEN[name] for name in wanted if name in _CHOSEN}
    return supplied(path, wanted, release) | chosen


def _places(sought: str) -> list[str]:
    """A header's names in the index: itself if it is in no folder, else its folders."""
    *folders, file = sought.split("/")
    return [f"{each}/" for each in folders] or [file]
