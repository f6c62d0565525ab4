"""conda environments through the real lifecycle, from a channel made on the spot, and run."""

from __future__ import annotations

import shutil
import tomllib
from typing import TYPE_CHECKING

import pytest

from cnbkit_engine.base.images import BaseImages
from cnbkit_engine.oci.store import ImageStore
from cnbkit_engine.state.home import Home
from cnbkit_pip.layers.partition import light_layer

from .channel import PYTHON, Channel, Server, python_package, wheel_package
from .conftest import ROOT, Project
from .index import write_binding
from .test_canaries import kept, unpacked

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ENVIRONMENT = "cnbkit/conda:environment"
LIGHT = f"cnbkit/pip:{light_layer('tabulate')}"
HELLO = """
import os, hello
print("hello", hello.VERSION, os.environ["CONDA_PREFIX"])
"""


@pytest.fixture(scope="module")
def channel(tmp_path_factory: pytest.TempPathFactory) -> Channel:
    """A channel called conda-forge, in a folder of its own."""
    work = tmp_path_factory.mktemp("channels")
    made = Channel(work / "conda-forge")
    home = Home.default()
    python_package(made, BaseImages(home, ImageStore(home.images)).ensure_build_root())
    wheel_package(made, "numpy", "2.2.0", work)
    made.add_pure("hello", "1.0")
    made.add_compiled("tool", "1.0", work)
    made.index()
    return made


@pytest.fixture
def forecast(tmp_path: Path) -> Iterator[Project]:
    """A copy of examples/conda-forecast."""
    made = Project(tmp_path / "forecast", Home.default())
    shutil.copytree(ROOT / "examples" / "conda-forecast", made.app)
    yield made
    made.remove()


def edit(project: Project, name: str, old: str, new: str) -> None:
    path = project.app / name
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def changed(before: dict[str, str], after: dict[str, str]) -> set[str]:
    """What differs, besides the list of what is in the image."""
    names = {*before, *after} - {"sbom"}
    return {what for what in names if before.get(what) != after.get(what)}


@pytest.mark.smoke
def test_what_changed_is_all_that_is_built_again(forecast: Project, channel: Channel) -> None:
    with Server(channel.folder.parent) as server:
        mirror = ("--env", f"BP_CONDA_MIRROR={server.url}")
        fresh = forecast.build(*mirror)
        assert "conda-forge from" in fresh.output
        assert "2 packages for linux-" in fresh.output
        output = forecast.run()
        assert "Forecast from 24 months" in output
        assert output.count("\n|") == 5, output
        first = forecast.image().digest
        before = forecast.layers()
        assert ENVIRONMENT in before
        # The solver's NumPy is seen by pip's part, which brings tabulate and nothing else.
        assert {what for what in before if "wheels" in what} == {LIGHT}

        # Nothing changed: nobody is asked for anything, and the image is the same to the byte.
        server.requests.clear()
        again = forecast.build(*mirror)
        assert server.requests == []
        assert "environment.yml unchanged: 2 packages as before" in again.output
        assert forecast.image().digest == first
        assert not again.lines("  built "), again.output
        assert f"Restoring data for '{ENVIRONMENT}'" not in again.output

        # Data of the app.
        edit(forecast, "sales.csv", "1,100", "1,90")
        code = forecast.build(*mirror)
        assert server.requests == []
        assert code.lines(f"Reusing layer '{ENVIRONMENT}'")
        assert changed(before, forecast.layers()) == {"app"}

        # pip's part: the environment is made again for it, and is the same.
        edit(forecast, "environment.yml", "tabulate==0.9.0", "tabulate==0.10.0")
        pip = forecast.build(*mirror)
        assert changed(before, forecast.layers()) == {"app", LIGHT}, pip.output
        assert forecast.run() != output

        # One package more: the others stay where they are, though there are newer ones.
        channel.add("numpy", "9.9.9", {}, depends=[f"python {PYTHON}.*"])
        channel.index()
        edit(forecast, "environment.yml", "  - numpy>=2\n", "  - numpy>=2\n  - hello\n")
        more = forecast.build(*mirror)
        assert "packages changed: +hello 1.0 pyhd8ed1ab_0\n" in more.output
        after = forecast.layers()
        assert changed(before, after) >= {ENVIRONMENT}
        assert "Forecast from 24 months" in forecast.run()

        # What cannot be built leaves image and cache as they are.
        edit(forecast, "environment.yml", "  - hello\n", "  - helo\n")
        faulty = forecast.build(*mirror, code=51)
        assert "no channel has a package helo; did you mean hello?" in faulty.output
        assert forecast.layers() == after
        edit(forecast, "environment.yml", "  - helo\n", "  - hello\n")
        assert "environment.yml unchanged: 3 packages" in forecast.build(*mirror).output

        # Whoever builds anew gets the same.
        (channel.folder / channel_subdir(channel) / "numpy-9.9.9-0.conda").unlink()
        channel.index()
        forecast.remove()
        forecast.build("--clear-cache", *mirror, env={"LC_ALL": "C", "TZ": "Asia/Tokyo"})
        assert forecast.layers() == after


def channel_subdir(channel: Channel) -> str:
    return next(each.name for each in channel.folder.iterdir() if each.name.startswith("linux-"))


def test_a_channel_with_a_password_and_no_trace_of_it(
    project: Project, channel: Channel, tmp_path: Path
) -> None:
    with Server(channel.folder.parent, "builder:correct-horse") as server:
        place = f"{server.url}/conda-forge"
        project.write(
            {
                "environment.yml": f"channels: ['{place}']\ndependencies: [python, hello, tool]\n",
                "app.py": HELLO,
                "Procfile": "web: python app.py\ntool: tool\n",
            }
        )
        refused = project.build(code=51)
        assert f"Error: {place} wants a login" in refused.output
        assert "where: environment.yml:1" in refused.output
        netrc = "machine 127.0.0.1 login builder password correct-horse\n"
        binding = write_binding(tmp_path / "logins", "netrc", __netrc=netrc)
        built = project.build("--volume", binding)
    assert "correct-horse" not in built.output
    assert project.run() == "hello 1.0 /layers/cnbkit_conda/environment/conda\n"
    assert (
        project.run("--process", "tool") == "tool 1.0 at /layers/cnbkit_conda/environment/conda\n"
    )
    for place, data in kept(project):
        assert not any(b"correct-horse" in each for each in unpacked(data)), place


def test_what_is_for_all_apps_stands_in_both_groups() -> None:
    builder = tomllib.loads((ROOT / "builder" / "builder.toml").read_text())
    groups = [[each["id"] for each in order["group"]] for order in builder["order"]]
    # Before each of the two stands the same one with what Binder's repositories have besides.
    conda, python = (group for group in groups if "cnbkit/binder" not in group)
    own = {"cnbkit/python", "cnbkit/poetry", "cnbkit/uv", "cnbkit/pipenv", "cnbkit/pdm"}
    assert [each for each in conda if each != "cnbkit/conda"] == [
        each for each in python if each not in own
    ]
