"""A page is one file, and nothing that others wrote is markup in it."""

from __future__ import annotations

from cnbkit_engine.page.document import document, section, table, text


def test_text_is_no_markup() -> None:
    assert text("<b>&\"'") == "&lt;b&gt;&amp;&quot;&#x27;"


def test_control_characters_are_shown_as_such() -> None:
    assert text("a\x1b[31mb\u202ec\x9f") == "a\ufffd[31mb\ufffdc\ufffd"
    assert text("\udcff") == "\\udcff"


def test_what_stands_in_tables_and_titles_is_text() -> None:
    made = document(
        "<i>", [section("<u>", table(("<a>", "<q>"), [("<script>x</script>", 1)], (1,)))]
    )
    assert "<script" not in made
    assert "<i>" not in made
    assert "<u>" not in made
    assert "<a>" not in made
    assert '<td class="number" data-head="&lt;q&gt;">1</td>' in made


def test_nothing_is_fetched_or_run() -> None:
    made = document("t", [])
    assert "default-src 'none'" in made
    assert 'name="viewport"' in made
    assert "http://" not in made
    assert "https://" not in made
