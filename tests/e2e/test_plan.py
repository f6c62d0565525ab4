"""`cnbkit plan` says what `cnbkit build` then does: who takes part, packages, layers, processes."""

from __future__ import annotations

import json
import tomllib
from typing import TYPE_CHECKING, Any

import pytest

from cnbkit_engine.base.images import BaseImages
from cnbkit_engine.base.suites import DEFAULT
from cnbkit_engine.build import plan as planning
from cnbkit_engine.build.build import Build
from cnbkit_engine.builder.reference import reference_builder
from cnbkit_engine.lifecycle import phases
from cnbkit_engine.lifecycle.detect import analyzed_for, detect
from cnbkit_engine.lifecycle.handover import document
from cnbkit_engine.oci.image import Image
from cnbkit_engine.oci.store import ImageStore
from cnbkit_engine.state.home import Home

from .conftest import ROOT, cnbkit
from .plans import check_equal, planned

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


@pytest.mark.smoke
def test_the_plan_of_an_app_is_what_its_builds_do(project: Project) -> None:
    project.write(
        {
            "app.py": "import tabulate\nprint(1)\n",
            "requirements.txt": "tabulate\n",
            "business-tags.yaml": "team: vision\n",
        }
    )
    build = Build(app=project.app, name=project.name, builder=reference_builder())
    plan = planned(project.app, project.name)
    check_equal(plan, build.run(Home.default()))
    assert ("team", "vision") in [each for one in plan.decisions for each in one.labels]
    [web] = [each for one in plan.decisions for each in one.processes]
    assert (web.type, web.command, web.default) == ("web", ("python3", "app.py"), True)

    # The lock of the last build is kept as the build keeps it: nothing is resolved anew.
    project.write({"requirements.txt": "tabulate\nsix==1.16.0\n"})
    changed = planned(project.app, project.name)
    [pip] = [each for each in changed.decisions if each.id == "cnbkit/pip"]
    assert [text for text in pip.notes if text.startswith("Kept from the last build: tabulate")]
    [site] = [each for each in pip.layers if each.name == "site"]
    assert (site.state, site.why) == ("rebuild", ("inputs changed: requirements.txt",))
    check_equal(changed, build.run(Home.default()))


def test_without_resolving_a_plan_says_what_it_leaves_out(project: Project) -> None:
    project.write({"app.py": "print(1)\n", "requirements.txt": "six\n"})
    plan = planned(project.app, resolve=False)
    [pip] = [each for each in plan.decisions if each.id == "cnbkit/pip"]
    assert (pip.packages, pip.rest) == (
        (),
        "the packages, because nothing is resolved (--no-resolve)",
    )


def test_an_interpreter_that_is_not_there_is_planned_for(project: Project) -> None:
    project.write(
        {
            ".python-version": "3.12",
            "app.py": "print(1)\n",
            "requirements.txt": "markupsafe\nsix; python_version < '3.12'\n"
            "tabulate; python_version >= '3.12'\n",
        }
    )
    plan = planned(project.app, project.name)
    known = {each.id: each for each in plan.decisions}
    [python] = known["cnbkit/python"].layers
    assert (python.name, python.state) == ("interpreter", "rebuild")
    pip = known["cnbkit/pip"]
    assert [each.name for each in pip.packages] == ["markupsafe", "tabulate"]
    assert [each for each in pip.packages if not each.size] == []


LIST = """@EXPLICIT
https://channel.test/conda-forge/linux-64/python-3.12.4-h1.conda#{0}
https://channel.test/conda-forge/noarch/numpy-2.2.0-py_0.conda#{0}
""".format("0" * 32)


@pytest.mark.parametrize(
    ("files", "named", "rest"),
    [
        (
            {"explicit.txt": LIST},
            [("numpy", "2.2.0", "environment"), ("python", "3.12.4", "environment")],
            "what the packages of explicit.txt bring for Python",
        ),
        (
            {"environment.yml": "dependencies:\n- python=3.12\n- numpy>=2\n- pip: [six]\n"},
            [("numpy", "", "environment"), ("python", "", "environment")],
            "the packages of environment.yml, which are solved in the build",
        ),
    ],
)
def test_the_packages_of_conda_are_named_without_a_solution(
    project: Project, files: dict[str, str], named: list[tuple[str, str, str]], rest: str
) -> None:
    project.write({"Procfile": "web: python3 app.py\n", "app.py": "print(1)\n", **files})
    plan = planned(project.app, project.name)
    [conda] = [each for each in plan.decisions if each.id == "cnbkit/conda"]
    assert [(each.name, each.version, each.layer) for each in conda.packages] == named
    assert conda.rest == rest


def test_a_list_of_conda_that_is_none_ends_the_plan_as_the_build(project: Project) -> None:
    project.write({"app.py": "print(1)\n", "explicit.txt": "@EXPLICIT\nhttps://x.test/numpy\n"})
    failed = cnbkit("plan", str(project.app))
    assert failed.code == 51, failed.output
    assert "explicit.txt:2" in failed.output


def test_a_default_process_that_cannot_start_ends_the_plan_as_the_build(project: Project) -> None:
    project.write(
        {
            "Procfile": "web: gunicorn app:app\n",
            "app.py": "app = None\n",
            "requirements.in": "six\n",
            "requirements.txt": "six\n",
        }
    )
    failed = cnbkit("plan", str(project.app))
    assert failed.code == 51, failed.output
    assert "Error: web cannot start: " in failed.output


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_group_of_every_example_is_that_of_a_build(
    example: str, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = ROOT / example
    # A group is known without an index; one example needs a file that nobody may hand on.
    env = {"BP_CORAL_RUNTIME": f"https://127.0.0.1:9/libedgetpu.deb@sha256:{'0' * 64}"}
    plan = planned(app, resolve=False, env=env)
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
    [start] = [each for each in plan["decisions"] if each["id"] == "cnbkit/start"]
    assert start["notes"] == ["web: python3 app.py, from app.py"]
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


def test_a_plan_in_progress_writes_into_no_log_of_another(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.write({"Procfile": "web: python3 main.py\n", "main.py": "print(1)\n"})
    kept = Home.default().root / "plan.log"
    kept.write_text("of another plan\n")
    meanwhile: list[str] = []

    def watched(*arguments: Any) -> Any:
        found = detect(*arguments)
        meanwhile.append(kept.read_text())
        return found

    with monkeypatch.context() as patch:
        patch.setattr(planning, "detect", watched)
        planned(project.app, project.name)
    assert meanwhile == ["of another plan\n"]
    assert "Starting detector" in kept.read_text()
