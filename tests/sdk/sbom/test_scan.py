"""What package managers leave in a folder is what a bill of materials lists."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from importlib.metadata import distributions
from pathlib import Path
from typing import TYPE_CHECKING

from cnbkit import scan_components

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cnbkit.testing import BuildpackRun


def write(root: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


def purls(root: Path) -> list[str]:
    return [each.purl for each in scan_components(root)]


def test_python_packages_are_those_that_python_itself_finds(tmp_path: Path) -> None:
    found = scan_components(sys.prefix)
    own = {
        (each.metadata["Name"].lower().replace("_", "-").replace(".", "-"), each.version)
        for each in distributions(
            path=[f"{sys.prefix}/lib/python3.{sys.version_info[1]}/site-packages"]
        )
        if each.metadata["Name"]
    }
    assert len(own) > 20
    assert {(each.name, each.version) for each in found if each.type == "pypi"} >= own
    assert purls(tmp_path) == []


def test_debian_packages_are_those_that_dpkg_lists(tmp_path: Path) -> None:
    listed = subprocess.run(
        ["dpkg-query", "-W", "-f", "${db:Status-Status} ${Package} ${Version} ${Architecture}\n"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    installed = [line.split()[1:] for line in listed.splitlines() if line.startswith("installed ")]
    status = Path("/var/lib/dpkg/status").read_text(encoding="utf-8")
    write(tmp_path, {"var/lib/dpkg/status": status})
    found = scan_components(tmp_path)
    assert [(each.name, each.version, each.qualifiers) for each in found] == sorted(
        (name, version, {"arch": arch}) for name, version, arch in installed
    )


def test_every_kind_is_found_by_its_own_record(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "lib/node_modules/left-pad/package.json": '{"name": "left-pad", "version": "1.3.0"}',
            "app/node_modules/@types/node/package.json": json.dumps(
                {"name": "@types/node", "version": "20.1.0", "license": {"type": "MIT"}}
            ),
            "app/node_modules/x/test/package.json": '{"name": "fixture", "version": "0"}',
            "app/package.json": '{"name": "my-app", "version": "9"}',
            "conda-meta/zlib-1.3-h1.json": json.dumps(
                {"name": "zlib", "version": "1.3", "build": "h1", "subdir": "linux-64"}
            ),
            "conda-meta/history": "==>",
            "gems/specifications/rack-3.0.1.gemspec": "",
            "gems/specifications/nokogiri-1.16.0-x86_64-linux.gemspec": "",
            "var/lib/dpkg/status.d/base": "Package: base-files\nVersion: 12\nArchitecture: amd64\n",
        },
    )
    with zipfile.ZipFile(tmp_path / "guava.jar", "w") as jar:
        jar.writestr(
            "META-INF/maven/com.google.guava/guava/pom.properties",
            "version=33.0\ngroupId=com.google.guava\nartifactId=guava\n",
        )
    assert purls(tmp_path) == [
        "pkg:conda/zlib@1.3?build=h1&subdir=linux-64",
        "pkg:deb/debian/base-files@12?arch=amd64",
        "pkg:gem/nokogiri@1.16.0",
        "pkg:gem/rack@3.0.1",
        "pkg:maven/com.google.guava/guava@33.0",
        "pkg:npm/left-pad@1.3.0",
        "pkg:npm/%40types/node@20.1.0",
    ]


def test_what_is_called_so_and_is_none_is_passed_over(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "a.dist-info": "a file",
            "b.dist-info/RECORD": "",
            "node_modules/x/package.json": "[1]",
            "node_modules/y/package.json": "{",
            "node_modules/z/package.json": '{"name": 1, "version": "1"}',
            "conda-meta/x.json": "{}",
            "x.jar": "no zip",
        },
    )
    (tmp_path / "loop").symlink_to(tmp_path)
    assert purls(tmp_path) == []


CODE = """
from cnbkit import *

class Scans(Buildpack):
    def build(self, ctx):
        with ctx.layer(Layer.launch("node")) as layer:
            if layer.rebuild:
                file = layer.path / "node_modules/a/package.json"
                file.parent.mkdir(parents=True)
                file.write_text('{"name": "a", "version": "1.0.0"}')
                for kind, document in bill_of_materials(scan_components(layer.path)).items():
                    layer.sbom(kind, document)
        bill = bill_of_materials([Component("generic", "app", "1")])
        return BuildResult(sbom=bill, build_sbom=bill)
"""


def test_bills_are_left_out_where_a_setting_says_so(
    buildpack_run: BuildpackRun, tmp_path: Path
) -> None:
    folder = tmp_path / "pack"
    write(
        folder,
        {
            "buildpack.toml": 'api = "0.10"\n[buildpack]\nid = "a/scans"\nversion = "1.0.0"\n'
            'sbom-formats = ["application/vnd.cyclonedx+json", "application/spdx+json"]\n'
            '[metadata.cnbkit]\nentry = "scanning_pack:Scans"\n',
            "scanning_pack.py": CODE,
        },
    )
    first = buildpack_run(folder)
    assert "pkg:npm/a@1.0.0" in first.sbom("node")["cdx.json"].decode()
    assert first.sbom("launch").keys() == first.sbom("build").keys() == {"cdx.json", "spdx.json"}
    without = first.rebuild(env={"BP_DISABLE_SBOM": "true"})
    assert without.code == 0
    assert [without.sbom(of) for of in ("node", "launch", "build")] == [{}, {}, {}]
    assert first.rebuild(env={"BP_DISABLE_SBOM": "maybe"}).code == 65
