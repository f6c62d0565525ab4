"""The platform's and pack's documents: both ways, and what each refuses."""

from __future__ import annotations

import typing
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnbkit.errors import InvalidDocument
from cnbkit.spec.buildpack import BuildpackDescriptor, ExtensionDescriptor
from cnbkit.spec.model import Model
from cnbkit.spec.names import api_version
from cnbkit.spec.toml import Document, encode
from cnbkit.spec.validation import hints
from cnbkit_engine.spec import builder, package, project
from cnbkit_engine.spec import lifecycle_files as files
from cnbkit_engine.spec.builder import BuilderDescriptor, BuilderEntry
from cnbkit_engine.spec.package import PackageDescriptor
from cnbkit_engine.spec.project import Project, read_project

if typing.TYPE_CHECKING:
    from random import Random

    from hypothesis.strategies import SearchStrategy

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=4)
SPECIAL: dict[str, SearchStrategy[Any]] = {
    "id": st.sampled_from(["a", "acme/pip", "x.y"]),
    "version": st.sampled_from(["1.2.3", "0.0.0"]),
    "api": st.sampled_from(["0.10", "0.12"]),
    "schema_version": st.sampled_from(["0.2", "0.3"]),
    "suffix": st.sampled_from(["", "append", "override"]),
    "sbom_formats": st.just(["application/spdx+json"]),
}
KINDS: list[type[Document]] = [
    BuildpackDescriptor,
    ExtensionDescriptor,
    *(
        each
        for module in (builder, files, package, project)
        for name in module.__all__
        if isinstance(each := getattr(module, name), type) and issubclass(each, Document)
    ),
]


def _values(annotation: Any) -> SearchStrategy[Any]:
    kind, inner = typing.get_origin(annotation), typing.get_args(annotation)
    if isinstance(annotation, type) and issubclass(annotation, Model):
        return _models(annotation)
    if kind is list:
        return st.lists(_values(inner[0]), max_size=2)
    if kind is dict:
        return st.dictionaries(TEXT, TEXT | st.lists(st.integers(-9, 9)), max_size=2)
    if inner:
        return st.one_of([st.none() if each is type(None) else _values(each) for each in inner])
    return {str: TEXT, bool: st.booleans(), int: st.integers(0, 2**40)}[annotation]


def _models(cls: type[Model]) -> SearchStrategy[Any]:
    fields = {
        name: SPECIAL.get(name, _values(hint))
        for name, hint in hints(cls).items()
        if name in cls.__fields__
    }
    return st.builds(cls, **fields).filter(_is_whole)


def _is_whole(model: Model) -> bool:
    with suppress(ValueError):
        model.validate_whole()
        return True
    return False


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@given(data=st.data())
def test_every_document_reads_back_what_it_writes(
    kind: type[Document], data: st.DataObject
) -> None:
    document = data.draw(_models(kind))
    assert kind.loads(document.dumps()) == document


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@given(data=st.binary() | TEXT.map(str.encode))
def test_arbitrary_bytes_are_read_or_refused_as_an_invalid_document(
    kind: type[Document], data: bytes
) -> None:
    with suppress(InvalidDocument):
        kind.loads(data)


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | TEXT,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXT, inner, max_size=2),
    max_leaves=4,
)


def _spoilt(data: Any, wrong: Any, random: Random) -> None:
    """Change one place in a document: another value, a missing key, a key too many."""
    places = []

    def walk(table: Any) -> None:
        for key in table if isinstance(table, dict) else range(len(table)):
            places.append((table, key))
            if isinstance(table[key], dict | list):
                walk(table[key])

    walk(data)
    if places:
        table, key = random.choice(places)
        change = random.choice(["other", "missing", "odd"]) if isinstance(table, dict) else "other"
        if change == "other":
            table[key] = wrong
        elif change == "missing":
            del table[key]
        else:
            table["odd"] = wrong


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@given(data=st.data(), wrong=ANYTHING, random=st.randoms())
@settings(max_examples=25)
def test_a_document_with_something_wrong_is_read_or_refused_with_its_faults(
    kind: type[Document], data: st.DataObject, wrong: object, random: Random
) -> None:
    plain = data.draw(_models(kind)).to_plain()
    for _ in range(2):
        _spoilt(plain, wrong, random)
    try:
        kind.parse(plain)
        told = []
    except InvalidDocument as invalid:
        told = [str(invalid), *map(str, invalid.faults)]
    assert len(told) != 1
    assert all(fault in told[0] for fault in told[1:2])


FULL_BUILDER = """
description = "all of pack's format"
[[buildpacks]]
id = "a"
version = "1.2.3"
uri = "../a"
[[buildpacks]]
image = "host/b"
[[extensions]]
id = "e"
uri = "e"
[[order]]
[[order.group]]
id = "a"
version = "1.2.3"
[[order.group]]
id = "b"
optional = true
[[order-extensions]]
[[order-extensions.group]]
id = "e"
[system.pre]
[[system.pre.buildpacks]]
id = "a"
[build]
image = "host/build"
[[build.env]]
name = "X"
value = "1"
suffix = "append"
delim = ":"
[run]
[[run.images]]
image = "host/run"
mirrors = ["other/run"]
[[targets]]
os = "linux"
[lifecycle]
version = "0.21.14"
[stack]
id = "s"
run-image-mirrors = ["x"]
"""


def test_every_key_of_pack_is_read() -> None:
    read = BuilderDescriptor.loads(FULL_BUILDER)
    assert BuilderDescriptor.loads(read.dumps()) == read
    assert read.order[0].group[1] == BuilderEntry(id="b", optional=True)
    assert read.system is not None
    assert read.system.pre.buildpacks == [BuilderEntry(id="a")]
    assert read.build is not None
    assert read.build.env[0].delim == ":"
    assert read.buildpacks[1].image == "host/b"


@pytest.mark.parametrize(
    ("kind", "text", "fault"),
    [
        (BuilderDescriptor, "[[buildpacks]]\n", "either uri or image"),
        (BuilderDescriptor, '[[buildpacks]]\nuri = "a"\nimage = "b"\n', "either uri or image"),
        (BuilderDescriptor, 'buildpacks = []\n[lifecycle]\nuri = "a"\nversion = "b"\n', "either"),
        (BuilderDescriptor, "buildpacks = []\n[bild]\n", "unknown key; did you mean build?"),
        (
            BuilderDescriptor,
            'buildpacks = []\n[[build.env]]\nname = "A"\nvalue = ""\nsuffix = "append"\n',
            "needs delim",
        ),
        (
            BuilderDescriptor,
            'buildpacks = []\n[[build.env]]\nname = "A"\nvalue = ""\nsuffix = "front"\n',
            "is not one of append",
        ),
        (PackageDescriptor, "", "either"),
        (PackageDescriptor, '[buildpack]\nuri = "."\n[extension]\nuri = "."\n', "either"),
        (PackageDescriptor, '[buildpack]\nuri = "."\n[[dependencies]]\n', "either uri or image"),
        (PackageDescriptor, '[extension]\nuri = "."\n[[dependencies]]\nuri = "x"\n', "no dep"),
        (PackageDescriptor, '[buildpack]\nurl = "."\n', "did you mean uri"),
    ],
)
def test_what_pack_refuses_is_refused(kind: type[Document], text: str, fault: str) -> None:
    with pytest.raises(InvalidDocument) as caught:
        kind.loads(text)
    assert fault in str(caught.value)


V1 = """
[project]
id = "x"
name = "X"
[[project.licenses]]
type = "MIT"
[build]
builder = "b"
exclude = ["*.md"]
[[build.buildpacks]]
id = "a"
version = "1.2.3"
[[build.env]]
name = "K"
value = "v"
[metadata]
m = 1
"""
V2 = """
[_]
schema-version = "0.2"
id = "x"
name = "X"
[[_.licenses]]
type = "MIT"
[_.metadata]
m = 1
[io.buildpacks]
builder = "b"
exclude = ["*.md"]
[[io.buildpacks.group]]
id = "a"
version = "1.2.3"
[[io.buildpacks.build.env]]
name = "K"
value = "v"
[com.example]
other = true
"""


def test_the_old_and_the_new_form_say_the_same() -> None:
    old, old_notes = read_project(V1)
    new, new_notes = read_project(V2)
    assert old.io == new.io
    assert old.about.replace(schema_version="0.2") == new.about
    assert (old_notes, new_notes) == ([], [])
    assert new.io.buildpacks.variables == {"K": "v"}


def test_variables_in_the_form_of_early_files_are_found_too() -> None:
    text = V2.replace("io.buildpacks.build.env", "io.buildpacks.env.build")
    assert read_project(text)[0].io.buildpacks.variables == {"K": "v"}


def test_unknown_keys_of_a_project_are_told_and_do_no_harm() -> None:
    read, notes = read_project(V2.replace("builder =", "bilder ="))
    assert read.io.buildpacks.builder is None
    assert notes == ["line 11: io.buildpacks.bilder: unknown key; did you mean builder?"]


def test_a_project_without_a_version_is_an_old_one_as_to_pack() -> None:
    assert read_project('[io.buildpacks]\nbuilder = "b"\n') == (
        Project(),
        ['[io.buildpacks] is not read: write `schema-version = "0.2"` below [_]'],
    )
    assert read_project("[tool.x]\ny = 1\n") == (Project(), [])


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (V2.replace('"0.2"', '"0.9"', 1), "line 3: _.schema-version"),
        (V2.replace("exclude", 'include = ["a"]\nexclude'), "exclude each other"),
        (V2.replace('id = "a"', 'uri = "a"'), "uri and version exclude each other"),
        (V2.replace('id = "a"', ""), "id or uri is required"),
        (V1.replace('id = "a"', 'uri = "a"'), "line 10: build.buildpacks[0]"),
        ("_ = 5", "_"),
    ],
)
def test_what_a_project_cannot_mean_is_refused(text: str, fault: str) -> None:
    with pytest.raises(InvalidDocument) as caught:
        read_project(text)
    assert fault in str(caught.value)


@given(st.binary() | TEXT.map(str.encode))
def test_any_bytes_are_a_project_or_an_invalid_document(data: bytes) -> None:
    with suppress(InvalidDocument):
        read_project(data)


@pytest.mark.parametrize("version", ["0.9", "0.2", "0.13", "1.0", "", "0.x"])
def test_an_api_this_writes_not_for_is_refused_with_what_to_do(version: str) -> None:
    with pytest.raises(ValueError, match="Buildpack API") as caught:
        api_version(version)
    assert ("older than 0.10" in str(caught.value)) == (version in ("0.9", "0.2"))


def test_files_of_the_lifecycle_may_grow_keys() -> None:
    text = encode({"image": {"tags": ["a"], "digest": "d", "new": 1}, "build": {}})
    assert files.Report.loads(text).image.digest == "d"


BROKEN_BUILDER = """\
[[buildpacks]]
uri = "a"
image = "b"
odd = 1
[[buildpacks]]
[lifecycle]
uri = "x"
version = "1"
[[order]]
"""
BROKEN_BUILDPACK = """\
api = "0.9"
[buildpack]
id = "a b"
version = "1.2.3"
[[targets]]
os = "linux"
[[stacks]]
id = "x"
[[order]]
group = []
"""
TWICE = """
[buildpack]
uri = "."
[extension]
uri = "."
"""


@pytest.mark.parametrize(
    ("kind", "text", "faults"),
    [
        (
            BuilderDescriptor,
            BROKEN_BUILDER,
            [
                (4, "buildpacks[0].odd: unknown key"),
                (1, "buildpacks[0]: give either uri or image"),
                (5, "buildpacks[1]: give either uri or image"),
                (6, "lifecycle: give either uri or version"),
                (9, "order[0].group: is required"),
            ],
        ),
        (
            PackageDescriptor,
            TWICE + "[[dependencies]]\nuri = 5\n",
            [
                (7, "dependencies[0].uri: Input should be a valid string"),
                (None, "give either [buildpack] or [extension]"),
            ],
        ),
        (
            PackageDescriptor,
            TWICE + "odd = 1\n",
            [(6, "extension.odd: unknown key")],
        ),
        (
            PackageDescriptor,
            f"odd = 1\n{TWICE}",
            [(1, "odd: unknown key"), (None, "give either [buildpack] or [extension]")],
        ),
        (
            BuildpackDescriptor,
            BROKEN_BUILDPACK,
            [
                (1, "api: "),
                (3, "buildpack.id: "),
                (None, "[[order]] and [[targets]] exclude each other"),
                (None, "[[order]] and [[stacks]] exclude each other"),
                (None, "an [[order]] needs at least one [[order.group]]"),
            ],
        ),
    ],
    ids=[
        "tables",
        "wrong elsewhere",
        "the rule reads what is wrong",
        "key beside",
        "several rules",
    ],
)
def test_rules_over_several_fields_are_told_with_all_other_faults(
    kind: type[Document], text: str, faults: list[tuple[int | None, str]]
) -> None:
    with pytest.raises(InvalidDocument) as caught:
        kind.loads(text)
    found = [(each.line, str(each)) for each in caught.value.faults]
    for line, what in faults:
        assert any(what in said and line in (None, at) for at, said in found), (what, found)
    rules = ("give either", "exclude", "needs at least")
    said = str(found)
    assert sum(said.count(each) for each in rules) == sum(
        any(rule in what for rule in rules) for _, what in faults
    )
