"""A plan against the build that it is of."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from cnbkit_engine.build.plan import Plan, Planning
from cnbkit_engine.builder.reference import reference_builder
from cnbkit_engine.state.home import Home

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from cnbkit_engine.build.build import Outcome
    from cnbkit_engine.build.decided import Decided
    from cnbkit_engine.oci.image import Image

__all__ = ["check_equal", "launch_states", "left_to_the_build", "planned"]

_STATES = {"rebuild": "built", "keep": "built", "reuse": "reused"}
# What each of them has written of its layers, besides `pip`: who, and in which layer's key.
_LISTED = {"cnbkit/apt": "debs", "cnbkit/conda": "environment"}


def planned(app: Path, name: str = "planned", builder: Path | None = None, **changes: Any) -> Plan:
    """The plan of an app.

    Args:
        app: its folder.
        name: the image's.
        builder: builder.toml; the reference builder's if none is given.
        changes: of the request.
    """
    planning = Planning(app=app, name=name, builder=builder or reference_builder(), **changes)
    return planning.run(Home.default())


def check_equal(plan: Plan, outcome: Outcome) -> None:
    """What was planned is what was built: members, layers, packages, processes, labels."""
    image = outcome.image
    assert image is not None
    labels = image.config["config"]["Labels"]
    built = json.loads(labels["io.buildpacks.build.metadata"])["buildpacks"]
    assert [each.id for each in plan.group] == [each["id"] for each in built]
    known = {each.id: each for each in plan.decisions if each.decides}
    for name, decided in known.items():
        found = {
            what: state for what, state in outcome.layers.items() if what.startswith(f"{name}:")
        }
        layers = {
            f"{name}:{each.name}": _STATES[each.state] for each in decided.layers if each.launch
        }
        if decided.rest:
            assert layers.items() <= found.items(), name
        else:
            assert layers == found, name
    if pip := known.get("cnbkit/pip"):
        packages = {(each.name, each.version, each.layer) for each in pip.packages}
        # After a Python that is not there yet, what it gets is not known.
        assert packages == (set() if pip.rest else _by_pip(image))
    for name in _LISTED.keys() & known.keys():
        _check_packages(known[name], _listed(image, name, _LISTED[name]))
    processes = {(e.type, e.command, e.default) for one in known.values() for e in one.processes}
    assert processes == {
        (each.type, (*each.command, *each.args), each.default)
        for each in image.processes
        if each.buildpack in known
    }
    planned_labels = {key: value for one in known.values() for key, value in one.labels}
    assert planned_labels.items() <= labels.items()


def left_to_the_build(plan: Plan) -> set[str]:
    """Ids of the buildpacks that decide only while they build."""
    return {each.id for each in plan.decisions if not each.decides}


def launch_states(plan: Plan) -> set[str]:
    """What would become of the image's layers."""
    return {each.state for one in plan.decisions for each in one.layers if each.launch}


def _check_packages(decided: Decided, installed: Mapping[str, str]) -> None:
    """Each planned package is there; all are planned, unless the plan says what it leaves out."""
    assert decided.packages
    for each in decided.packages:
        # Debian's name for a library of 64-bit times, which apt alone knows.
        [version] = {installed.get(each.name), installed.get(f"{each.name}t64")} - {None}
        assert version == (each.version or version), each.name
    if not decided.rest:
        assert {each.name for each in decided.packages} == installed.keys()


def _layer(image: Image, name: str, layer: str) -> Mapping[str, Any]:
    label = image.config["config"]["Labels"]["io.buildpacks.lifecycle.metadata"]
    [found] = [each for each in json.loads(label)["buildpacks"] if each["key"] == name]
    data: Mapping[str, Any] = found["layers"][layer]["data"]
    return data


def _by_pip(image: Image) -> set[tuple[str, str, str]]:
    """Name, version and layer of each package that the `pip` buildpack has installed."""
    noted = _layer(image, "cnbkit/pip", "site")["note"]["packages"]
    fields = (line.split(" ", 2) for line in noted)
    return {
        (name, version, folder.removeprefix("/layers/cnbkit_pip/").partition("/")[0])
        for name, version, folder in fields
    }


def _listed(image: Image, name: str, layer: str) -> Mapping[str, str]:
    """Name and version of each package of a layer whose key lists them."""
    lines = _layer(image, name, layer)["key"]["packages"]
    return {line.split()[0]: line.split()[1] for line in lines}
