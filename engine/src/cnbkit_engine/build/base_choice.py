"""Which base an app is built on: what is said, what the builder is for, what the app asks for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cnbkit.errors import UserFault
from cnbkit_engine.base.suites import DEFAULT, Suite, suite_named
from cnbkit_engine.build.asked_python import asked_python
from cnbkit_engine.build.unfit_package import unfit_package
from cnbkit_engine.builder.distros import builder_suites

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["BaseChoice", "choose_base"]

_STANDALONE = "BP_PYTHON_STANDALONE"


@dataclass(frozen=True)
class BaseChoice:
    """A base, and why it is not the default one.

    Args:
        suite: the one that is taken.
        reason: for the log; empty if there is nothing to say.
    """

    suite: Suite
    reason: str = ""

    def __str__(self) -> str:
        suite = self.suite
        return f"Base: Debian {suite.version} with Python {suite.python}, {self.reason}"


def choose_base(name: str, app: Path, env: Mapping[str, str], builder: Path) -> BaseChoice:
    """The first of: the one that is named; the builder's; the one whose Python the app asks for.

    Of two that would do, an app with packages too old for the first one's Python gets the other.

    Args:
        name: `--base`; may be empty.
        app: its folder.
        env: build-time variables.
        builder: path of builder.toml.

    Raises:
        UserFault: there is no such base, or the builder is not for it.
    """
    suites = builder_suites(builder)
    if name:
        suite = suite_named(name)
        if suite not in suites:
            raise UserFault(
                f"the builder is not for Debian {suite.version}",
                where=str(builder),
                remedy=f"choose {' or '.join(each.name for each in suites)}, or add it to "
                "[[targets.distros]]",
            )
        return BaseChoice(suite)
    first = suites[0]
    unasked = BaseChoice(first, "" if first is DEFAULT else f"which {builder.name} is for")
    if env.get(_STANDALONE) == "true":
        return unasked
    asked = asked_python(app, env)
    fitting = [each for each in suites if not asked or asked.satisfied_by(each.full_python)]
    if not fitting:
        return unasked
    chosen = fitting[0]
    for other in fitting[1:]:
        if found := unfit_package(app, env, chosen.python, other.python):
            return BaseChoice(other, f"for {found}, which is not made for Python {chosen.python}")
    if asked and chosen is not first:
        return BaseChoice(chosen, f"for {asked.text} from {asked.source}")
    return unasked
