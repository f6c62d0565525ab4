"""What a process has started is found, whatever it is called."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from .processes import below

if TYPE_CHECKING:
    from pathlib import Path

NAME = ") R 1 ("  # read from the left, it would be another state and parent
WAITS = '"$0" -c "read -r _; true"; true'


def test_those_of_those_are_found_by_any_name(tmp_path: Path) -> None:
    shell = tmp_path / NAME
    shell.symlink_to("/bin/sh")
    command = ["/bin/sh", "-c", '/bin/sh -c "$1" "$0"; true', str(shell), WAITS]
    with subprocess.Popen(command, stdin=subprocess.PIPE, text=True) as process:
        names: list[str] = []
        while NAME not in names:
            assert process.poll() is None
            found = below(process.pid)
            names = [each.name for each in found]
        assert names == ["sh", NAME]
        assert found[1].parent == found[0].pid
        assert below(found[1].pid) == []
