"""The frame of a page, and tables in it."""

from __future__ import annotations

import re
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["document", "section", "table", "text"]

_STYLE = """
:root{--ink:#1c2330;--soft:#5c6675;--line:#d9dee6;--back:#fff;--card:#f5f7fa;--new:#2f6fde;
--kept:#7a8699;--good:#1d7f4e;--warn:#a65b00}
@media(prefers-color-scheme:dark){:root{--ink:#e6eaf1;--soft:#9aa5b5;--line:#323a47;--back:#14181f;
--card:#1d232d;--new:#6ea0ff;--kept:#67748a;--good:#5fc792;--warn:#e0a04a}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:70rem;padding:1.2rem;background:var(--back);color:var(--ink);
font:15px/1.5 system-ui,sans-serif}
h1{font-size:1.5rem;margin:.2rem 0;overflow-wrap:anywhere}
h2{font-size:1.1rem;margin:2rem 0 .6rem}
p{margin:.3rem 0;color:var(--soft)}
.wide{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:.9rem}
th,td{text-align:left;padding:.3rem .7rem .3rem 0;border-bottom:1px solid var(--line);
vertical-align:top;overflow-wrap:anywhere}
td{min-width:4rem}
th{color:var(--soft);font-weight:500}
.number{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
code{font-family:ui-monospace,monospace;font-size:.9em;overflow-wrap:anywhere}
.cards{display:flex;flex-wrap:wrap;gap:.6rem;margin:1rem 0}
.card{background:var(--card);border-radius:.5rem;padding:.6rem .9rem;flex:1 1 8rem}
.card b{display:block;font-size:1.3rem;font-weight:600}
.card span{color:var(--soft);font-size:.85rem}
.needs{color:var(--warn)}.covered{color:var(--good)}
@media(max-width:40rem){
thead{display:none}
tr{display:flex;flex-wrap:wrap;gap:0 1rem;padding:.35rem 0;border-bottom:1px solid var(--line)}
td{border:0;padding:0;min-width:0}
td:first-child{flex:0 0 100%}
td:empty{display:none}
td[data-head]:before{content:attr(data-head)" ";color:var(--soft)}}
"""


# Control characters, and those that turn the writing direction.
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def text(value: object) -> str:
    """A value as HTML: nothing in it is markup or a control character."""
    shown = _CONTROL.sub("\ufffd", str(value)).encode(errors="backslashreplace").decode()
    return escape(shown)


def document(title: str, parts: Iterable[str], *, style: str = "") -> str:
    """A whole page.

    Args:
        title: for its head and its first line, not yet HTML.
        parts: HTML.
        style: more CSS.
    """
    body = "\n".join(parts)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        # A page is made of what strangers wrote: should anything slip through, it cannot run.
        '<meta http-equiv="Content-Security-Policy"'
        " content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<title>{text(title)}</title><style>{_STYLE}{style}</style></head>\n"
        f"<body><main><h1>{text(title)}</h1>\n{body}\n</main></body></html>\n"
    )


def section(title: str, *parts: str) -> str:
    """A part of a page under a heading."""
    return f"<section><h2>{text(title)}</h2>\n" + "\n".join(parts) + "\n</section>"


def table(
    head: Sequence[str], rows: Iterable[Sequence[object]], numbers: Sequence[int] = ()
) -> str:
    """A table of plain values; on a telephone a block for each row, which names its columns.

    Args:
        head: its columns.
        rows: their values.
        numbers: columns that are numbers.
    """

    def cells(tag: str, values: Sequence[object]) -> str:
        made = ""
        for place, value in enumerate(values):
            kind = ' class="number"' if place in numbers else ""
            if tag == "td" and place:
                kind += f' data-head="{text(head[place])}"'
            made += f"<{tag}{kind}>{text(value)}</{tag}>"
        return f"<tr>{made}</tr>"

    body = "\n".join(cells("td", row) for row in rows)
    return (
        f'<div class="wide"><table><thead>{cells("th", head)}</thead>\n'
        f"<tbody>{body}</tbody></table></div>"
    )
