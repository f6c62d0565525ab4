"""`cnbkit adopt`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from cnbkit.errors import UserFault
from cnbkit_engine.cli.progress import at_work
from cnbkit_engine.cli.say import say
from cnbkit_engine.cli.written import write_files

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cnbkit_engine.adopt.adoption import Adoption
    from cnbkit_engine.adopt.tree import Tree

__all__ = ["command"]

_TEXT, _LISTED = 60, 20


@click.command("adopt")
@click.argument("dockerfile", type=click.Path(path_type=Path, dir_okay=False), required=False)
@click.option("--check", is_flag=True, help="Print what would be written, and write nothing.")
@click.option(
    "--context",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    metavar="DIR",
    help="The folder it is built in; the nearest that has what it copies if not given.",
)
@click.option("--target", metavar="STAGE", default="", help="The stage that is the image.")
@click.option("--build-arg", "arguments", metavar="K=V", multiple=True, help="Value of an ARG.")
@click.option(
    "--report",
    "folder",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    metavar="DIR",
    help="Instead: a table of all Dockerfiles below DIR; writes nothing there.",
)
@click.option(
    "--html",
    "page",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write the table of --report as a page.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(
    dockerfile: Path | None,
    check: bool,
    context: Path | None,
    target: str,
    arguments: tuple[str, ...],
    folder: Path | None,
    page: Path | None,
    as_json: bool,
) -> None:
    """Write the files that replace DOCKERFILE, and say what becomes of each of its lines.

    Nothing is overwritten: for a file that is there, what to add is printed.
    """
    if folder is not None:
        _report(folder, page, as_json=as_json)
        return
    if page is not None:
        raise UserFault("--html is for --report", remedy="add --report DIR")
    from cnbkit_engine.adopt.adoption import adopted
    from cnbkit_engine.adopt.files import SCRIPTS

    given = dict(argument.partition("=")[::2] for argument in arguments)
    found = adopted(
        dockerfile or Path("Dockerfile"), context=context, target=target, arguments=given
    )
    if not check:
        write_files(found.context, found.files, option="--context", executable=SCRIPTS, inside=True)
    if as_json:
        import json

        say(json.dumps(_object(found), indent=2, ensure_ascii=False))
        return
    for line in _told(found, check=check):
        say(line)


def _told(found: Adoption, *, check: bool) -> Iterator[str]:
    from cnbkit_engine.adopt.findings import State

    verdicts = found.findings.verdicts
    width = min(max(len(each.text) for each in verdicts), _TEXT)
    for each in verdicts:
        shown = each.text if len(each.text) <= width else each.text[: width - 1] + "…"
        yield f"{each.line:>4}  {shown:<{width}}  {each.state.value}: {each.why}"
    yield ""
    for name, text in found.files.items():
        yield f"{name}:" if check else f"Written {name}:"
        yield from (f"  {line}" for line in text.splitlines()[:_LISTED])
    for name, text in found.merge.items():
        yield f"{name} is there and stays as it is. What the Dockerfile says would be:"
        yield from (f"  {line}" for line in text.splitlines()[:_LISTED])
    if not found.files and not found.merge:
        yield "No file is needed: the app says all this already."
    needs = found.findings.count(State.NEEDS)
    covered, default = found.findings.count(State.COVERED), found.findings.count(State.DEFAULT)
    yield ""
    yield (
        f"{covered + default} of {len(verdicts)} lines are covered, {default} of them by default;"
        f" {needs} need{'s' if needs == 1 else ''} you."
    )
    yield f"Next: cnbkit plan {found.context}"


def _object(found: Adoption) -> dict[str, object]:
    return {
        "dockerfile": str(found.dockerfile),
        "context": str(found.context),
        "lines": [
            {"line": each.line, "text": each.text, "state": each.state.value, "why": each.why}
            for each in found.findings.verdicts
        ],
        "files": dict(found.files),
        "merge": dict(found.merge),
    }


def _report(folder: Path, page: Path | None, *, as_json: bool) -> None:
    from cnbkit_engine.adopt.tree import surveyed

    with at_work(f"reading the Dockerfiles in {folder}"):
        tree = surveyed(folder)
    if page is not None:
        from cnbkit_engine.adopt.tree_page import tree_page

        write_files(page.parent, {page.name: tree_page(tree)}, option="--html")
        say(f"Written {page}", err=True)
    if as_json:
        import json

        say(json.dumps(tree.as_json(), indent=2, ensure_ascii=False))
        return
    for line in _table(tree):
        say(line)


def _table(tree: Tree) -> Iterator[str]:
    rows = [
        (row.path, row.image, row.combination, str(row.covered + row.default), str(row.needs))
        for row in tree.rows
    ]
    head = ("Dockerfile", "base image", "combination", "covered", "needs you")
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    for row in (head, *rows):
        yield "  ".join(
            f"{cell:>{width}}" if column > 2 else f"{cell:<{width}}"
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
    yield ""
    for combination, count in tree.combinations:
        yield f"{count:>4}  {combination}"
    yield ""
    yield from (f"Not read: {path}: {why}" for path, why in tree.unread.items())
    yield tree.summary
