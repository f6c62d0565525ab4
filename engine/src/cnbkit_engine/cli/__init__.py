"""Where the `cnbkit` command starts.

Nothing is imported before it is settled what a signal does: Ctrl-C while Python still reads
modules would end in a traceback.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType
    from typing import NoReturn

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit.

    Exit codes: 0; a `CnbkitError`'s own (errors.py); 2 for wrong usage; 130 after Ctrl-C; 143
    after SIGTERM; what the app says for `cnbkit run`.

    Args:
        argv: arguments without the program's name; None for this process's.
    """
    import signal
    import sys

    # There is nothing to tidy up yet.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    _have_standard_streams()
    from cnbkit_engine.cli.group import run

    # As exceptions, so that every `with` block on the way out tidies up.
    signal.signal(signal.SIGTERM, _terminate)
    try:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        code = run(argv)
    except KeyboardInterrupt:
        code = 128 + signal.SIGINT
    sys.exit(code)


def _have_standard_streams() -> None:
    """Open what the caller has closed (`>&-`): a file opened later would become the output."""
    import os

    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number, which is this one


def _terminate(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - signal's signature
    import sys

    sys.exit(128 + number)
