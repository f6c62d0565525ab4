"""TOML in and out."""

from __future__ import annotations

import tomllib
from contextlib import suppress
from typing import Any

import pytest
import tomli_w
from hypothesis import given, settings
from hypothesis import strategies as st

from cnbkit.errors import BuildpackFault, InvalidDocument
from cnbkit.spec.toml import decode, encode

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
SCALARS = (
    st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False)
    | st.datetimes()
    | st.dates()
    | st.times()
    | TEXT
)
TABLES = st.dictionaries(
    TEXT,
    st.recursive(
        SCALARS,
        lambda each: st.lists(each, max_size=3) | st.dictionaries(TEXT, each, max_size=3),
        max_leaves=8,
    ),
    max_size=4,
)


@given(TABLES)
def test_what_is_encoded_decodes_to_the_same(table: dict[str, Any]) -> None:
    assert decode(encode(table), name="x") == table


@given(TABLES)
def test_text_and_its_bytes_decode_alike(table: dict[str, Any]) -> None:
    text = encode(table)
    assert decode(text.encode(), name="x") == decode(text, name="x")


@given(st.binary() | st.text().map(lambda text: text.encode(errors="surrogatepass")))
def test_any_bytes_decode_or_are_an_invalid_document(data: bytes) -> None:
    with suppress(InvalidDocument):
        decode(data, name="x")


def test_a_byte_that_is_not_utf8_is_named_with_its_line() -> None:
    with pytest.raises(InvalidDocument) as caught:
        decode(b'a = 1\nb = "\xe9"\n', name="buildpack.toml", where="/bp/buildpack.toml")
    assert str(caught.value).splitlines()[:2] == [
        "Error: buildpack.toml is not valid: line 2: byte 0xe9 is not UTF-8",
        "  where: /bp/buildpack.toml:2",
    ]


def test_a_syntax_error_is_named_with_line_and_column() -> None:
    with pytest.raises(InvalidDocument, match=r"line 2: not TOML: .* .column 5."):
        decode("a = 1\nb = ]\n", name="x")


@pytest.mark.parametrize(
    "text",
    [
        "a = " + "9" * 5000,
        "a = " + "[" * 100_000,
        "a = " + "{a=" * 20_000,
        "a = 2023-13-45",
        "a = 1\na = 2",
        "[a]\n[a]",
        "a.b = 1\n[a]",
        "\0",
        "a = '''",
    ],
    ids=lambda text: text[:12],
)
def test_toml_made_to_hurt_is_an_invalid_document(text: str) -> None:
    with pytest.raises(InvalidDocument, match="not TOML"):
        decode(text, name="x")


def test_mixed_lists_are_toml() -> None:
    assert decode('a = [1, "x"]', name="x") == {"a": [1, "x"]}


PLAIN = st.dictionaries(
    TEXT,
    st.recursive(
        st.booleans() | st.integers() | TEXT | st.text('"\\\n\t\x7f\0 #[]=.\u2028'),
        lambda each: st.lists(each, max_size=3) | st.dictionaries(TEXT, each, max_size=3),
        max_leaves=12,
    ),
    max_size=4,
)


@given(PLAIN)
@settings(max_examples=300)
def test_plain_tables_decode_to_the_same_and_as_the_library_writes_them(
    table: dict[str, Any],
) -> None:
    assert decode(encode(table), name="x") == table == tomllib.loads(tomli_w.dumps(table))


def test_what_people_read_is_laid_out_for_them() -> None:
    table = {
        "t": {"empty": {}, "a b": [1, True, {"x": "\n"}]},
        "s": 'say "x"',
        "many": [{"n": 1, "of": [{"m": {}}]}, {}],
    }
    assert encode(table) == (
        's = "say \\"x\\""\n\n[t]\n"a b" = [1, true, {x = "\\u000a"}]\n\n[t.empty]\n\n'
        "[[many]]\nn = 1\n\n[[many.of]]\n\n[many.of.m]\n\n[[many]]\n"
    )


def test_what_is_no_text_is_refused_before_it_is_written() -> None:
    for value in ("caf\udce9", [0.5, "caf\udce9"]):
        with pytest.raises(BuildpackFault, match=r"not UTF-8: .*caf.udce9") as caught:
            encode({"ok": 1, "drink": value})
        assert caught.value.remedy
