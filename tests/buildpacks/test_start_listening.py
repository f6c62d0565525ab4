"""Where a program listens, as its code says it."""

from __future__ import annotations

import ast

import pytest

from cnbkit_start.listening import loopback


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
