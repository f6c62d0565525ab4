"""buildpack.toml."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnbkit.errors import InvalidDocument
from cnbkit.spec.buildpack import (
    BuildpackDescriptor,
    BuildpackInfo,
    Distro,
    ExtensionDescriptor,
    ExtensionInfo,
    License,
    Order,
    OrderEntry,
    Stack,
    TargetEntry,
    notes,
)
from cnbkit.spec.sbom import FORMATS
from cnbkit.spec.toml import decode, encode

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
MAYBE = st.none() | TEXT
TEXTS = st.lists(TEXT, max_size=2)
IDS = st.text("abXY09./-", min_size=1, max_size=8).filter(lambda each: each not in (".", ".."))
NUMBER = st.integers(0, 10**30).map(str)
VERSIONS = st.tuples(NUMBER, NUMBER, NUMBER).map(".".join)
INFOS = st.builds(
    BuildpackInfo,
    id=IDS,
    version=VERSIONS,
    name=MAYBE,
    homepage=MAYBE,
    description=MAYBE,
    keywords=TEXTS,
    clear_env=st.booleans(),
    sbom_formats=st.lists(
        st.sampled_from([*FORMATS.values(), "application/spdx+json;version=2.3"])
    ),
    licenses=st.lists(st.builds(License, type=MAYBE, uri=MAYBE), max_size=2),
    exec_env=TEXTS,
)
TARGETS = st.builds(
    TargetEntry,
    os=MAYBE,
    arch=MAYBE,
    variant=MAYBE,
    distros=st.lists(st.builds(Distro, name=TEXT, version=MAYBE), max_size=2),
)
ORDERS = st.builds(
    Order,
    group=st.lists(
        st.builds(OrderEntry, id=IDS, version=TEXT, optional=st.booleans(), exec_env=TEXTS),
        min_size=1,
        max_size=2,
    ),
)
APIS = st.sampled_from(["0.10", "0.11", "0.12"])
DESCRIPTORS = st.builds(
    BuildpackDescriptor,
    api=APIS,
    buildpack=INFOS,
    targets=st.lists(TARGETS, max_size=2),
    metadata=st.dictionaries(TEXT, TEXT | st.dictionaries(TEXT, st.integers(-9, 9)), max_size=2),
) | st.builds(
    BuildpackDescriptor, api=APIS, buildpack=INFOS, order=st.lists(ORDERS, min_size=1, max_size=2)
)

FULL = """
api = "0.12"

[buildpack]
id = "acme/pip"
version = "1.2.3"
name = "pip"
clear-env = true
sbom-formats = ["application/vnd.cyclonedx+json"]
exec-env = ["production"]

[[buildpack.licenses]]
type = "Apache-2.0"

[[targets]]
os = "linux"
arch = "arm64"
variant = "v8"

[[targets.distros]]
name = "debian"
version = "12"

[metadata]
anything = [1, "x"]
"""


@given(DESCRIPTORS)
def test_a_descriptor_reads_back_what_it_writes(descriptor: BuildpackDescriptor) -> None:
    assert BuildpackDescriptor.loads(descriptor.dumps()) == descriptor


@given(st.binary() | TEXT.map(str.encode))
def test_arbitrary_bytes_are_refused_as_an_invalid_document(data: bytes) -> None:
    with pytest.raises(InvalidDocument):
        BuildpackDescriptor.loads(data)


@given(DESCRIPTORS, st.data())
def test_a_wrong_value_is_refused_with_its_path(
    descriptor: BuildpackDescriptor, data: st.DataObject
) -> None:
    plain = descriptor.to_plain()
    name = data.draw(st.sampled_from(sorted(plain["buildpack"])))
    plain["buildpack"][name] = 5
    with pytest.raises(InvalidDocument) as caught:
        BuildpackDescriptor.loads(encode(plain))
    assert [fault.path[:2] for fault in caught.value.faults] == [("buildpack", name)]


def test_every_key_of_the_specification_is_read() -> None:
    descriptor = BuildpackDescriptor.loads(FULL)
    assert descriptor.buildpack.clear_env
    assert descriptor.buildpack.sbom_formats == ["application/vnd.cyclonedx+json"]
    assert descriptor.buildpack.exec_env == ["production"]
    assert descriptor.buildpack.licenses == [License(type="Apache-2.0")]
    assert descriptor.targets == [
        TargetEntry(
            os="linux",
            arch="arm64",
            variant="v8",
            distros=[Distro(name="debian", version="12")],
        )
    ]
    assert descriptor.metadata == {"anything": [1, "x"]}


def test_all_faults_are_reported_at_once() -> None:
    text = """
api = "0.9"
unheard = 1
[buildpack]
id = "bad id!!"
version = "not-semver"
clear_env = true
keywords = "one"
[[targets]]
os = 5
"""
    with pytest.raises(InvalidDocument) as caught:
        BuildpackDescriptor.loads(text, name="buildpack.toml")
    assert {".".join(map(str, fault.path)) for fault in caught.value.faults} == {
        "api",
        "unheard",
        "buildpack.id",
        "buildpack.version",
        "buildpack.clear_env",
        "buildpack.keywords",
        "targets.0.os",
    }


@pytest.mark.parametrize(
    ("remove", "path"),
    [
        ('api = "0.12"', ("api",)),
        ('id = "acme/pip"', ("buildpack", "id")),
        ('version = "1.2.3"', ("buildpack", "version")),
    ],
)
def test_what_is_missing_is_named(remove: str, path: tuple[str, ...]) -> None:
    with pytest.raises(InvalidDocument, match="is required") as caught:
        BuildpackDescriptor.loads(FULL.replace(remove, "", 1))
    assert [fault.path for fault in caught.value.faults] == [path]


def test_a_composite_has_no_targets() -> None:
    order = '[[order]]\n[[order.group]]\nid = "a"\nversion = "1.0.0"\n'
    with pytest.raises(InvalidDocument, match="exclude each other"):
        BuildpackDescriptor.loads(FULL + order)


@pytest.mark.parametrize("info", [{"id": "sbom"}, {"version": "1.0"}])
def test_a_descriptor_made_in_code_is_checked_too(info: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"reserved|X\.Y\.Z"):
        BuildpackInfo(**{"id": "a", "version": "1.0.0", **info})


def test_every_fault_has_its_line_and_a_way_out() -> None:
    text = """# comment
api = "0.8"

[buildpack]
id = "a"
version = '1'
clear_env = true
sbom-formats = [
    "application/spdx+json",
    "text/plain",
]

[[targets]]
os = "linux"
[[targets]]
os = 5
"""
    with pytest.raises(InvalidDocument) as caught:
        BuildpackDescriptor.loads(text, name="buildpack.toml", where="/bp/buildpack.toml")
    assert str(caught.value).splitlines() == [
        "Error: buildpack.toml has 5 faults",
        "  where: /bp/buildpack.toml",
        "  to do: correct each of these",
        "  detail:",
        (
            "    line 2: api: Buildpack API '0.8' is older than 0.10, where targets "
            "replaced stacks; "
            'write api = "0.10" and, if this is not built with cnbkit, check what bin/ writes'
        ),
        "    line 6: buildpack.version: a version is X.Y.Z, like 1.2.3; found '1'",
        "    line 7: buildpack.clear_env: unknown key; did you mean clear-env?",
        (
            "    line 8: buildpack.sbom-formats: 'text/plain' is not an SBOM format; there are "
            "application/vnd.cyclonedx+json, application/spdx+json, application/vnd.syft+json"
        ),
        "    line 16: targets[1].os: Input should be a valid string; found 5",
    ]


def test_a_single_fault_stands_in_the_headline_with_its_line() -> None:
    with pytest.raises(InvalidDocument, match=r"not valid: line 3: buildpack.id: is req") as caught:
        BuildpackDescriptor.loads('api = "0.12"\n\n[buildpack]\nversion = "1.2.3"\n', where="f")
    assert caught.value.where == "f:3"


def test_exec_env_is_read_in_both_forms_and_written_as_the_list_the_lifecycle_reads() -> None:
    text = FULL.replace('exec-env = ["production"]', "")
    table = text.replace("[[targets]]", '[[buildpack.exec-env]]\nname = "test"\n[[targets]]', 1)
    read = BuildpackDescriptor.loads(table)
    assert read.buildpack.exec_env == ["test"]
    assert read.to_plain()["buildpack"]["exec-env"] == ["test"]
    assert notes(decode(table, name="x")) == [
        'exec-env as tables fails in the lifecycle and pack: write exec-env = ["…"]'
    ]


def test_stacks_of_others_are_read_with_a_note() -> None:
    text = 'api = "0.10"\n[buildpack]\nid = "a"\nversion = "1.2.3"\n[[stacks]]\nid = "*"\n'
    assert BuildpackDescriptor.loads(text).stacks == [Stack(id="*")]
    assert notes(decode(text, name="x"))[0].startswith("[[stacks]] has no meaning")
    assert "only linux/amd64" in notes({"buildpack": {"id": "a"}})[0]
    assert notes({"buildpack": {}, "order": [{}]}) == notes({"targets": [{}]}) == []


def test_an_extension_has_a_descriptor_of_its_own() -> None:
    text = 'api = "0.12"\n[extension]\nid = "a/b"\nversion = "1.2.3"\n[[targets]]\nos = "linux"\n'
    read = ExtensionDescriptor.loads(text)
    assert read == ExtensionDescriptor(
        api="0.12",
        extension=ExtensionInfo(id="a/b", version="1.2.3"),
        targets=[TargetEntry(os="linux")],
    )
    with pytest.raises(InvalidDocument, match="order: unknown key"):
        ExtensionDescriptor.loads(f"order = []\n{text}")
