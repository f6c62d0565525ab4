"""Image extensions in real builds: what their Dockerfiles do to the build and the run image."""

from __future__ import annotations

import re
import socket
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cnbkit_engine.state.discard import discarded

from .conftest import ROOT, Project

if TYPE_CHECKING:
    from collections.abc import Iterator

BUILDER = """
[[extensions]]
uri = "{extension}"

[[buildpacks]]
uri = "{seen}"

[[buildpacks]]
uri = "{root}/buildpacks/start"

[[order-extensions]]
[[order-extensions.group]]
id = "{id}"

[[order]]
[[order.group]]
id = "acme/seen"
[[order.group]]
id = "cnbkit/start"
"""
HEAD = "ARG base_image\nFROM ${base_image}\n"
TAIL = "ARG user_id\nARG group_id\nUSER ${user_id}:${group_id}\n"


def executable(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)


class Extended:
    """A project, and a builder with one extension and a buildpack that shows what it sees."""

    def __init__(self, project: Project, folder: Path) -> None:
        self.project = project
        self.folder = folder
        executable(folder / "seen/bin/detect", "#!/bin/sh\n")
        (folder / "seen/buildpack.toml").write_text(
            'api = "0.11"\n[buildpack]\nid = "acme/seen"\nversion = "1"\n'
        )
        self.look("true")
        self.builder = folder / "builder.toml"
        self.own = True
        self.kept: set[Path] = set()
        project.write({"Procfile": "web: cat /opt/acme/file\n"})

    def look(self, command: str) -> None:
        """What the buildpack does when it builds."""
        executable(self.folder / "seen/bin/build", f"#!/bin/sh\n{command}\n")

    def extension(self, *, build: str = "", run: str = "", context: str = "") -> None:
        """An extension that generates the files it has."""
        folder = self.folder / "extension"
        executable(folder / "bin/detect", "#!/bin/sh\n")
        executable(
            folder / "bin/generate",
            '#!/bin/sh\ncp -r "$CNB_EXTENSION_DIR/generate/." "$CNB_OUTPUT_DIR"\n',
        )
        (folder / "generate/context").mkdir(parents=True, exist_ok=True)
        (folder / "extension.toml").write_text(
            'api = "0.12"\n[extension]\nid = "acme/ext"\nversion = "1"\nname = "ext"\n'
        )
        (folder / "generate/context/given").write_text(context)
        for kind, text in (("build", build), ("run", run)):
            path = folder / f"generate/{kind}.Dockerfile"
            path.write_text(text) if text else path.unlink(missing_ok=True)
        self.write(folder, "acme/ext")

    def write(self, extension: Path, id: str) -> None:  # noqa: A002 - the specification's word
        """The builder.toml."""
        self.own = extension.is_relative_to(self.folder)
        self.builder.write_text(
            BUILDER.format(extension=extension, seen=self.folder / "seen", root=ROOT, id=id)
        )

    def build(self, *options: str, code: int = 0) -> str:
        """What the build printed."""
        log = self.project.build("--builder", str(self.builder), *options, code=code).output
        self.kept |= {Path(each) for each in re.findall(r" image is kept in (\S+)", log)}
        return log

    def run(self) -> list[str]:
        """Lines that the image's process printed."""
        lines = self.project.run().splitlines()
        return [line for line in lines if not line.startswith("Unpacking ")]


@pytest.fixture
def extended(project: Project, tmp_path: Path) -> Iterator[Extended]:
    made = Extended(project, tmp_path / "parts")
    yield made
    # A root file system each. Only what this test has made: the state folder is that of all tests,
    # and what the example makes is the same for each of them that uses it.
    for each in made.kept if made.own else ():
        with discarded(each):
            pass


def test_packages_of_the_system_are_in_both_images_at_their_places(extended: Extended) -> None:
    """The example; and the run image, which has no apt, has none afterwards."""
    extended.write(ROOT / "examples/buildpacks/os-packages", "examples/os-packages")
    extended.look("jq --version; dpkg --version >/dev/null && echo built with dpkg")
    extended.project.write(
        {
            "packages.txt": "jq\n",
            "Procfile": "web: sh -c 'command -v jq apt-get dpkg perl; id -u'\n",
        }
    )
    log = extended.build()
    assert "jq-1." in log
    assert "built with dpkg" in log
    assert extended.run() == ["/usr/bin/jq", "1000"]
    label = extended.project.image().labels["io.buildpacks.rebasable"]
    assert label == "false"
    again = extended.build()
    assert "apt-get" not in again.partition("===> BUILDING")[0]
    assert extended.run() == ["/usr/bin/jq", "1000"]


def test_instructions_change_files_and_config(extended: Extended) -> None:
    dockerfile = (
        f'{HEAD}USER root\nCOPY given /opt/acme/\nENV ACME=one OTHER="two words"\n'
        'LABEL acme.label="${ACME} more"\nWORKDIR /opt/acme\n'
        "RUN mv given file && chown 7:8 file && rm /etc/mime.types \\\n  && ln -s file link\n"
        f"{TAIL}"
    )
    extended.extension(run=dockerfile, context="from the context\n")
    extended.build()
    image = extended.project.image()
    assert image.labels["acme.label"] == "one more"
    assert (image.env["ACME"], image.env["OTHER"]) == ("one", "two words")
    assert image.user == "1000:1000"
    assert extended.run() == ["from the context"]
    extended.project.write(
        {"Procfile": "web: sh -c 'ls /etc/mime.types; readlink /opt/acme/link'\n"}
    )
    extended.build()
    gone, link = extended.run()
    assert "No such file" in gone
    assert link == "file"


def test_the_build_image_is_what_the_extension_made_of_it(extended: Extended) -> None:
    dockerfile = (
        f"{HEAD}USER root\nRUN mkdir /opt/made && echo made >/opt/made/file\n"
        f"ENV PATH=/opt/made:${{PATH}}\n{TAIL}"
    )
    extended.extension(build=dockerfile)
    extended.project.write({"Procfile": "web: sh -c 'echo run; ls /opt'\n"})
    extended.look('echo "seen: $(cat /opt/made/file) ${PATH%%:*} $(id -u)"')
    assert "seen: made /opt/made 1000" in extended.build()
    assert extended.run() == ["run"]  # the run image has nothing of it


def test_what_fails_is_told_with_its_line_and_changes_nothing(extended: Extended) -> None:
    extended.extension(run=f"{HEAD}USER root\nRUN echo why; exit 3\n{TAIL}")
    log = extended.build(code=70)
    assert "a command of an image extension failed with 3" in log
    assert "acme/ext: run.Dockerfile:4" in log
    assert "    why" in log
    extended.extension(run=f"{HEAD}USER root\nRUN true\n")
    assert "leave root as the user of the run image" in extended.build(code=70)


WALLS = r"""
id -u; cat /proc/self/uid_map
cat /proc/self/environ | tr '\0' '\n' | grep -c CNB_REGISTRY_AUTH
ls /root /home/cnb
echo x >/proc/sys/kernel/hostname || echo read-only
mount -t tmpfs none /mnt || echo no mounts
unshare -U true || echo no namespaces
"""


def test_commands_of_extensions_are_behind_the_walls_of_buildpacks(extended: Extended) -> None:
    """Root by name: not the host's, without its files, its loopback and its capabilities."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        script = f"{WALLS}(exec 3<>/dev/tcp/127.0.0.1/{port}) && echo reached || echo cut off\n"
        extended.extension(
            build=f"{HEAD}USER root\nCOPY given /walls\nRUN bash /walls 2>&1\n{TAIL}",
            context=script,
        )
        # Not with the proxy of tests, which is on this machine's loopback.
        log = extended.build("--network", "private")
    before, _, after = log.partition("RUN bash /walls")
    assert before
    lines = [line.strip() for line in after.splitlines()]
    assert lines[1] == "0"
    _, outside, count = map(int, lines[2].split())
    assert outside != 0
    assert count == 65536
    assert lines[3] == "0"
    for told in ("read-only", "no mounts", "no namespaces", "cut off"):
        assert told in lines
    assert "reached" not in lines
