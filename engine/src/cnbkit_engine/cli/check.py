"""`cnbkit check`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from cnbkit.errors import UserFault
from cnbkit_engine.cli.say import say

__all__ = ["command"]


@click.command("check")
@click.argument("paths", metavar="[DIR]...", nargs=-1, type=click.Path(path_type=Path, exists=True))
@click.option("--strict", is_flag=True, help="Fail on warnings too.")
@click.option("--fix", is_flag=True, help="Write the table of settings into each README.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_context
def command(
    ctx: click.Context, paths: tuple[Path, ...], strict: bool, fix: bool, as_json: bool
) -> None:
    """Look for mistakes in buildpacks and builders, without building.

    DIR is the folder of a buildpack, a composite, an extension or a builder (or its
    builder.toml); this one if not given. Of a builder, every buildpack it names by folder is
    checked as well. Exit status 65 if something cannot work.
    """
    from cnbkit_engine.lint import check

    found = sorted({finding for path in paths or (Path(),) for finding in check(path, fix=fix)})
    errors = sum(finding.severity == "error" for finding in found)
    warnings = len(found) - errors
    if as_json:
        document = {
            "errors": errors,
            "warnings": warnings,
            "findings": [
                {
                    "severity": each.severity,
                    "file": each.file,
                    "line": each.line or None,
                    "rule": each.rule,
                    "what": each.what,
                    "remedy": each.remedy,
                }
                for each in found
            ],
        }
        say(json.dumps(document, indent=2))
    else:
        for each in found:
            say(f"{each.where}: {each.severity}: {each.what}\n    to do: {each.remedy}")
        say(f"{_count(errors, 'error')}, {_count(warnings, 'warning')}")
    if errors or (strict and warnings):
        ctx.exit(UserFault.exit_code)


def _count(number: int, noun: str) -> str:
    return f"{number or 'no'} {noun}{'' if number == 1 else 's'}"
