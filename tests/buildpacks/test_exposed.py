"""Passwords in requirements are told, variables are not, and no kept lock has one."""

from __future__ import annotations

import pytest

from cnbkit_pip.exposed import exposed, without_logins


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("--index-url https://me:hunter2@host.example/simple", [("host.example", "hunter2")]),
        ("--extra-index-url=https://tok3n@host.example:8080/s", [("host.example:8080", "tok3n")]),
        ("foo @ git+https://me:tok3n@host.example/r.git@v1", [("host.example", "tok3n")]),
        ('url = "https://me:hunter2@host.example/simple"', [("host.example", "hunter2")]),
        ("--index-url https://me:${PASSWORD}@host.example/simple", []),
        ("--index-url https://${TOKEN}@host.example/simple", []),
        ("foo @ git+ssh://git@host.example/r.git", []),
        ("foo @ https://host.example/a@b/foo.whl", []),
        ("# https://me:hunter2@host.example/", []),
        ("flask==3.0", []),
    ],
)
def test_passwords_are_found_in_addresses(line: str, found: list[tuple[str, str]]) -> None:
    places = exposed({"requirements.txt": f"six\n{line}\n"})
    assert [(each.host, each.secret) for each in places] == found
    assert {each.where for each in places} <= {"requirements.txt:2"}


def test_logins_are_taken_out_and_nothing_else_changes() -> None:
    text = 'url = "https://me:tok3n@host/a@b.whl"\nname = "x"\nother = "http://host/c"\n'
    plain = text.replace("me:tok3n@", "")
    assert without_logins(text) == plain
    assert without_logins(plain) == plain
