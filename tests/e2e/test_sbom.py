"""What an image's bills of materials say is what it holds, package by package."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from spdx_tools.spdx.parser.jsonlikedict.json_like_dict_parser import JsonLikeDictParser
from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document

from cnbkit_engine.base.images import BaseImages
from cnbkit_engine.oci.store import ImageStore
from cnbkit_engine.state.home import Home
from cnbkit_pip.layers.partition import light_layer

from .channel import Channel, Server, python_package
from .conftest import cnbkit

if TYPE_CHECKING:
    from pathlib import Path

    from .conftest import Project

LAUNCHER = "buildpacksio_lifecycle/launcher"
APP = """
import importlib.metadata, json, os
print(json.dumps({
    "python": {each.name.lower(): each.version for each in importlib.metadata.distributions()},
    "debian": os.listdir("/layers/cnbkit_apt/debs/usr/share/doc"),
}))
"""


def bills(project: Project) -> dict[str, dict[str, Any]]:
    """The documents in the image, by their place, as the command line gives them."""
    folder = project.app.parent / "bills"
    shutil.rmtree(folder, ignore_errors=True)
    written = cnbkit("sbom", project.name, "--output-dir", str(folder))
    assert written.code == 0, written.output
    found = {
        str(path.relative_to(folder / "layers/sbom/launch")): json.loads(path.read_text())
        for path in folder.rglob("*.json")
    }
    assert len(written.output.split()) == len(found)
    # The lifecycle's exporter adds those of its launcher, which is in every image.
    launcher = [found.pop(place) for place in sorted(found) if place.startswith(LAUNCHER)]
    assert [each["name"] for each in launcher[0]["components"]][-1] == "stdlib"
    assert len(launcher) == 3
    return found


def listed_packages(project: Project) -> list[str]:
    """The lines that `cnbkit sbom` shows of the buildpacks' layers."""
    *lines, counted = cnbkit("sbom", project.name).output.splitlines()
    own = [line for line in lines if LAUNCHER not in line]
    assert counted == f"{len(lines)} packages"
    return own


def versions(project: Project, kind: str) -> dict[str, str]:
    """All components of a kind, of the documents in CycloneDX."""
    return {
        each["name"]: each["version"]
        for place, document in bills(project).items()
        if place.endswith(".cdx.json")
        for each in document["components"]
        if each["purl"].startswith(f"pkg:{kind}/")
    }


def check(documents: dict[str, dict[str, Any]]) -> None:
    """All are valid, say the same in both formats, and know checksum and licence of each."""
    for place, document in documents.items():
        if place.endswith(".cdx.json"):
            text = json.dumps(document)
            assert JsonStrictValidator(SchemaVersion.V1_5).validate_str(text) is None, place
            same = documents[place.replace(".cdx.", ".spdx.")]
            purls = {each["externalRefs"][0]["referenceLocator"] for each in same["packages"]}
            assert purls == {each["purl"] for each in document["components"]}
            for component in document["components"]:
                assert len(component["hashes"][0]["content"]) == 64, component
                assert component["licenses"], component
        else:
            parsed = JsonLikeDictParser().parse(document)  # type: ignore[no-untyped-call]
            assert validate_full_spdx_document(parsed, "SPDX-2.3") == [], place


def test_every_package_of_the_image_is_listed_and_nothing_else(project: Project) -> None:
    project.write(
        {
            "Aptfile": "libsndfile1\n",
            "requirements.txt": "numpy==2.4.6\nsix==1.17.0\ntabulate==0.10.0\n",
            "app.py": APP,
        }
    )
    project.build()
    held = json.loads(project.run())
    assert versions(project, "pypi") == held["python"]
    assert set(held["python"]) == {"numpy", "six", "tabulate"}
    assert set(versions(project, "deb")) == set(held["debian"])
    assert {"libsndfile1", "libvorbis0a", "libogg0"} <= set(held["debian"])

    documents = bills(project)
    check(documents)

    listed = listed_packages(project)
    assert len(listed) == len(held["python"]) + len(held["debian"])
    (six,) = (line.split() for line in listed if line.startswith("six "))
    assert six == ["six", "1.17.0", "MIT", f"cnbkit_pip/{light_layer('six')}"]

    # Code changes nothing of them, though the layers are in the previous image alone.
    project.write({"app.py": f"{APP}\n# changed\n"})
    project.build()
    assert bills(project) == documents

    # What goes, goes from the bill as well.
    project.write({"requirements.txt": "numpy==2.4.6\ntabulate==0.10.0\n"})
    project.build()
    assert set(versions(project, "pypi")) == {"numpy", "tabulate"}


CONDA_APP = """
import importlib.metadata, json, os
records = f"{os.environ['CONDA_PREFIX']}/conda-meta"
names = [name for name in os.listdir(records) if name.endswith(".json")]
conda = [json.load(open(f"{records}/{name}")) for name in names]
python = {True: {}, False: {}}
for each in importlib.metadata.distributions():
    python[each.read_text("INSTALLER") == "conda"][each.name] = each.version
print(json.dumps({
    "conda": {f"{each['name']} {each['build']}": each["version"] for each in conda},
    "by conda": python[True],
    "by pip": python[False],
    "debian": os.listdir("/layers/cnbkit_apt/debs/usr/share/doc"),
}))
"""


def conda_packages(project: Project) -> dict[str, str]:
    """What the bills say of conda: version by name and build."""
    found = {}
    for place, document in bills(project).items():
        for each in document["components"] if place.endswith(".cdx.json") else ():
            if each["purl"].startswith("pkg:conda/"):
                assert place == "cnbkit_conda/environment/sbom.cdx.json"
                build = each["purl"].partition("?build=")[2].partition("&")[0]
                assert "&channel=conda-forge&" in each["purl"]
                found[f"{each['name']} {build}"] = each["version"]
    return found


def test_an_environment_with_packages_of_conda_pip_and_debian_is_listed_once(
    project: Project, tmp_path: Path
) -> None:
    channel = Channel(tmp_path / "channels" / "conda-forge")
    home = Home.default()
    python_package(channel, BaseImages(home, ImageStore(home.images)).ensure_build_root())
    channel.add_pure("hello", "1.0")
    channel.add_compiled("tool", "1.0", tmp_path)
    channel.index()
    environment = (
        "channels: [conda-forge]\ndependencies:\n- python\n- hello\n- tool\n"
        "- pip: [tabulate==0.9.0]\n"
    )
    files = {"Aptfile": "libogg0\n", "environment.yml": environment, "app.py": CONDA_APP}
    project.write(files)
    with Server(channel.folder.parent) as server:
        mirror = ("--env", f"BP_CONDA_MIRROR={server.url}")
        project.build(*mirror)
        held = json.loads(project.run())
        assert conda_packages(project) == held["conda"]
        assert set(held["conda"]) == {"python 0_cpython", "hello pyhd8ed1ab_0", "tool 0"}
        # A Python package of conda's is conda's alone, though it has the metadata of one.
        assert "hello" in held["by conda"]
        assert versions(project, "pypi") == held["by pip"] == {"tabulate": "0.9.0"}
        assert set(versions(project, "deb")) == set(held["debian"]) == {"libogg0"}
        first = bills(project)
        check(first)
        listed = listed_packages(project)
        assert len(listed) == 5
        (tool,) = (line.split() for line in listed if line.startswith("tool "))
        assert tool == ["tool", "1.0", "MIT", "cnbkit_conda/environment"]

        # pip's part alone: the environment is made again for it, and is in the image as before.
        project.write({"environment.yml": environment.replace("0.9.0", "0.10.0")})
        project.build(*mirror)
        assert conda_packages(project) == held["conda"]
        assert versions(project, "pypi") == {"tabulate": "0.10.0"}
        project.write({"app.py": f"{CONDA_APP}\n# changed\n"})
        unchanged = project.build(*mirror)
        assert unchanged.lines("Reusing layer 'cnbkit/conda:environment'")
        place = "cnbkit_conda/environment/sbom.spdx.json"
        assert bills(project)[place] == first[place]

        # What goes, goes from the bill as well.
        project.write({"environment.yml": environment.replace("- tool\n", "")})
        project.build(*mirror)
        assert set(conda_packages(project)) == {"python 0_cpython", "hello pyhd8ed1ab_0"}
