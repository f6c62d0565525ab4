"""Bytecode for installed packages."""

from __future__ import annotations

from cnbkit import BuildContext
from cnbkit_python_inputs.interpreter import Interpreter

__all__ = ["compile_bytecode"]

# Packages' own tests: nothing imports them, and they are two thirds of what numpy, pandas and
# their kin would have compiled.
_SKIPPED = r"/tests?/"


def compile_bytecode(ctx: BuildContext, python: Interpreter, *folders: str) -> None:
    """Compile everything but tests, in parallel.

    Unchecked: files in an image have one fixed time, so bytecode checked against times would
    count as stale at every start. The same sources give the same bytes.

    Raises:
        CommandFailed: the interpreter does not work. Files with faulty syntax are passed over:
            packages do ship such, for other versions of Python.
    """
    options = ("-q", "-q", "-f", "-j", "0", "--invalidation-mode", "unchecked-hash")
    # Exit status 1 only says that some file would not compile.
    script = 'python=$1; shift; "$python" -I -m compileall "$@" || [ $? -eq 1 ]'
    ctx.run(
        *("sh", "-c", script, "compile", python.path, *options, "-x", _SKIPPED, *folders),
        quiet=True,
    )
