"""Bills of a Go program, judged by the formats' own libraries."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from packageurl import PackageURL
from spdx_tools.spdx.parser.jsonlikedict.json_like_dict_parser import JsonLikeDictParser
from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document

from cnbkit_engine.base.images import machine_architecture
from cnbkit_engine.lifecycle.install import LIFECYCLE_VERSION, ensure_lifecycle
from cnbkit_engine.state.home import Home
from cnbkit_engine.tools.go_bills import go_bills
from cnbkit_engine.tools.go_modules import BuiltFrom, Module

SYFT = "v1.18.1"
SYFT_SUM = "h1:JZ7CLbeWrWolCZa4f6SJBLJ9qGBLFCzHrFd8c4bsm94="
BUILT = BuiltFrom(
    "1.26.8",
    Module("example.org/it", "v1.0.0"),
    (
        Module("github.com/BurntSushi/toml", "v1.6.0", "h1:x="),
        Module("github.com/docker/cli", "v29.0.0+incompatible", "h1:y="),
        Module("gopkg.in/yaml.v3", "v3.0.1", "h1:z="),
    ),
)


def _made() -> dict[str, dict[str, Any]]:
    bills = go_bills("it", "/cnb/lifecycle/it", BUILT)
    return {kind: json.loads(data) for kind, data in bills.items()}


def test_the_formats_own_libraries_take_them() -> None:
    made = _made()
    text = json.dumps(made["cdx"])
    assert JsonStrictValidator(SchemaVersion.V1_5).validate_str(text) is None
    parsed = JsonLikeDictParser().parse(made["spdx"])  # type: ignore[no-untyped-call]
    assert validate_full_spdx_document(parsed, "SPDX-2.3") == []


def test_each_lists_the_program_its_modules_and_gos_library() -> None:
    made = _made()
    listed = {
        "cdx": [each["purl"] for each in made["cdx"]["components"]],
        "spdx": [each["externalRefs"][0]["referenceLocator"] for each in made["spdx"]["packages"]],
        "syft": [each["purl"] for each in made["syft"]["artifacts"]],
    }
    assert listed["cdx"] == listed["spdx"] == listed["syft"]
    parsed = [PackageURL.from_string(each) for each in listed["cdx"]]
    assert [each.to_string() for each in parsed] == listed["cdx"]
    assert {(each.type, f"{each.namespace or ''}/{each.name}".lstrip("/"), each.version)
            for each in parsed} == {
        ("golang", "example.org/it", "v1.0.0"),
        ("golang", "github.com/burntsushi/toml", "v1.6.0"),
        ("golang", "github.com/docker/cli", "v29.0.0+incompatible"),
        ("golang", "gopkg.in/yaml.v3", "v3.0.1"),
        ("golang", "stdlib", "1.26.8"),
    }  # fmt: skip
    digests = [each["metadata"].get("h1Digest") for each in made["syft"]["artifacts"]]
    assert digests == [None, "h1:x=", "h1:y=", "h1:z=", None]


def test_the_same_modules_give_the_same_bytes_and_others_another_name() -> None:
    first = go_bills("it", "/cnb/lifecycle/it", BUILT)
    assert go_bills("it", "/cnb/lifecycle/it", BUILT) == first
    other = go_bills("it", "/cnb/lifecycle/it", BuiltFrom("1.26.9", BUILT.main, BUILT.modules))
    for kind, key in (("cdx", "serialNumber"), ("spdx", "documentNamespace")):
        assert json.loads(other[kind])[key] != json.loads(first[kind])[key]


def test_they_stand_beside_the_lifecycles_programs_as_in_its_release() -> None:
    folder = ensure_lifecycle(Home.default(), arch=machine_architecture())
    names = {
        f"{program}.sbom.{kind}.json"
        for program in ("lifecycle", "launcher")
        for kind in ("cdx", "spdx", "syft")
    }
    assert names <= {path.name for path in folder.iterdir()}
    for name in sorted(names):
        # Whoever builds an image with them reads them as another user.
        assert (folder / name).stat().st_mode & 0o777 == 0o644
    document = json.loads((folder / "launcher.sbom.cdx.json").read_text())
    assert document["metadata"]["component"] == {
        "type": "application",
        "name": "launcher",
        "version": f"v{LIFECYCLE_VERSION}",
    }


@pytest.mark.full  # fetches Syft's module, for its schema
def test_syfts_own_schema_takes_its_format(tmp_path: Path) -> None:
    go = shutil.which("go")
    assert go, "Syft's schema comes as a Go module; tools/setup installs Go"
    told = subprocess.run(
        [go, "mod", "download", "-json", f"github.com/anchore/syft@{SYFT}"],
        cwd=tmp_path,
        env={**os.environ, "GOFLAGS": "-modcacherw", "GOMODCACHE": str(tmp_path / "modules")},
        capture_output=True,
        text=True,
        check=True,
    )
    module = json.loads(told.stdout)
    assert module["Sum"] == SYFT_SUM
    folder = ensure_lifecycle(Home.default(), arch=machine_architecture())
    for program in ("lifecycle", "launcher"):
        bill = json.loads((folder / f"{program}.sbom.syft.json").read_text())
        version = bill["schema"]["version"]
        for name in (version, "latest"):
            schema = Path(module["Dir"], "schema", "json", f"schema-{name}.json").read_text()
            Draft202012Validator(json.loads(schema)).validate(bill)
        assert {each["foundBy"] for each in bill["artifacts"]} == {"cnbkit"}
