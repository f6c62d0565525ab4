"""The `environment` buildpack: variables of the image, without a buildpack of one's own."""

from __future__ import annotations

from cnbkit import Buildpack, Layer, LayerKey, Triggers, key

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cnbkit import BuildContext, BuildResult
    from cnbkit.layer.env import EnvChanges
    from cnbkit_environment.variables import Variable

__all__ = ["Environment"]


class Inputs(LayerKey):
    """What the layer holds. Values count without being shown: they may be secrets."""

    variables: list[str] = key("variables")


class Environment(Buildpack):
    """Sets, at launch, what `BPE_*` variables of the build say."""

    repeatable = True
    triggers = Triggers(settings=("BPE_*",))

    variables = Layer.launch("variables")

    def build(self, ctx: BuildContext) -> BuildResult:
        """Write them down."""
        from cnbkit import BuildResult
        from cnbkit_environment.variables import read_variables

        found = read_variables(ctx.settings)
        for warning in found.warnings:
            ctx.log.warning(warning)
        if not found.variables:
            ctx.log.info("No variable is set")
            return BuildResult()
        wanted = Inputs(variables=[each.identity for each in found.variables])
        with ctx.layer(self.variables, wanted) as layer:
            if layer.rebuild:
                for each in found.variables:
                    _set(layer.env.launch, each)
        ctx.log.info(", ".join(map(str, found.variables)))
        return BuildResult()


def _set(env: EnvChanges, variable: Variable) -> None:
    if variable.action == "append":
        env.append(variable.name, variable.value, variable.delimiter)
    elif variable.action == "prepend":
        env.prepend(variable.name, variable.value, variable.delimiter)
    elif variable.action == "default":
        env.default(variable.name, variable.value)
    else:
        env.override(variable.name, variable.value)
