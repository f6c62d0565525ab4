from __future__ import annotations

from typing import TYPE_CHECKING

from hello_buildpack import Hello

if TYPE_CHECKING:
    from cnbkit.testing import BuildpackRun


def test_it_prints_hello_txt(buildpack_run: BuildpackRun) -> None:
    result = buildpack_run(Hello, app={"hello.txt": "Hello!\n"})
    assert result.reason == "found hello.txt"
    assert result.processes["web"].command == ["cat", "hello.txt"]


def test_other_apps_are_left_to_others(buildpack_run: BuildpackRun) -> None:
    result = buildpack_run(Hello, app={"bye.txt": ""})
    assert (result.detected, result.reason) == (False, "none of hello.txt")
