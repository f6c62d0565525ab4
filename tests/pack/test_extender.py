"""An extension's Dockerfiles give the same images here as by the lifecycle's own extender.

pack runs that extender (kaniko) in containers of a Docker engine; the embedded engine runs the
same Dockerfiles in its sandbox. What both make is compared file by file.
"""

from __future__ import annotations

import hashlib
from contextlib import closing
from typing import TYPE_CHECKING, NamedTuple

import pytest

from cnbkit_engine.oci.store import ImageStore
from cnbkit_engine.oci.unpack import open_layer
from cnbkit_engine.state.home import Home
from cnbkit_engine.testing import LifecycleBuild
from cnbkit_engine.testing.pack import PackEngine

from .conftest import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from cnbkit_engine.oci.image import Image
    from cnbkit_engine.testing.pack_services import PackServices

HEAD = "ARG base_image\nFROM ${base_image}\nARG build_id=0\nUSER root\n"
TAIL = "ARG user_id\nARG group_id\nUSER ${user_id}:${group_id}\n"
RUN = f"""{HEAD}
ARG greeting="good day" empty other=two
ENV ACME_ONE=1 ACME_TWO="two words" ACME_PATH=/opt/acme:$PATH ACME_QUOTED='$ACME_ONE' \\
    ACME_ESCAPED="\\$ACME_ONE \\"quoted\\"" ACME_ARG=${{greeting}}-${{missing:-none}}
ENV ACME_OLD an older form of $ACME_ONE
LABEL acme.label="${{ACME_TWO}} more" acme.greeting=$greeting "acme.quoted name"='a b'
COPY given /opt/acme/given
COPY --chown=7:8 --chmod=0640 given folder/ /opt/acme/made/folder/
COPY folder /opt/acme/copied/folder
COPY *.txt given /opt/acme/many/
COPY given /opt
COPY given /srv/new/below
ADD ["a name with spaces", "/opt/acme/spaces/"]
WORKDIR /opt/acme
WORKDIR work/$other
WORKDIR ../..
RUN mv given moved && ln moved hard && ln -s moved soft && chown 7:8 moved && chmod 4750 moved
# A comment.
RUN mkdir -p deep/empty sticky && chmod 1777 sticky && touch 'a name' "ü" \\
# Within a command.
 && rm /etc/mime.types && rm -r /usr/share/zoneinfo/Europe && mkdir /usr/share/zoneinfo/Europe
RUN ["/bin/sh", "-c", "echo $ACME_TWO > words; id -u > uid; pwd > pwd; umask > umask"]
RUN echo "$greeting" "${{greeting}}" "$missing" '$greeting' > greeting; env > /dev/null
RUN env | grep -v -e build_id -e HOSTNAME -e PWD -e SHLVL -e _proxy -e _PROXY -e ^_= \\
 | sort > variables
SHELL ["/bin/bash", "-c"]
RUN echo "${{BASH_VERSION:+bash}}" > shell
{TAIL}"""
BUILD = f"""{HEAD}
RUN mkdir /opt/made && echo made > /opt/made/file && chown 1000 /opt/made/file
ENV ACME_BUILD=yes PATH=/opt/made:$PATH
{TAIL}"""
# Made or changed by the engine that runs a command, and by the phases afterwards.
_NOT_COMPARED = ("cnb", "layers", "workspace", "dev", "proc", "sys", "tmp", "run", "kaniko", "root")
_ALSO_NOT = ("etc/hosts", "etc/hostname", "etc/resolv.conf", "var/run")


class File(NamedTuple):
    """One file of an image, without its times."""

    kind: str
    mode: int
    owner: tuple[int, int]
    content: str


def executable(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)


@pytest.fixture
def builder(tmp_path: Path, build_image: str) -> Path:
    """A builder with the extension, and a buildpack that shows the build image."""
    extension, seen = tmp_path / "extension", tmp_path / "seen"
    executable(extension / "bin/detect", "#!/bin/sh\n")
    executable(
        extension / "bin/generate",
        '#!/bin/sh\ncp -r "$CNB_EXTENSION_DIR/generate/." "$CNB_OUTPUT_DIR"\n',
    )
    (extension / "extension.toml").write_text(
        'api = "0.10"\n[extension]\nid = "acme/ext"\nversion = "1"\nname = "ext"\n'
    )
    given = extension / "generate/context"
    (given / "folder").mkdir(parents=True)
    (given / "given").write_text("given\n")
    (given / "folder/a").write_text("a\n")
    (given / "folder/program").write_text("#!/bin/sh\n")
    (given / "folder/program").chmod(0o755)
    (given / "folder/empty").mkdir()
    (given / "folder/empty").chmod(0o750)
    for name in ("one.txt", "two.txt", "a name with spaces"):
        (given / name).write_text(name)
    (extension / "generate/run.Dockerfile").write_text(RUN)
    (extension / "generate/build.Dockerfile").write_text(BUILD)
    executable(seen / "bin/detect", "#!/bin/sh\n")
    executable(
        seen / "bin/build",
        '#!/bin/sh\necho "seen: $(stat -c %u:%a /opt/made/file) $(cat /opt/made/file)'
        ' $ACME_BUILD ${PATH%%:*} $(id -u)"\n',
    )
    (seen / "buildpack.toml").write_text(
        'api = "0.10"\n[buildpack]\nid = "acme/seen"\nversion = "1"\n'
    )
    made = tmp_path / "builder.toml"
    made.write_text(
        f'[build]\nimage = "{build_image}"\n'
        f'[[extensions]]\nuri = "{extension}"\n'
        f'[[buildpacks]]\nuri = "{seen}"\n[[buildpacks]]\nuri = "{ROOT / "buildpacks/start"}"\n'
        '[[order-extensions]]\n[[order-extensions.group]]\nid = "acme/ext"\nversion = "1"\n'
        '[[order]]\n[[order.group]]\nid = "acme/seen"\n[[order.group]]\nid = "cnbkit/start"\n'
    )
    return made


def files(store: ImageStore, image: Image) -> dict[str, File]:
    """All files of an image that are not an engine's own."""
    found: dict[str, File] = {}
    for layer in image.layers:
        with store.blob_path(layer.digest).open("rb") as blob, open_layer(blob) as archive:
            for member in archive:
                name = member.name.removeprefix("./").strip("/")
                folder, _, last = name.rpartition("/")
                if last.startswith(".wh."):
                    gone = f"{folder}/{last.removeprefix('.wh.')}".lstrip("/")
                    below = folder if last == ".wh..wh..opq" else gone
                    for each in [each for each in found if each.startswith(f"{below}/")]:
                        del found[each]
                    found.pop(gone, None)
                    continue
                content = member.linkname
                if member.isfile():
                    data = archive.extractfile(member)
                    assert data
                    content = hashlib.sha256(data.read()).hexdigest()
                elif member.islnk():
                    content = found[member.linkname.removeprefix("./").strip("/")].content
                kind = "folder" if member.isdir() else "link" if member.issym() else "file"
                mode = 0 if member.issym() else member.mode & 0o7777
                found[name] = File(kind, mode, (member.uid, member.gid), content)
    return {
        name: file
        for name, file in found.items()
        if name and name.partition("/")[0] not in _NOT_COMPARED and name not in _ALSO_NOT
    }


def test_extensions_make_of_both_images_what_the_lifecycles_extender_makes(
    pack_services: PackServices, lifecycle_build: LifecycleBuild, builder: Path, tmp_path: Path
) -> None:
    app = {"Procfile": "web: sh -c 'cat /opt/acme/variables; echo $ACME_TWO; id -u'\n"}
    engine = PackEngine(pack_services, ["--pull-policy", "always"], trusted=False)
    with closing(LifecycleBuild(engine, tmp_path / "pack")) as builds:
        # pack stands its extended run image on the engine's copy, and with --publish fetches none.
        pack_services.docker.docker("pull", pack_services.run_image)
        theirs = builds.build(app, builder=builder)
        ours = lifecycle_build.build(app, builder=builder)
        # Of the image's variables the lifecycle hands on PATH and the like.
        seen = "seen: 1000:644 made  /opt/made 1000"
        assert seen in theirs.log
        assert seen in ours.log
        assert set(ours.run("web").splitlines()) == set(theirs.run("web").splitlines())
        made = files(ImageStore(Home.default().images), ours.image)
        expected = files(pack_services.store, theirs.image)
        assert {"opt/acme/made/folder/a", "opt/acme/soft", "opt/acme/greeting"} <= set(expected)
        assert not different(expected, made)
        assert config(ours.image) == config(theirs.image)


def different(expected: dict[str, File], made: dict[str, File]) -> dict[str, tuple[object, object]]:
    """Files that are not alike, by name: theirs and ours."""
    return {
        name: (expected.get(name), made.get(name))
        for name in sorted({*expected, *made})
        if expected.get(name) != made.get(name)
    }


def config(image: Image) -> dict[str, object]:
    """What instructions say of how the image runs."""
    found = image.config["config"]
    own = {name: value for name, value in image.env.items() if not name.startswith("CNB_")}
    labels = {name: value for name, value in image.labels.items() if name.startswith("acme.")}
    said = {name: found.get(name) or "" for name in ("User", "Entrypoint")}
    return {"Env": own, "Labels": labels, **said}
