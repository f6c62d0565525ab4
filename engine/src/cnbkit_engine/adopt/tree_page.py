"""The report on a folder's Dockerfiles as a page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnbkit_engine.page.document import document, section, table, text

if TYPE_CHECKING:
    from cnbkit_engine.adopt.tree import Tree

__all__ = ["tree_page"]

_STYLE = """
.bar{display:flex;height:.7rem;border-radius:.35rem;overflow:hidden;margin:.6rem 0;
background:var(--line)}
.bar i{display:block}.bar .covered{background:var(--good)}.bar .default{background:var(--new)}
.bar .needs{background:var(--warn)}
"""


def tree_page(tree: Tree) -> str:
    """One self-contained page."""
    covered, default, needs = tree.totals
    cards = (
        (len(tree.rows), "Dockerfiles"),
        (len(tree.images), "base images"),
        (len(tree.combinations), "combinations left"),
        (f"{100 * (covered + default) // max(covered + default + needs, 1)} %", "of lines covered"),
    )
    parts = [
        f"<p>{text(tree.summary)}</p>",
        '<div class="cards">'
        + "".join(
            f'<div class="card"><b>{text(number)}</b><span>{text(what)}</span></div>'
            for number, what in cards
        )
        + "</div>",
        '<div class="bar">'
        + "".join(
            f'<i class="{kind}" style="flex:{count}" title="{text(f"{count} lines {says}")}"></i>'
            for kind, count, says in (
                ("covered", covered, "covered by files"),
                ("default", default, "covered by default"),
                ("needs", needs, "need you"),
            )
        )
        + "</div>",
        section(
            "What they come down to",
            table(("combination", "Dockerfiles"), tree.combinations, numbers=(1,)),
        ),
        section(
            "Dockerfiles",
            table(
                ("file", "base image", "combination", "covered", "default", "needs you"),
                [
                    (row.path, row.image, row.combination, row.covered, row.default, row.needs)
                    for row in tree.rows
                ],
                numbers=(3, 4, 5),
            ),
        ),
        section("Base images", table(("image", "Dockerfiles"), tree.images, numbers=(1,))),
        section("Why lines need you", table(("reason", "lines"), tree.reasons.items(), (1,))),
    ]
    if tree.unread:
        parts.append(section("Not read", table(("file", "why"), tree.unread.items())))
    return document(f"Dockerfiles of {tree.folder}", parts, style=_STYLE)
