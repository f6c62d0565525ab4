"""Bills of materials: valid by the formats' own validators, complete, the same each time."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from hypothesis import given
from hypothesis import strategies as st
from packageurl import PackageURL
from spdx_tools.spdx.parser.jsonlikedict.json_like_dict_parser import JsonLikeDictParser
from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document

from cnbkit import Component, bill_of_materials

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


@pytest.mark.parametrize("kind", ["cdx", "spdx"])
def test_documents_hold_no_time_and_no_chance(kind: str) -> None:
    text = json.dumps(bill_of_materials([NUMPY])[kind])
    assert "serialNumber" not in text
    assert "timestamp" not in text
    assert text.count("1980-01-01T00:00:01Z") == (kind == "spdx")
