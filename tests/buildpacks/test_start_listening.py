"""Where a program listens, and whether it waits for people, as its code says it."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

import pytest

from cnbkit_start import Start
from cnbkit_start.listening import loopback

if TYPE_CHECKING:
    from tests.buildpacks.conftest import Phases


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ('app.run(host="127.0.0.1")', ("127.0.0.1", 2)),
        ('app.run("localhost", 80)', ("localhost", 2)),
        ('HTTPServer(("::1", 8000), Handler)', ("::1", 2)),
        ("uvicorn.run(app)", ("127.0.0.1", 2)),
        ("uvicorn.run(app, port=8000)", ("127.0.0.1", 2)),
        ('uvicorn.run(app, host="0.0.0.0")', ("", 0)),
        ("uvicorn.run(app, **options)", ("", 0)),
        ("uvicorn.run(app, host=host)", ("", 0)),
        ('app.run(host="0.0.0.0")', ("", 0)),
        ("app.run()", ("", 0)),
        ('redis.Redis(host="localhost")', ("", 0)),
        ('connect(("127.0.0.1", 5432))', ("", 0)),
    ],
)
def test_the_address_is_told_where_others_do_not_reach_it(
    line: str, found: tuple[str, int]
) -> None:
    assert loopback(ast.parse(f"import os\n{line}\n").body) == found


@pytest.mark.parametrize(
    ("code", "line"),
    [
        ("text = input('Say: ')\n", 1),
        ("def ask():\n    return input()\n\n\nprint(ask())\n", 2),
        ("def input(text):\n    return text\n\n\nprint(input('x'))\n", 0),
        ("print('input()')\n", 0),
    ],
)
def test_a_script_that_waits_for_somebody_to_type_is_told(
    phases: Phases, code: str, line: int
) -> None:
    phases.write("main.py", code)
    ran = phases.build(Start())
    told = f"main.py:{line} waits for somebody to type (input())"
    assert (told in ran.err) is bool(line)
    assert ran.code == 0
