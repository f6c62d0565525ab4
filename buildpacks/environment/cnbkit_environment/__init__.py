"""The `environment` buildpack: variables of the image, without a buildpack of one's own."""

from __future__ import annotations

from cnbkit import Buildpack, Decision, Layer, LayerKey, Triggers, key

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from cnbkit import BuildContext, BuildResult
    from cnbkit.layer.env import EnvChanges
    from cnbkit_environment.variables import Variable

__all__ = ["Environment"]


class Inputs(LayerKey):
    """What the layer holds. Values count without being shown: they may be secrets."""

    variables: list[str] = key("variables")


class Chosen(Decision):
    """The variables.

    Attributes:
        variables: them.
    """

    def __init__(self, variables: Sequence[Variable]) -> None:
        super().__init__()
        self.variables = variables

    @property
    def key(self) -> Inputs:
        """What their layer depends on."""
        return Inputs(variables=[each.identity for each in self.variables])


class Environment(Buildpack[Chosen]):
    """Sets, at launch, what `BPE_*` variables of the build say."""

    repeatable = True
    triggers = Triggers(settings=("BPE_*",))

    variables = Layer.launch("variables")

    def decide(self, ctx: BuildContext) -> Chosen:
        """Read them."""
        from cnbkit_environment.variables import read_variables

        found = read_variables(ctx.settings)
        for warning in found.warnings:
            ctx.log.warning(warning)
        decision = Chosen(found.variables)
        if found.variables:
            decision.layer(self.variables, decision.key)
            ctx.log.info(", ".join(map(str, found.variables)))
        else:
            ctx.log.info("No variable is set")
        return decision

    def contribute(self, ctx: BuildContext, decision: Chosen) -> BuildResult:
        """Write them down."""
        if decision.variables:
            with ctx.layer(self.variables, decision.key) as layer:
                if layer.rebuild:
                    for each in decision.variables:
                        _set(layer.env.launch, each)
        return decision.result


def _set(env: EnvChanges, variable: Variable) -> None:
    if variable.action == "append":
        env.append(variable.name, variable.value, variable.delimiter)
    elif variable.action == "prepend":
        env.prepend(variable.name, variable.value, variable.delimiter)
    elif variable.action == "default":
        env.default(variable.name, variable.value)
    else:
        env.override(variable.name, variable.value)
