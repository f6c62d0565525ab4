"""What an image's bills of materials say is what it holds, package by package."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from spdx_tools.spdx.parser.jsonlikedict.json_like_dict_parser import JsonLikeDictParser
from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document

from .conftest import cnbkit

if TYPE_CHECKING:
    from .conftest import Project

APP = """
import importlib.metadata, json, os
print(json.dumps({
    "python": {each.name.lower(): each.version for each in importlib.metadata.distributions()},
    "debian": os.listdir("/layers/cnbkit_apt/packages/usr/share/doc"),
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
    return found


def versions(project: Project, kind: str) -> dict[str, str]:
    """All components of a kind, of the documents in CycloneDX."""
    return {
        each["name"]: each["version"]
        for place, document in bills(project).items()
        if place.endswith(".cdx.json")
        for each in document["components"]
        if each["purl"].startswith(f"pkg:{kind}/")
    }


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
    assert {"libsndfile1", "libflac12", "libogg0"} <= set(held["debian"])

    documents = bills(project)
    for place, document in documents.items():
        if place.endswith(".cdx.json"):
            text = json.dumps(document)
            assert JsonStrictValidator(SchemaVersion.V1_5).validate_str(text) is None, place
            same = documents[place.replace(".cdx.", ".spdx.")]
            assert len(same["packages"]) == len(document["components"])
            for component in document["components"]:
                assert len(component["hashes"][0]["content"]) == 64, component
                assert component["licenses"], component
        else:
            parsed = JsonLikeDictParser().parse(document)  # type: ignore[no-untyped-call]
            assert validate_full_spdx_document(parsed, "SPDX-2.3") == [], place

    listed = cnbkit("sbom", project.name).output.splitlines()
    assert listed[-1] == f"{len(held['python']) + len(held['debian'])} packages"
    (six,) = (line.split() for line in listed if line.startswith("six "))
    assert six == ["six", "1.17.0", "MIT", "cnbkit_pip/wheels-light-"]

    # Code changes nothing of them, though the layers are in the previous image alone.
    project.write({"app.py": f"{APP}\n# changed\n"})
    project.build()
    assert bills(project) == documents

    # What goes, goes from the bill as well.
    project.write({"requirements.txt": "numpy==2.4.6\ntabulate==0.10.0\n"})
    project.build()
    assert set(versions(project, "pypi")) == {"numpy", "tabulate"}
