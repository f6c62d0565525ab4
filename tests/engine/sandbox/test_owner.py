"""Whom root's sandboxes run as."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

from tests.user_namespace import in_user_namespace

from cnbkit_engine.sandbox import owner
from cnbkit_engine.sandbox.owner import sandbox_user

if TYPE_CHECKING:
    from pathlib import Path

ASK = "from cnbkit_engine.sandbox.owner import sandbox_user\nprint(sandbox_user())"


def test_roots_sandboxes_run_as_nobody_that_exists() -> None:
    user = sandbox_user()
    assert (user is None) == (os.geteuid() != 0)
    if user:
        assert min(user.uid, user.gid) >= 1000


def test_roots_first_subordinate_id_is_taken(
    tmp_path: Path,
) -> None:
    file = tmp_path / "subuid"
    mapped = [owner._Range(range(1 << 32), 0)]
    file.write_text("somebody:100000:65536\nroot:0:10\nroot:300000:65536\n")
    assert owner._subordinate(str(file), mapped) == 300000
    assert owner._subordinate(str(file), [owner._Range(range(65536), 0)]) is None
    assert owner._subordinate(str(tmp_path / "missing"), mapped) is None


def test_in_a_container_the_user_is_one_of_its_own() -> None:
    assert owner._free([owner._Range(range(65536), 100000)]) == 65525
    assert owner._free([owner._Range(range(1 << 32), 0)]) == 0x70010000


def test_root_that_is_alone_in_its_namespace_is_refused_and_told_why() -> None:
    command = ["unshare", "--user", "--map-root-user", sys.executable, "-c", ASK]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if os.geteuid() == 0:
        assert "this user namespace has no other user" in done.stderr
    else:
        assert done.stdout == "None\n", "root by name alone"


def test_root_of_a_namespace_with_more_users_takes_one_of_them() -> None:
    command = in_user_namespace([sys.executable, "-c", ASK])
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == ("None\n" if os.geteuid() else f"{sandbox_user()}\n")
