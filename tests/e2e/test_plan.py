"""`cnbkit plan` says what `cnbkit build` then does: the same detector finds the same."""

from __future__ import annotations

import json
import tomllib
from typing import TYPE_CHECKING, Any

import pytest

from cnbkit_engine.base.images import BaseImages
from cnbkit_engine.base.suites import DEFAULT
from cnbkit_engine.build.build import Build
from cnbkit_engine.build.plan import Plan, Planning
from cnbkit_engine.builder.reference import reference_builder
from cnbkit_engine.lifecycle import phases
from cnbkit_engine.lifecycle.detect import analyzed_for
from cnbkit_engine.lifecycle.handover import document
from cnbkit_engine.oci.image import Image
from cnbkit_engine.oci.store import ImageStore
from cnbkit_engine.state.home import Home

from .conftest import ROOT, cnbkit

if TYPE_CHECKING:
    from pathlib import Path

    from .conftest import Project

EXAMPLES = sorted(
    path.relative_to(ROOT).as_posix()
    for path in (ROOT / "examples").iterdir()
    if path.name not in ("buildpacks", "company-builder")
)


class _Detected(Exception):
    """A build has come to the end of its detection."""


def detected(app: Path, image: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, dict[str, Any]]:
    """What a build's analyzer and detector leave; it is not carried on with."""
    found: dict[str, dict[str, Any]] = {}

    def recorded(layers: Path, name: str) -> bytes:
        data = document(layers, name)
        found[name] = tomllib.loads(data.decode())
        if name == "plan.toml":
            raise _Detected
        return data

    monkeypatch.setattr(phases, "document", recorded)
    with pytest.raises(_Detected):
        Build(app=app, name=image, builder=reference_builder()).run(Home.default())
    return found


def planned(app: Path) -> Plan:
    return Planning(app=app, builder=reference_builder()).run(Home.default())


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_group_of_every_example_is_that_of_a_build(
    example: str, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = ROOT / example
    plan = planned(app)
    found = detected(app, project.name, monkeypatch)
    assert [(each.id, each.version) for each in plan.group] == [
        (each["id"], each["version"]) for each in found["group.toml"]["group"]
    ]
    assert [each.id for each in plan.group if not each.reason] == []
    entries = found["plan.toml"]["entries"]
    assert [(each.name, len(each.requires)) for each in plan.entries] == sorted(
        (each["requires"][0]["name"], len(each["requires"])) for each in entries
    )


def test_the_detector_is_told_of_the_same_run_image(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.write({"app.py": "print(1)\n"})
    found = detected(project.app, project.name, monkeypatch)
    store = ImageStore(Home.default().images)
    name = BaseImages(Home.default(), store).ensure_run_image()
    made = tomllib.loads(analyzed_for(Image.from_store(store, name), name).decode())
    assert made["run-image"]["target"] == found["analyzed.toml"]["run-image"]["target"]


def test_the_command_says_who_takes_part_and_why_and_the_image_has_the_same(
    project: Project,
) -> None:
    project.write({"app.py": "print(1)\n", "Dockerfile": "FROM scratch\n", "Aptfile": ""})
    options = ("--env", f"BP_PYTHON_VERSIONS={DEFAULT.python}")
    said = cnbkit("plan", str(project.app), *options)
    assert said.code == 0, said.output
    assert said.lines("  cnbkit/apt ")[0].split(maxsplit=2)[2] == "found Aptfile"
    assert len(said.lines("Not used: Dockerfile")) == 1
    assert len(said.lines("Warning: no buildpack of the builder reads BP_PYTHON_VERSIONS")) == 1
    plan = json.loads(cnbkit("plan", str(project.app), "--json", *options).output)
    project.build(*options)
    labels = project.image().config["config"]["Labels"]
    built = json.loads(labels["io.buildpacks.build.metadata"])["buildpacks"]
    assert [each["id"] for each in plan["group"]] == [each["id"] for each in built]
    [start] = [each for each in plan["group"] if each["id"] == "cnbkit/start"]
    assert start["says"] == ["web: python3 app.py, from app.py"]
    [web] = project.image().processes
    assert (web.type, [*web.command, *web.args]) == ("web", ["python3", "app.py"])


def test_an_app_that_nothing_recognises_ends_as_its_build_would(project: Project) -> None:
    project.write({"bot.py": "print(1)\n"})
    short = cnbkit("plan", str(project.app))
    assert short.code == 20
    assert short.lines("  to do: ") == [
        "  to do: say what starts: echo 'web: python3 bot.py' >Procfile"
    ]
    long = cnbkit("plan", str(project.app), "--verbose")
    assert long.code == 20
    assert "skip: none of requirements.txt" in long.output


def test_a_detect_that_finds_a_fault_ends_the_plan_with_it(project: Project) -> None:
    project.write({"requirements.txt": "six\n"})
    failed = cnbkit("plan", str(project.app))
    assert failed.code == 21, failed.output
    assert "Error: no process to start" in failed.output
