"""Installed packages without what nobody runs: their tests, headers, stubs and debug symbols.

Asked for by `BP_PIP_SLIM`, and only where a package's own code shows that it does without:

| left out | stays where |
|---|---|
| folders `tests` and `test` of an import package | a module outside of them imports one |
| headers, C sources, static libraries | the package compiles when it runs, or has no module |
| stubs (`.pyi`) | the package reads its own (`attach_stub`), or consists of nothing else |
| libraries' symbols for debuggers | the loader would map other bytes then (`elf_symbols`) |

What is left out goes from RECORD too, and of what was changed it has the new digest and size: pip,
`importlib.metadata` and whoever checks installed files see a package that is whole.
"""

from __future__ import annotations

import ast
import base64
import csv
import hashlib
import io
import os
import re
import warnings
from contextlib import suppress
from typing import TYPE_CHECKING

from cnbkit_pip.layers.elf_symbols import without_symbols
from cnbkit_pip.layers.metadata import read_metadata
from cnbkit_python_inputs.requirements import normalised

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from cnbkit import BuildContext

__all__ = ["COMPILES", "slim"]

COMPILES = frozenset(
    {
        *("cffi", "cppyy", "cppyy-backend", "cppyy-cling", "cython", "nanobind", "numba-cuda"),
        *("apache-tvm", "cupy", "deepspeed", "flashinfer-python", "pybind11", "pybind11-global"),
        *("pycuda", "pyopencl", "pythran", "setuptools", "taichi", "tilelang", "torch", "triton"),
        *("warp-lang", "xformers", "ziglang"),
    }
)
"""Packages that hand headers or sources of their own to a compiler when they run."""

# NVIDIA's, which others' kernels are compiled with, and everything named for one CUDA.
_COMPILES = re.compile(r"nvidia-.*|cupy-.*|jax.*-(pjrt|plugin)|.*-cu(da)?\d+x?")

_TESTS = ("test", "tests")
_HEADERS = (".h", ".hh", ".hpp", ".hxx", ".cuh", ".inl", ".pxd", ".pxi", ".pyx", ".a", ".lib")
_SOURCES = (".c", ".cc", ".cpp", ".cxx", ".f", ".f90")
# Modules without these words import nothing of tests; the others are parsed.
_WORDS = re.compile(rb"\btests?\b")
_READS_STUBS = re.compile(rb"attach_stub|\.pyi\b")
_LARGEST = 4 << 20  # bytes of a module that is read


def slim(ctx: BuildContext, site_packages: str, names: Iterable[str]) -> tuple[int, int]:
    """Leave out what nobody runs.

    Args:
        ctx: the build.
        site_packages: where the packages are.
        names: of those that may lose something; the others stay as they are.

    Returns:
        bytes of the packages before, and after.
    """
    wanted = set(names)
    before = after = 0
    libraries: list[str] = []
    packages = []
    for folder in sorted(os.listdir(site_packages) if os.path.isdir(site_packages) else ()):
        if not folder.endswith(".dist-info"):
            continue
        name = normalised(
            read_metadata(f"{site_packages}/{folder}")["Name"] or folder.partition("-")[0]
        )
        if name in wanted:
            packages.append(_Package(site_packages, folder, name))
    for package in packages:
        before += package.size()
        dropped = package.unneeded()
        for path in dropped:
            os.unlink(f"{site_packages}/{path}")
            package.forget(path)
        _without_empty_folders(site_packages, dropped)
        libraries += package.libraries()
    changed = set(without_symbols(ctx, [f"{site_packages}/{path}" for path in libraries]))
    for package in packages:
        package.write({path for path in package.files if f"{site_packages}/{path}" in changed})
        after += package.size()
    return before, after


class _Package:
    """One of the installed packages, by its RECORD.

    Args:
        site_packages: where it is installed.
        dist_info: its folder there.
        name: normalised.
    """

    def __init__(self, site_packages: str, dist_info: str, name: str) -> None:
        self._top = site_packages
        self._record = f"{site_packages}/{dist_info}/RECORD"
        self._name = name
        self._rows: dict[str, list[str]] = {}
        with (
            suppress(FileNotFoundError, csv.Error, UnicodeError),
            open(self._record, encoding="utf-8", newline="") as file,
        ):
            self._rows = {row[0]: row for row in csv.reader(file) if row}

    @property
    def files(self) -> list[str]:
        """Its files in site-packages; one that is named outside of that is not touched."""
        return [
            path
            for path in self._rows
            if not path.startswith(("/", "../")) and "/../" not in path and self._is_file(path)
        ]

    def size(self) -> int:
        return sum(os.lstat(f"{self._top}/{path}").st_size for path in self.files)

    def libraries(self) -> list[str]:
        return [path for path in self.files if ".so" in os.path.basename(path)]

    def unneeded(self) -> list[str]:
        """What it does without."""
        files = self.files
        modules = [path for path in files if path.endswith(".py")]
        if not modules:
            return []  # stubs, or libraries for others to link to
        found: list[str] = []
        for top in sorted({path.partition("/")[0] for path in modules if "/" in path}):
            found += self._unneeded(top, [path for path in files if path.startswith(f"{top}/")])
        return found

    def _unneeded(self, top: str, files: Sequence[str]) -> list[str]:
        """What one import package does without."""
        modules = [path for path in files if path.endswith(".py")]
        inside = [path for path in files if _is_test(path, top)]
        tested = set(inside)
        texts = {path: self._read(path) for path in modules if path not in tested}
        found = []
        if top not in _TESTS and texts and not _imports_tests(texts, tested):
            found += inside
        if not any(_READS_STUBS.search(text) for text in texts.values()):
            found += [path for path in files if path.endswith(".pyi") and path not in tested]
        if self._name not in COMPILES and not _COMPILES.fullmatch(self._name):
            ends = (*_HEADERS, *_SOURCES)
            found += [path for path in files if path.endswith(ends) and path not in tested]
        return found

    def forget(self, path: str) -> None:
        self._rows.pop(path)

    def write(self, changed: set[str]) -> None:
        """Write RECORD as it is now.

        Args:
            changed: files that have other bytes than it says.
        """
        if not self._rows:
            return
        for path in changed:
            with open(f"{self._top}/{path}", "rb") as file:
                digest = hashlib.file_digest(file, "sha256").digest()
                size = os.fstat(file.fileno()).st_size
            text = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
            self._rows[path] = [path, f"sha256={text}", str(size)]
        out = io.StringIO()
        csv.writer(out, lineterminator="\n").writerows(self._rows.values())
        # Beside it, for it may be one file with what the installer keeps for the next time.
        with open(f"{self._record}.new", "w", encoding="utf-8", newline="") as file:
            file.write(out.getvalue())
        os.replace(f"{self._record}.new", self._record)

    def _is_file(self, path: str) -> bool:
        full = f"{self._top}/{path}"
        return os.path.isfile(full) and not os.path.islink(full)

    def _read(self, path: str) -> bytes:
        with open(f"{self._top}/{path}", "rb") as file:
            return file.read(_LARGEST)


def _is_test(path: str, top: str) -> bool:
    steps = path.split("/")[1:-1]
    return any(step in _TESTS for step in steps) and path.startswith(f"{top}/")


def _imports_tests(texts: Mapping[str, bytes], tests: set[str]) -> bool:
    """Whether modules import from tests, or name one where a module can be named by a text.

    Args:
        texts: of modules, by their paths.
        tests: paths of the files of tests.
    """
    folders = {path.rpartition("/")[0].replace("/", ".") for path in tests}
    # Those above too, up to the first that is one of tests: `pkg.tests` of `pkg.tests.data`.
    for folder in list(folders):
        while (folder := folder.rpartition(".")[0]) and set(folder.split(".")[1:]) & {*_TESTS}:
            folders.add(folder)
    return any(
        name in folders or any(name.startswith(f"{folder}.") for folder in folders)
        for path, text in texts.items()
        if _WORDS.search(text)
        for name in _named(path, text)
    )


def _named(path: str, text: bytes) -> Iterator[str]:
    """Modules that a module imports, and texts that could be a module's name."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of escapes in old code
            tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return  # nobody can import it either
    package = path.split("/")[:-1]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*above, *([node.module] if node.module else [])])
            yield module
            yield from (f"{module}.{each.name}" for each in node.names)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            # `import_module(".tests", __name__)` as well as "pkg.tests.data".
            value = node.value
            if value.startswith("."):
                value = ".".join(package) + value
            if value.replace(".", "").isidentifier():
                yield value


def _without_empty_folders(top: str, removed: Iterable[str]) -> None:
    """Remove folders that nothing is left in: as namespaces they could still be imported."""
    for folder in sorted({os.path.dirname(path) for path in removed}, reverse=True):
        while folder:
            try:
                os.rmdir(f"{top}/{folder}")
            except OSError:
                break
            folder = os.path.dirname(folder)
