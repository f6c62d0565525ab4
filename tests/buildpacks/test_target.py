"""Markers and tags of an interpreter that is not there are those it would say itself."""

from __future__ import annotations

import platform
import sys

from packaging.markers import default_environment
from packaging.tags import sys_tags

from cnbkit_python_inputs.interpreter import Interpreter
from cnbkit_python_inputs.target import TargetEnvironment


def test_what_is_told_of_this_python_is_what_it_says() -> None:
    version = platform.python_version()
    minor = version.rpartition(".")[0]
    python = Interpreter(sys.executable, minor, stands_for=version)
    told = TargetEnvironment.of(None, python)  # type: ignore[arg-type]  # nobody is asked
    assert told.markers == default_environment()
    assert told.tags == list(sys_tags())


def test_another_version_has_its_own_wheels_first() -> None:
    python = Interpreter(sys.executable, "3.13", stands_for="3.13.1")
    told = TargetEnvironment.of(None, python)  # type: ignore[arg-type]
    assert (told.markers["python_version"], told.markers["python_full_version"]) == (
        "3.13",
        "3.13.1",
    )
    assert str(told.tags[0]).startswith("cp313-cp313-")
