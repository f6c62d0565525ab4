"""What mmdebstrap leaves of its own."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from tests.user_namespace import in_user_namespace

if TYPE_CHECKING:
    from pathlib import Path

_RUN = """
import sys
from pathlib import Path
from cnbkit.errors import PlatformFault
from cnbkit_engine.base.mmdebstrap import installed
from cnbkit_engine.base.recipe import BaseRecipe
place = Path(sys.argv[1])
try:
    with installed(BaseRecipe("run", "amd64"), place) as archive:
        archive.read()
except PlatformFault:
    pass
assert (place / "mounted").read_text() == "yes", "the stand-in ran and could mount"
mounts = Path("/proc/self/mountinfo").read_text().splitlines()
left = [line for line in mounts if str(place) in line]
assert left == [], left
assert [*place.glob(".ws-*")] == []
"""


def test_it_mounts_where_nobody_else_sees_it_and_leaves_no_mount_when_it_is_killed(
    tmp_path: Path,
) -> None:
    """It mounts /proc, /sys and devices below its folder; a stand-in does, and is killed."""
    programs = tmp_path / "programs"
    programs.mkdir()
    place = tmp_path / "place"
    place.mkdir()
    stand_in = programs / "mmdebstrap"
    stand_in.write_text(
        '#!/bin/sh\nset -e\nmkdir "$TMPDIR/proc"\nmount -t tmpfs none "$TMPDIR/proc"\n'
        f"printf yes >{place}/mounted\nkill -9 $$\n"
    )
    stand_in.chmod(0o755)
    done = subprocess.run(
        in_user_namespace([sys.executable, "-c", _RUN, str(place)]),
        env={"PATH": f"{programs}:/usr/sbin:/usr/bin:/sbin:/bin"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
