"""Models: validation, laziness, and what an instance promises."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

import cnbkit
from cnbkit.errors import InvalidDocument
from cnbkit.spec import names
from cnbkit.spec.build_plan import BuildpackPlan, BuildPlan, Plan, Provide, Require
from cnbkit.spec.launch import Build, Label, Launch, Process, Slice, Store, Unmet
from cnbkit.spec.model import Model, field
from cnbkit.spec.toml import Document, encode

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
TABLES = st.dictionaries(
    TEXT,
    st.recursive(
        st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | TEXT,
        lambda each: st.lists(each, max_size=3) | st.dictionaries(TEXT, each, max_size=3),
        max_leaves=6,
    ),
    max_size=3,
)
TEXTS = st.lists(TEXT, max_size=3)
TYPES = st.text("abcXYZ019._-", min_size=1, max_size=6).filter(lambda name: name not in (".", ".."))
PROCESSES = st.builds(
    Process,
    type=TYPES,
    command=TEXTS,
    args=TEXTS,
    default=st.booleans(),
    working_dir=st.none() | TEXT,
    exec_env=TEXTS,
)
LAUNCHES = st.builds(
    Launch,
    labels=st.lists(st.builds(Label, key=TEXT, value=TEXT), max_size=3),
    processes=st.lists(PROCESSES, max_size=3),
    slices=st.lists(st.builds(Slice, paths=TEXTS), max_size=3),
)
REQUIRES = st.lists(st.builds(Require, name=TEXT, metadata=TABLES), max_size=3)
PLANS = st.builds(
    BuildPlan,
    provides=st.lists(st.builds(Provide, name=TEXT), max_size=3),
    requires=REQUIRES,
)
DOCUMENTS = (
    LAUNCHES
    | PLANS
    | st.builds(Store, metadata=TABLES)
    | st.builds(Build, unmet=st.lists(st.builds(Unmet, name=TEXT), max_size=3))
)


class Inner(Model):
    name: str
    size: int = 0


class Outer(Model, hyphens=True):
    first_name: str = field(check=names.layer_name)
    inner: Inner
    others: list[Inner] = field(default_factory=list)
    by_name: dict[str, Inner] = field(default_factory=dict)
    limit: ClassVar[int] = 3
    maybe: str | None = None
    odd_key: str = field(default="", toml="Odd Key")


class Derived(Outer):
    more: int = 1


@given(DOCUMENTS)
def test_every_document_reads_back_what_it_writes(document: Document) -> None:
    assert type(document).loads(document.dumps()) == document


@given(DOCUMENTS)
def test_equal_documents_have_equal_hashes(document: Document) -> None:
    again = type(document).loads(document.dumps())
    assert hash(again) == hash(document)


@given(st.sampled_from([Launch, BuildPlan, BuildpackPlan, Store, Build]), st.binary())
def test_arbitrary_bytes_are_read_or_refused_as_an_invalid_document(
    kind: type[Document], data: bytes
) -> None:
    with suppress(InvalidDocument):
        kind.loads(data)


@given(LAUNCHES, st.data())
def test_arbitrary_values_anywhere_are_read_or_refused_as_an_invalid_document(
    launch: Launch, data: st.DataObject
) -> None:
    plain = launch.to_plain()
    at: Any = plain
    while True:
        keys = list(at) if isinstance(at, dict) else list(range(len(at)))
        if isinstance(at, dict):
            keys.append("unheard-of")
        if not keys:
            return
        key = data.draw(st.sampled_from(keys))
        below = at.get(key) if isinstance(at, dict) else at[key]
        if isinstance(below, dict | list) and data.draw(st.booleans()):
            at = below
            continue
        at[key] = data.draw(st.booleans() | TEXT | TABLES | st.lists(TABLES, max_size=2))
        break
    with suppress(InvalidDocument):
        Launch.loads(encode(plain))


def test_all_faults_come_at_once_each_with_its_place() -> None:
    with pytest.raises(InvalidDocument) as caught:
        Outer.parse(
            {
                "first-name": "../evil",
                "inner": {"size": "3", "colour": "red"},
                "others": [{"name": "ok"}, {"name": 5}],
                "by-name": {"k": {"name": "n", "size": 1.5}},
                "extra": 1,
            },
            name="outer.toml",
            where="/x/outer.toml",
        )
    text = {str(fault).partition(":")[0]: fault.message for fault in caught.value.faults}
    assert set(text) == {
        "first-name",
        "inner.name",
        "inner.size",
        "inner.colour",
        "others[1].name",
        "by-name.k.size",
        "extra",
    }
    assert text["inner.name"] == "is required"
    assert text["inner.colour"] == "unknown key; known are name, size"
    assert text["extra"].startswith("unknown key; known are Odd Key, by-name")
    assert "'/'" in text["first-name"]
    shown = str(caught.value)
    assert "outer.toml has 7 faults" in shown
    assert "/x/outer.toml" in shown
    assert all(str(fault) in shown for fault in caught.value.faults)


def test_a_single_fault_is_the_whole_message() -> None:
    with pytest.raises(InvalidDocument) as caught:
        Inner.parse({"name": "n", "sise": 1}, name="inner.toml")
    assert caught.value.what == "inner.toml is not valid: sise: unknown key; did you mean size?"


def test_a_key_that_would_not_be_seen_is_shown_quoted() -> None:
    with pytest.raises(InvalidDocument) as caught:
        Inner.parse({"name": "n", "\r": 1, "": 1, "\u2028": 1, "odd key": 1}, name="inner.toml")
    keys = [str(fault).partition(":")[0] for fault in caught.value.faults]
    assert keys == [r"'\r'", "''", r"'\u2028'", "odd key"]
    assert all(str(fault) in str(caught.value) for fault in caught.value.faults)


@pytest.mark.parametrize("data", [[], "text", 5, None, {"first-name": []}, {1: 2}])
def test_data_of_any_other_shape_is_an_invalid_document(data: Any) -> None:
    with pytest.raises(InvalidDocument):
        Outer.parse(data)


@pytest.mark.parametrize("value", ["1", 1.0, True, [1]])
def test_nothing_is_converted_silently(value: Any) -> None:
    with pytest.raises(InvalidDocument, match="size"):
        Inner.parse({"name": "n", "size": value})


def test_keys_have_hyphens_where_declared_and_only_there() -> None:
    outer = Outer(first_name="a", inner=Inner(name="i"), odd_key="x")
    plain = outer.to_plain()
    assert plain == {"first-name": "a", "inner": {"name": "i", "size": 0}, "Odd Key": "x"}
    assert Outer.parse(plain) == outer
    with pytest.raises(InvalidDocument, match="first_name"):
        Outer.parse({"first_name": "a", "first-name": "a", "inner": {"name": "i"}})


def test_fields_and_hyphens_are_inherited() -> None:
    derived = Derived.parse({"first-name": "a", "inner": {"name": "i"}, "more": 2})
    assert (derived.first_name, derived.more) == ("a", 2)


def test_a_class_variable_is_not_a_field() -> None:
    assert Outer.limit == 3
    assert "limit" not in Outer.__fields__
    with pytest.raises(TypeError, match="no field limit"):
        Outer(first_name="a", inner=Inner(name="i"), limit=4)  # type: ignore[call-arg]


def test_unset_values_are_left_out() -> None:
    assert Process(type="web", command=["x"]).to_plain() == {
        "type": "web",
        "command": ["x"],
        "default": False,
    }


def test_unknown_keys_pass_where_the_lifecycle_may_add_some() -> None:
    plan = BuildpackPlan.loads('new = 1\n[[entries]]\nname = "x"\nfrom = "y"\n')
    assert [entry.name for entry in plan.entries] == ["x"]


def test_an_instance_cannot_be_changed() -> None:
    inner = Inner(name="i")
    with pytest.raises(AttributeError, match="frozen"):
        inner.name = "j"  # type: ignore[misc]
    with pytest.raises(AttributeError, match="frozen"):
        inner.unheard = 1
    with pytest.raises(AttributeError, match="frozen"):
        del inner.name
    assert inner.replace(name="j") == Inner(name="j")
    assert inner == Inner(name="i")


def test_a_parsed_instance_equals_one_made_in_code() -> None:
    parsed = Inner.parse({"name": "i", "size": 2})
    assert parsed == Inner(name="i", size=2)
    assert repr(parsed) == "Inner(name='i', size=2)"
    assert parsed != Outer(first_name="a", inner=parsed)


def test_the_order_of_a_table_does_not_make_a_difference() -> None:
    one, other = Store(metadata={"a": 1, "b": [2]}), Store(metadata={"b": [2], "a": 1})
    assert one == other
    assert len({one, other}) == 1


def test_defaults_are_not_shared_between_instances() -> None:
    one, other = Store(), Store()
    one.metadata["x"] = 1
    assert other.metadata == {}


class Mutable(Model):
    names: list[str] = []  # noqa: RUF012
    table: dict[str, list[str]] = {"a": ["b"]}  # noqa: RUF012


def test_neither_a_default_nor_a_given_value_is_shared() -> None:
    given = ["x"]
    first, second = Mutable(names=given), Mutable()
    given.append("y")
    second.table["a"].append("c")
    Mutable.parse({}).names.append("z")
    assert first == Mutable(names=["x"])
    assert Mutable() == Mutable.parse({}) == Mutable(names=[], table={"a": ["b"]})


def test_making_an_instance_needs_every_field_without_a_default() -> None:
    with pytest.raises(TypeError, match="Inner needs name="):
        Inner()  # type: ignore[call-arg]


def test_making_an_instance_runs_the_cheap_checks() -> None:
    with pytest.raises(ValueError, match="a process type"):
        Process(type="a/b", command=["x"])


def test_a_field_cannot_take_the_name_of_a_method() -> None:
    with pytest.raises(TypeError, match="replace would hide a method"):
        type("Bad", (Model,), {"__annotations__": {"replace": "str"}})


def test_a_model_can_stand_in_another_model_as_an_instance() -> None:
    inner = Inner(name="i")
    assert Outer.parse({"first-name": "a", "inner": inner}).inner == inner


def test_making_and_writing_models_imports_neither_pydantic_nor_tomllib() -> None:
    code = f"""
import sys
sys.path[:0] = [{str(Path(cnbkit.__file__).parents[1])!r}, {sysconfig.get_path("purelib")!r}]
from cnbkit.spec.model import Model, field
from cnbkit.spec.buildpack import BuildpackDescriptor, BuildpackInfo
from cnbkit.spec.launch import Launch, Process
class Mine(Model, hyphens=True):
    some_name: str
    many: dict[str, list[int]] = field(default_factory=dict)
print(Mine(some_name="x").to_plain())
print(Launch(processes=[Process(type="web", command=["x"])]).dumps())
BuildpackDescriptor(api="0.12", buildpack=BuildpackInfo(id="a", version="1.2.3")).dumps()
heavy = {{"pydantic", "pydantic_core", "typing", "re", "inspect", "tomllib", "pathlib"}}
assert not heavy & set(sys.modules), heavy & set(sys.modules)
"""
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "{'some-name': 'x'}" in done.stdout


def test_an_empty_document_is_an_empty_file() -> None:
    assert Launch().dumps() == ""
    assert Launch.loads("") == Launch()
    assert Plan().document() == BuildPlan.loads("")
