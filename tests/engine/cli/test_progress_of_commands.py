"""No command is silent while it works: each says on what, again and again."""

from __future__ import annotations

import importlib
import threading
from types import SimpleNamespace
from typing import TYPE_CHECKING

import click
import pytest

from cnbkit.errors import PlatformFault
from cnbkit_engine.cli import group
from cnbkit_engine.cli.progress import Progress
from cnbkit_engine.oci import awaited, open_image, unpacked
from cnbkit_engine.oci.unpacked import held_layers

if TYPE_CHECKING:
    from pathlib import Path

    from cnbkit_engine.oci.image import Image
    from cnbkit_engine.oci.store import ImageStore
    from cnbkit_engine.state.home import Home

COMMANDS = {
    "push": ("oci.remote:Remote.push", "push app 127.0.0.1:9/x", "sending app to 127.0.0.1:9/x"),
    "rebase": ("build.rebases:Rebases.run", "rebase a", "rebasing a"),
    "rebase several": ("build.rebases:Rebases.run", "rebase a b", "rebasing 2 images"),
    "doctor": ("build.doctor:Doctor.run", "doctor", "checking "),
    "prune": ("build.prune:prune", "prune", "looking for what is not used in "),
    "package": ("buildpack.package:Package.save", "package . --output x.cnb", "reading ."),
    "builder": (
        "builder.image:BuilderImage.save",
        "builder builder.toml --output oci:x",
        "reading builder.toml",
    ),
    "page": ("build.image_page:image_page", "inspect app --html x.html", "reading app"),
    "attestations": (
        "cli.attestation:attestations",
        "inspect app --attestations",
        "asking for what is attached to app",
    ),
    "report": ("adopt.tree:surveyed", "adopt --report .", "reading the Dockerfiles in ."),
    "prepare": ("build.build:prepare", "prepare", "working"),
    "build": ("build.build:Build.run", "build .", "working"),
    "plan": ("build.plan:Planning.run", "plan .", "working"),
}


@pytest.mark.parametrize("name", COMMANDS)
def test_what_takes_long_is_told_meanwhile(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work, line, step = COMMANDS[name]
    told = threading.Event()

    def echo(message: str = "", **_: object) -> None:
        if message.startswith("    ") and f" s: {step}" in message:
            told.set()

    def working(*_: object, **__: object) -> None:
        raise PlatformFault("told" if told.wait(30) else "silent", where="here", remedy="none")

    def opened(*_: object) -> tuple[object, object]:
        return SimpleNamespace(path=tmp_path, resolve=str), SimpleNamespace(name="app")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CNBKIT_HOME", str(tmp_path / "home"))
    (tmp_path / "builder.toml").write_text("")
    defaults = {**(Progress.__init__.__kwdefaults__ or {}), "every": 0.02}
    monkeypatch.setattr(Progress.__init__, "__kwdefaults__", defaults)
    monkeypatch.setattr(click, "echo", echo)
    monkeypatch.setattr(open_image, "open_image", opened)
    module, _, path = work.partition(":")
    owner: object = importlib.import_module(f"cnbkit_engine.{module}")
    *classes, attribute = path.split(".")
    for each in classes:
        owner = getattr(owner, each)
    monkeypatch.setattr(owner, attribute, working)
    ended = group.run(line.split())
    assert (ended, told.is_set()) == (PlatformFault("x").exit_code, True)


def test_the_first_start_of_an_image_says_how_much_is_unpacked(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = threading.Event()
    lines: list[str] = []

    def show(text: str) -> None:
        lines.append(text)
        told.set()

    def hold(*_: object) -> None:
        assert told.wait(30)

    monkeypatch.setattr(unpacked, "_hold", hold)
    monkeypatch.setattr(awaited.await_all, "__defaults__", (0.02,))
    image: Image = SimpleNamespace(layers=(1, 2))  # type: ignore[assignment]
    store: ImageStore = SimpleNamespace()  # type: ignore[assignment]
    with held_layers(home, store, image, None, show):
        assert lines[0] == "  0 of 2 layers are unpacked"
