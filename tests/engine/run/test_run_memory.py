"""`cnbkit run --memory`: what an image's processes have, together or each."""

from __future__ import annotations

import subprocess
import sys
from os import environ
from typing import TYPE_CHECKING, Any

import pytest

from cnbkit_engine.run.memory import Cgroup, own_cgroup

from .test_run import PASSWD, result

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cnbkit_engine.state.home import Home

    MakeTar = Callable[..., bytes]
    MakeImage = Callable[..., Any]

EACH = "The limit is for each process by itself"
WITHOUT_CGROUPS = (
    "import cnbkit_engine.run.memory as memory\n"
    "memory.own_cgroup = lambda: None\n"
    "from cnbkit_engine.cli import main; main()"
)


@pytest.fixture
def image(make_image: MakeImage, make_tar: MakeTar, program: Path) -> str:
    files = {"bin/probe": program, "etc/passwd": PASSWD}
    config = {"Entrypoint": ["/bin/probe"], "User": "1000:1001", "WorkingDir": "/"}
    make_image("demo", [make_tar(files)], config)
    return "demo"


def test_a_process_that_needs_more_is_ended_and_one_that_does_not_is_not(
    home: Home, image: str
) -> None:
    before = own_cgroup()
    assert result(home, "run", image, "--memory", "400m", "--", "fill", "100", "1")[0] == 0
    code, _, error = result(home, "run", image, "--memory", "100m", "--", "fill", "200", "1")
    assert code in (9, 137), error
    assert (EACH in error) == (code == 9)
    assert ("needed more than the 105 MB of --memory" in error) == (code == 137)
    if code == 137:  # three that fit one by one, and not together
        many = ("--", "fill", "60", "3")
        assert result(home, "run", image, "--memory", "100m", *many)[0] == 137
        assert result(home, "run", image, "--memory", "400m", *many)[0] == 0
        # However little there is, it is the image's process that is ended, and not the command.
        code, _, error = result(home, "run", image, "--memory", "16m", "--", "fill", "60", "1")
        assert code == 137
        assert "needed more than the 17 MB" in error
        assert before
        assert not list(before.folder.glob("cnbkit-*"))


def test_where_there_are_no_cgroups_each_process_is_limited_and_that_is_said(
    home: Home, image: str
) -> None:
    def run(size: str, count: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [
                *(sys.executable, "-c", WITHOUT_CGROUPS, "run", image, "--memory", "200m"),
                *("--", "fill", size, count),
            ],
            env={**environ, "CNBKIT_HOME": str(home.root)},
            capture_output=True,
            text=True,
            check=False,
        )

    fits = run("100", "3")
    assert fits.returncode == 0
    assert EACH in fits.stderr
    more = run("300", "1")
    assert more.returncode == 9
    assert "Cannot allocate memory" in more.stderr


@pytest.mark.parametrize("size", ["much", "12", "1m", "-1", "5t", "1.5g", "m", "٣g"])
def test_what_is_no_size_is_refused(home: Home, image: str, size: str) -> None:
    code, _, error = result(home, "run", image, f"--memory={size}", "--", "id")
    assert code == 2
    assert "is not a size of at least 16m" in error


V1 = "35 25 0:30 /a {place} rw shared:1 - cgroup cgroup rw,memory\n"
V2 = "35 25 0:30 / {place} rw shared:1 - cgroup2 cgroup2 rw\n"


@pytest.mark.parametrize(
    ("told", "mounts", "expected"),
    [
        ("4:memory:/a/b\n0::/\n", "1 1 0:1 / /other rw - tmpfs tmpfs rw\n" + V1, ("b", False)),
        ("0::/user/x.scope\n", V2, ("user/x.scope", True)),
        ("4:memory:/elsewhere\n", V1, (".", False)),
        ("0::/\n", "1 1 0:1 / /other rw - tmpfs tmpfs rw\n", None),
    ],
)
def test_the_own_cgroup_is_found(
    tmp_path: Path, told: str, mounts: str, expected: tuple[str, bool] | None
) -> None:
    place = tmp_path / "mounted"
    (place / "user" / "x.scope").mkdir(parents=True)
    (place / "user" / "x.scope" / "memory.current").write_text("1")
    (tmp_path / "cgroup").write_text(told)
    (tmp_path / "mountinfo").write_text(mounts.format(place=place))
    found = own_cgroup(str(tmp_path), str(tmp_path / "mountinfo"))
    assert found == (Cgroup(place / expected[0], unified=expected[1]) if expected else None)


def test_a_limit_is_written_as_each_kind_wants_it_and_swap_is_none_in_addition(
    tmp_path: Path,
) -> None:
    Cgroup(tmp_path, unified=True).limit(1 << 20)
    Cgroup(tmp_path, unified=False).limit(1 << 20)
    written = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert written == {
        "memory.max": "1048576",
        "memory.swap.max": "0",
        "memory.limit_in_bytes": "1048576",
        "memory.memsw.limit_in_bytes": "1048576",
    }
