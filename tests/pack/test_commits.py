"""The templates that run pack: each commit has a tag of its own, and uses the last one's layers."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import pytest
from ruamel.yaml import YAML

from cnbkit_engine.ci.files import rendered
from cnbkit_engine.sandbox.certificates import BUNDLE, host_bundle
from cnbkit_engine.testing.pack import PackEngine

if TYPE_CHECKING:
    from pathlib import Path

    from cnbkit_engine.testing.pack_services import PackServices

FILES = {
    "github": (".github/workflows/pack.yml", "$GITHUB_SHA"),
    "circleci": (".circleci/config.yml", "$CIRCLE_SHA1"),
}


def _command(kind: str, registry: str, builder: str, commit: str) -> list[str]:
    """The template's `pack build`, for one commit."""
    file, variable = FILES[kind]
    text = rendered(kind, registry=f"{registry}/{kind}", builder=builder)[file]
    found: list[str] = []

    def walk(node: object) -> None:
        if isinstance(node, dict):
            found.extend(
                value for value in node.values() if isinstance(value, str) and "pack build" in value
            )
            for value in node.values():
                walk(value)
        elif isinstance(node, list):
            for value in node:
                walk(value)

    walk(YAML(typ="safe").load(text))
    [script] = found
    return shlex.split(script.replace(variable, commit).replace("\\\n", " "))[1:]


@pytest.mark.parametrize("kind", FILES)
def test_a_commit_uses_the_layers_of_the_one_before(
    kind: str, pack_services: PackServices, builder: Path, tmp_path: Path
) -> None:
    app = tmp_path / "app"
    app.mkdir()
    (app / "requirements.txt").write_text("six==1.17.0\n")
    engine = PackEngine(pack_services)
    image = pack_services.builder(builder)
    here = ["--path", str(app), "--network", "host", "--pull-policy", "if-not-present"]
    if bundle := host_bundle():
        here += ["--volume", f"{bundle.resolve()}:{BUNDLE}:ro"]
    layers = []
    for number, commit in enumerate(("c1", "c2")):
        (app / "app.py").write_text(f"print({number})\n")
        command = _command(kind, pack_services.registry, image, commit)
        said = pack_services.pack(*command, *here).stdout
        assert ("Reusing layer 'cnbkit/pip:site'" in said) == bool(number), said
        found = engine.fetched(f"{kind}/my-app:{commit}")
        layers.append({each.what: each.digest for each in found.layers if each.kind != "base"})
        assert engine.fetched(f"{kind}/my-app:latest").digest == found.digest
    assert {what for what in layers[1] if layers[1][what] != layers[0].get(what)} == {"app"}
