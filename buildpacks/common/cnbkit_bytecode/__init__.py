"""Bytecode for installed packages, valid whatever the times of their files.

Files in an image have one fixed time: bytecode that is checked against times would count as stale
at every start. The same sources give the same bytes.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cnbkit import BuildContext

__all__ = ["compile_bytecode", "compile_sources"]

# Packages' own tests: nothing imports them, and they are two thirds of what numpy, pandas and
# their kin would have compiled.
_TESTS = ("test", "tests")

# Not `python -m compileall -j 0`: that starts its processes by a socket in TMPDIR (Python 3.13 and
# 3.14), whose path may be too long for one, and its exit status 1 says both that this failed, and
# that some file would not compile. Packages do ship such files, for other versions of Python: they
# are passed over, and nothing else is.
_SCRIPT = """
import errno, importlib.util, os, sys
from py_compile import PycInvalidationMode, PyCompileError, compile

def make(path):
    made = importlib.util.cache_from_source(path)
    if os.path.islink(made):
        os.unlink(made)
    try:
        compile(path, doraise=True, invalidation_mode=PycInvalidationMode.UNCHECKED_HASH)
    except PyCompileError:
        pass
    except OSError as error:
        if error.errno is None:  # a part of it was written, which happens on a full disk alone
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), made) from None
        if error.errno != errno.ENAMETOOLONG:  # so Python does without it, too
            raise

with open(sys.argv[1], encoding="utf-8", errors="surrogateescape") as file:
    paths = [path for path in file.read().split("\\0") if os.path.isfile(path)]
count = len(os.sched_getaffinity(0))
children = []
for number in range(count):
    child = os.fork()
    if not child:
        for path in paths[number::count]:
            make(path)
        break
    children.append(child)
else:
    sys.exit(any([os.waitpid(child, 0)[1] for child in children]))
"""


def compile_bytecode(ctx: BuildContext, python: str, *folders: str) -> None:
    """Compile everything but tests.

    Args:
        ctx: the build.
        python: path of the interpreter.
        folders: with packages.

    Raises:
        CommandFailed: the interpreter does not work.
    """
    compile_sources(ctx, python, [path for each in folders for path in _sources(each)])


def compile_sources(ctx: BuildContext, python: str, sources: Iterable[str]) -> None:
    """Compile modules, on all cores.

    Args:
        ctx: the build.
        python: path of the interpreter.
        sources: paths of the modules.

    Raises:
        CommandFailed: the interpreter does not work, or bytecode cannot be written.
    """
    import tempfile

    # Several layers may be at it.
    with tempfile.NamedTemporaryFile(
        "w", dir=ctx.scratch, encoding="utf-8", errors="surrogateescape"
    ) as file:
        file.write("\0".join(sources))
        file.flush()
        ctx.run(python, "-I", "-c", _SCRIPT, file.name, quiet=True)


def _sources(top: str) -> Iterator[str]:
    for folder, folders, files in os.walk(top):
        folders[:] = sorted(name for name in folders if name not in _TESTS)
        yield from (f"{folder}/{name}" for name in sorted(files) if name.endswith(".py"))
