"""Built images, started without Docker."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from cnbkit.errors import PlatformFault, UserFault
from cnbkit_engine.oci.export import export_layout
from cnbkit_engine.oci.store import ImageStore, UnknownImage
from cnbkit_engine.run.run import run_image

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cnbkit_engine.state.home import Home

    MakeTar = Callable[..., bytes]
    MakeImage = Callable[..., Any]

PASSWD = b"root:x:0:0:root:/root:/bin/sh\ncnb:x:1000:1001::/home/cnb:/bin/sh\n"


@pytest.fixture
def image(make_image: MakeImage, make_tar: MakeTar, program: Path) -> str:
    """An image like the lifecycle's, in two layers."""
    base = {
        "bin/probe": program,
        "etc/passwd": PASSWD,
        "etc/group": b"root:x:0:\nstaff:x:50:\n",
        "workspace/": "",
        "workspace/old": b"old",
    }
    top = {"cnb/process/web": "/bin/probe", "cnb/process/train": "/bin/probe"}
    top["workspace/.wh.old"] = ""
    processes = [{"type": kind, "command": ["probe"], "args": []} for kind in ("web", "train")]
    config = {
        "Entrypoint": ["/cnb/process/web"],
        "Cmd": ["id"],
        "Env": ["GREETING=hello", "PATH=/bin"],
        "User": "cnb",
        "WorkingDir": "/workspace",
        "Labels": {"io.buildpacks.build.metadata": json.dumps({"processes": processes})},
    }
    links = {name: target or b"" for name, target in top.items()}
    make_image("demo", [make_tar(base), make_tar(links)], config)
    return "demo"


def cnbkit(home: Home, *args: str, **more: Any) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", "from cnbkit_engine.cli import main; main()", *args],
        env={**os.environ, "CNBKIT_HOME": str(home.root)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **more,
    )


def result(home: Home, *args: str) -> tuple[int, str, str]:
    with cnbkit(home, *args) as process:
        out, err = process.communicate()
    return process.returncode, out, err


def test_the_default_process_runs_as_the_images_user(home: Home, image: str) -> None:
    assert result(home, "run", image) == (0, "1000:1001\n", "")


def test_a_named_process_gets_the_arguments_after_the_dashes(home: Home, image: str) -> None:
    code, out, _ = result(home, "run", image, "--process", "train", "--", "--epochs", "3")
    assert (code, out) == (0, "train --epochs 3\n")


def test_the_environment_is_the_images_and_what_is_added(home: Home, image: str) -> None:
    _, out, _ = result(home, "run", image, "-e", "A=b=c", "-e", "GREETING=hi", "--", "env")
    assert sorted(out.splitlines()) == [
        "A=b=c",
        "GREETING=hi",
        "HOME=/home/cnb",
        "PATH=/bin",
        "PWD=/workspace",
    ]


def test_the_exit_code_is_the_apps(home: Home, image: str) -> None:
    assert result(home, "run", image, "--", "exit", "37")[0] == 37


def test_layers_hide_what_a_later_one_removed(home: Home, image: str) -> None:
    assert result(home, "run", image, "--", "ls", "/workspace")[1] == ""


def test_what_the_app_writes_is_gone_afterwards(home: Home, image: str) -> None:
    assert result(home, "run", image, "--", "write", "/workspace/new", "x")[1] == "x"
    assert result(home, "run", image, "--", "ls", "/workspace")[1] == ""
    assert list(home.tmp.iterdir()) == []


@pytest.mark.parametrize(("network", "devices"), [("none", 1), ("private", 2)])
def test_a_network_of_its_own_has_none_of_the_machines_devices(
    home: Home, image: str, network: str, devices: int
) -> None:
    code, out, err = result(home, "run", "--network", network, image, "--", "cat", "/proc/net/dev")
    assert code == 0, err
    assert len(out.splitlines()[2:]) == devices, "loopback, and the way out"


def test_sigterm_reaches_the_app(home: Home, image: str) -> None:
    with cnbkit(home, "run", image, "--", "wait") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGTERM)
        assert process.communicate()[0] == "signal 15\n"
    assert process.returncode == 40 + signal.SIGTERM
    assert list(home.tmp.iterdir()) == []


def test_an_unknown_process_lists_those_there_are(home: Home, image: str) -> None:
    with pytest.raises(UserFault, match="serve") as caught:
        run_image(home, image, "serve")
    assert "web, train" in str(caught.value)
    code, _, err = result(home, "run", image, "--process", "serve")
    assert code == 65
    assert "web, train" in err


def test_an_exported_layout_runs_too(home: Home, image: str, tmp_path: Path) -> None:
    export_layout(ImageStore(home.images), image, tmp_path / "out")
    for name in (f"oci:{tmp_path / 'out'}", f"oci:{tmp_path / 'out'}:latest"):
        assert result(home, "run", name)[:2] == (0, "1000:1001\n")
    with pytest.raises(UserFault, match="layout"):
        run_image(home, f"oci:{tmp_path}")
    with pytest.raises(UnknownImage):
        run_image(home, f"oci:{tmp_path / 'out'}:v2")


@pytest.mark.parametrize(
    ("user", "expected"),
    [
        ("", "0:0"),
        ("root", "0:0"),
        ("1000", "1000:1001"),
        ("cnb:staff", "1000:50"),
        ("1234:5678", "1234:5678"),
    ],
)
def test_users_are_looked_up_in_the_image(
    home: Home, make_image: MakeImage, make_tar: MakeTar, program: Path, user: str, expected: str
) -> None:
    files = {"bin/probe": program, "etc/passwd": PASSWD, "etc/group": b"staff:x:50:\n"}
    make_image("demo", [make_tar(files)], {"User": user, "Cmd": ["/bin/probe", "id"]})
    assert result(home, "run", "demo") == (0, f"{expected}\n", "")


def test_a_user_the_image_lacks_is_named(
    home: Home, make_image: MakeImage, make_tar: MakeTar, program: Path
) -> None:
    make_image("demo", [make_tar({"probe": program})], {"User": "nobody", "Cmd": ["/probe"]})
    with pytest.raises(PlatformFault, match="nobody"):
        run_image(home, "demo")


def test_an_image_without_a_command_asks_for_one(
    home: Home, make_image: MakeImage, make_tar: MakeTar, program: Path
) -> None:
    make_image("demo", [make_tar({"probe": program})])
    with pytest.raises(UserFault, match="no default process"):
        run_image(home, "demo")
    assert result(home, "run", "demo", "--", "/probe", "id")[1] == "0:0\n"


def test_inspect_shows_layers_and_processes(home: Home, image: str) -> None:
    code, out, _ = result(home, "inspect", image)
    assert code == 0
    assert "web" in out
    assert "GREETING  hello" in out
    document = json.loads(result(home, "inspect", image, "--json")[1])
    assert [process["type"] for process in document["processes"]] == ["web", "train"]
    assert [process["default"] for process in document["processes"]] == [True, False]
    assert len(document["layers"]) == 2
    assert document["size"] == sum(layer["size"] for layer in document["layers"])


def test_an_unknown_image_ends_with_the_users_exit_code(home: Home) -> None:
    code, out, err = result(home, "inspect", "nope")
    assert (code, out) == (65, "")
    assert err.startswith("Error: there is no image 'nope'\n")


def test_wrong_usage_ends_with_two_and_says_why(home: Home) -> None:
    code, _, err = result(home, "run", "--bogus")
    assert code == 2
    assert "--bogus" in err


def test_only_the_wanted_subcommand_is_imported(home: Home, image: str) -> None:
    program = (
        "import sys\n"
        "from cnbkit_engine.cli.group import cnbkit\n"
        f"cnbkit.main(['inspect', {image!r}], standalone_mode=False)\n"
        "others = {'pydantic', 'rich', 'tarfile', 'http.server', 'cnbkit_engine.cli.run'}\n"
        "print(sorted(others & set(sys.modules)))\n"
    )
    found = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "CNBKIT_HOME": str(home.root)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout.splitlines()[-1] == "[]"
