"""Bills of materials: valid by the formats' own validators, complete, the same each time."""

from __future__ import annotations

import json
import pickle
import re
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from hypothesis import given
from hypothesis import strategies as st
from packageurl import PackageURL
from spdx_tools.spdx.parser.jsonlikedict.json_like_dict_parser import JsonLikeDictParser
from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document

import cnbkit
from cnbkit import BuildpackFault, Component, bill_of_materials

if TYPE_CHECKING:
    from collections.abc import Mapping

LIBGL = Component(
    type="deb",
    namespace="debian",
    name="libstdc++6",
    version="1:12.2.0-14+deb12u1",
    qualifiers={"arch": "amd64"},
    licences=("GPL-3+ with exception", "MIT/X11"),
    sha256="a" * 64,
)
NUMPY = Component(
    type="pypi", name="numpy", version="2.4.6", licence="BSD-3-Clause AND MIT", summary="Arrays"
)


def check(documents: Mapping[str, Any]) -> None:
    """Both documents, by the validators of CycloneDX and SPDX."""
    text = json.dumps(documents["cdx"])
    assert JsonStrictValidator(SchemaVersion.V1_5).validate_str(text) is None
    document = JsonLikeDictParser().parse(documents["spdx"])  # type: ignore[no-untyped-call]
    assert validate_full_spdx_document(document, "SPDX-2.3") == []


def test_documents_are_valid_and_say_all_that_is_known() -> None:
    documents = bill_of_materials([NUMPY, LIBGL, NUMPY])
    check(documents)
    purls = [
        "pkg:deb/debian/libstdc%2B%2B6@1:12.2.0-14%2Bdeb12u1?arch=amd64",
        "pkg:pypi/numpy@2.4.6",
    ]
    assert [each["purl"] for each in documents["cdx"]["components"]] == purls
    for purl in purls:
        assert PackageURL.from_string(purl).to_string() == purl
    libgl, numpy = documents["cdx"]["components"]
    assert numpy["licenses"] == [{"expression": "BSD-3-Clause AND MIT"}]
    assert libgl["licenses"] == [
        {"license": {"name": "GPL-3+ with exception"}},
        {"license": {"name": "MIT/X11"}},
    ]
    assert libgl["hashes"] == [{"alg": "SHA-256", "content": "a" * 64}]
    libgl, numpy = documents["spdx"]["packages"]
    assert numpy["licenseDeclared"] == "BSD-3-Clause AND MIT"
    assert libgl["checksums"] == [{"algorithm": "SHA256", "checksumValue": "a" * 64}]
    extracted = documents["spdx"]["hasExtractedLicensingInfos"]
    assert {each["name"] for each in extracted} == {"GPL-3+ with exception", "MIT/X11"}
    assert libgl["licenseDeclared"] == " AND ".join(sorted(e["licenseId"] for e in extracted))


def test_a_licence_of_its_own_is_in_the_document_that_refers_to_it() -> None:
    expression = "(MIT OR LicenseRef-Acme-1.0) AND LicenseRef-other"
    own = Component(type="pypi", name="own", version="1", licence=expression)
    documents = bill_of_materials([own, LIBGL])
    check(documents)
    (package,) = (each for each in documents["spdx"]["packages"] if each["name"] == "own")
    assert package["licenseDeclared"] == expression
    extracted = {each["licenseId"] for each in documents["spdx"]["hasExtractedLicensingInfos"]}
    assert {"LicenseRef-Acme-1.0", "LicenseRef-other"} < extracted


@pytest.mark.parametrize(
    ("written", "expression", "name"),
    [
        ("GPL-2.0 or mit", "GPL-2.0-only OR MIT", None),
        ("Apache-2.0 WITH LLVM-exception", "Apache-2.0 WITH LLVM-exception", None),
        ("MIT/X11", None, "MIT/X11"),
        ("MIT AND", None, "MIT AND"),
        ("BSD", None, "BSD"),
        ("MIT WITH Acme-exception", None, "MIT WITH Acme-exception"),
        ("DocumentRef-x:LicenseRef-y", None, "DocumentRef-x:LicenseRef-y"),
    ],
)
def test_a_licence_is_spelt_as_spdx_does_or_is_a_name(
    written: str, expression: str | None, name: str | None
) -> None:
    documents = bill_of_materials([Component("pypi", "a", "1", licence=written)])
    check(documents)
    (listed,) = documents["cdx"]["components"]
    assert listed["licenses"] == [
        {"expression": expression} if expression else {"license": {"name": name}}
    ]
    (package,) = documents["spdx"]["packages"]
    extracted = documents["spdx"].get("hasExtractedLicensingInfos", [])
    assert [each["name"] for each in extracted] == ([name] if name else [])
    assert package["licenseDeclared"] == (expression or extracted[0]["licenseId"])


def test_the_order_they_were_found_in_changes_nothing() -> None:
    one, other = bill_of_materials([NUMPY, LIBGL]), bill_of_materials([LIBGL, NUMPY])
    assert json.dumps(one) == json.dumps(other)
    more = bill_of_materials([NUMPY])["spdx"]["documentNamespace"]
    assert more != one["spdx"]["documentNamespace"]


@given(
    st.lists(
        st.builds(
            Component,
            type=st.sampled_from(["pypi", "deb", "conda"]),
            name=st.from_regex(r"[a-z0-9][a-z0-9+._-]{0,20}", fullmatch=True),
            version=st.from_regex(r"[0-9][A-Za-z0-9.+~:!-]{0,12}", fullmatch=True),
            licence=st.text(max_size=30) | st.sampled_from(["MIT", "LicenseRef-a", "GPL-2.0+"]),
            licences=st.lists(st.text(min_size=1, max_size=30), max_size=3).map(tuple),
            summary=st.text(max_size=30),
        ),
        max_size=5,
    )
)
def test_whatever_packages_say_of_themselves_gives_valid_documents(found: list[Component]) -> None:
    check(bill_of_materials(found))


def test_nothing_installed_is_a_document_as_well() -> None:
    check(bill_of_materials([]))


def test_documents_hold_no_time_and_no_chance() -> None:
    found = [NUMPY, LIBGL]
    texts = {kind: json.dumps(each) for kind, each in bill_of_materials(found).items()}
    for text in texts.values():
        times = re.findall(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", text)
        assert times == ["1980-01-01T00:00:01"]
    assert _elsewhere(
        "for kind, each in bill_of_materials(pickle.load(sys.stdin.buffer)).items():\n"
        "    print(json.dumps(each))",
        *(str(Path(cnbkit.__file__).parents[1]), sysconfig.get_path("purelib")),
        given=pickle.dumps(found),
    ) == "".join(f"{text}\n" for text in texts.values())


def test_layers_filled_at_once_may_be_described_at_once() -> None:
    said = _elsewhere(
        "from concurrent.futures import ThreadPoolExecutor\n"
        "from cnbkit import Component\n"
        "sys.setswitchinterval(1e-6)\n"
        "found = [Component('pypi', 'a', '1', licence='MIT OR GPL-2.0')]\n"
        "with ThreadPoolExecutor(8) as pool:\n"
        "    made = list(pool.map(bill_of_materials, [found] * 8))\n"
        "print(len({json.dumps(each) for each in made}))",
        *(str(Path(cnbkit.__file__).parents[1]), sysconfig.get_path("purelib")),
    )
    assert said == "1\n"


def test_a_buildpack_without_the_libraries_is_told_where_they_belong() -> None:
    said = _elsewhere(
        "try:\n    bill_of_materials([])\nexcept BuildpackFault as fault: print(fault)",
        str(Path(cnbkit.__file__).parents[1]),
    )
    assert "there is no module cyclonedx" in said
    assert "requirements.lock" in said
    assert "add cyclonedx-python-lib and spdx-tools to it" in said


def _elsewhere(code: str, *path: str, given: bytes = b"") -> str:
    """What code prints in another process, whose sets have an order of their own."""
    imports = (
        "import json, pickle, sys; sys.path[:0] = sys.argv[1:]\n"
        "from cnbkit import BuildpackFault, bill_of_materials\n"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-P", "-c", imports + code, *path],
        env={"PYTHONHASHSEED": "7"},
        input=given,
        capture_output=True,
        check=False,
    )
    assert done.stderr == b""
    return done.stdout.decode()


def test_a_component_without_a_name_is_a_fault_of_the_buildpack() -> None:
    with pytest.raises(BuildpackFault, match="cannot be listed in a bill of materials"):
        bill_of_materials([Component(type="pypi", name="", version="1")])
