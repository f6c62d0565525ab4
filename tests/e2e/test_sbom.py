"""What an image's bills of materials say is what it holds, package by package."""

from __future__ import annotations

import json
import tarfile
from typing import TYPE_CHECKING, Any

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from spdx_tools.spdx.parser.jsonlikedict.json_like_dict_parser import JsonLikeDictParser
from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document

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
    """The documents in the image, by their place below `layers/sbom/launch`."""
    (layer,) = (each for each in project.image().layers if each.kind == "sbom")
    found = {}
    with tarfile.open(project.store.blob_path(layer.digest)) as archive:
        for member in archive:
            _, _, place = member.name.partition("/sbom/launch/")
            if member.isreg() and place.endswith((".cdx.json", ".spdx.json")):
                file = archive.extractfile(member)
                assert file is not None
                found[place] = json.load(file)
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

    # Code changes nothing of them, though the layers are in the previous image alone.
    project.write({"app.py": f"{APP}\n# changed\n"})
    project.build()
    assert bills(project) == documents

    # What goes, goes from the bill as well.
    project.write({"requirements.txt": "numpy==2.4.6\ntabulate==0.10.0\n"})
    project.build()
    assert set(versions(project, "pypi")) == {"numpy", "tabulate"}
