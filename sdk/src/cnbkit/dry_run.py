"""The dry run of bin/build: `decide` alone, written down for who plans.

A platform asks for it by a file of the platform directory, which people cannot set by a variable:

    <platform>/cnbkit-decide.json      {"resolve": true}

Nothing is contributed then. `<layers>/decision.json` has what was decided, and a layer for the
build what later buildpacks need to decide. `cnbkit plan` is who asks.
"""

from __future__ import annotations

import json

from cnbkit.decision import Decision
from cnbkit.errors import BuildpackFault
from cnbkit.log import Log
from cnbkit.spec.toml import encode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    from cnbkit.build_context import BuildContext
    from cnbkit.redact import Secrets

    class Deciding(Protocol):
        """What is needed of a `Buildpack`."""

        def decide(self, ctx: BuildContext) -> Decision: ...


__all__ = ["DECISION", "Recording", "decide", "decides", "resolves"]

DECISION = "decision.json"
"""What is written into the layers directory."""

_TOLD = "decided"


class Recording(Log):
    """A log that also keeps what is said."""

    def __init__(self, level: str, secrets: Secrets | None) -> None:
        super().__init__(level, secrets)
        self.notes: list[str] = []
        self.warnings: list[str] = []

    def info(self, text: str) -> None:
        """As `Log.info`."""
        self.notes.append(self.secrets.redacted(text))
        super().info(text)

    def still(self, seconds: float, text: str) -> None:
        """As `Log.still`; it is nothing that was decided."""
        if not self._steps:
            super().info(f"  {seconds:.0f} s: {text}")

    def warning(self, text: str) -> None:
        """As `Log.warning`."""
        self.warnings.append(self.secrets.redacted(text))
        super().warning(text)


def resolves(asked: str) -> bool:
    """Whether `decide` may ask indexes.

    Args:
        asked: the document of the platform.
    """
    return json.loads(asked).get("resolve") is not False


def decides(buildpack: Deciding) -> bool:
    """Whether a buildpack has a `decide` of its own."""
    return type(buildpack).decide.__module__ != "cnbkit.buildpack"


def decide(buildpack: Deciding, ctx: BuildContext, log: Recording, layers: str) -> None:
    """Ask a buildpack and write down what it says.

    Args:
        buildpack: who is asked.
        ctx: a build's; nothing of it is opened.
        log: the context's.
        layers: the buildpack's layers directory.

    Raises:
        BuildpackFault: what it gives back is not a `Decision`.
    """
    import os

    table: dict[str, object] = {"decides": False}
    if decides(buildpack):
        decision = ctx.deciding(buildpack.decide)
        check_decision(buildpack, decision)
        _tell(decision, layers)
        table = {"decides": True, **decision.document(ctx)}
        _keep(decision, ctx, layers)
    table |= {"notes": log.notes, "warnings": log.warnings}
    text = log.secrets.redacted(json.dumps(table, ensure_ascii=False))
    os.makedirs(layers, exist_ok=True)
    with open(f"{layers}/{DECISION}", "w", encoding="utf-8") as file:
        file.write(text)


def check_decision(buildpack: object, decision: object) -> None:
    """See that it is one.

    Raises:
        BuildpackFault: it is not.
    """
    if not isinstance(decision, Decision):
        raise BuildpackFault(
            f"{type(buildpack).__name__}.decide returned {decision!r}",
            remedy="return Decision(…), or an object of a class that derives from it",
        )


def _keep(decision: Decision, ctx: BuildContext, layers: str) -> None:
    """Give the layers that stay their types: the lifecycle moves away those without.

    Later buildpacks may have been told of files in them.
    """
    from cnbkit.layer.files import types_table

    for each in decision.layers:
        if each.table(ctx)["state"] == "keep":
            path = f"{layers}/{each.layer.name}.toml"
            with open(path, encoding="utf-8") as file:
                restored = file.read()
            with open(path, "w", encoding="utf-8") as file:
                file.write(types_table(each.layer) + restored)


def _tell(decision: Decision, layers: str) -> None:
    """Let later buildpacks find what they are told, as the lifecycle hands it on."""
    import os

    if decision.tells is None and not decision.env:
        return
    directory = f"{layers}/{_TOLD}"
    os.makedirs(directory, exist_ok=True)
    if decision.tells is not None:
        from cnbkit.python_build import VARIABLE

        decision.env.build.override(VARIABLE, decision.tells.write(directory))
    decision.env.write(directory)
    with open(f"{layers}/{_TOLD}.toml", "w", encoding="utf-8") as file:
        file.write(encode({"types": {"build": True}}))
