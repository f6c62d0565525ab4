"""What every image of the company has, and the rules for those who make one.

The rules are files below `bindings`, in the form of service bindings. builder.toml says where they
are, and so every buildpack of the builder finds them; this code only tells that they hold.
"""

from __future__ import annotations

from cnbkit import BuildContext, Buildpack, BuildResult, Config, Layer, LayerKey, Option, Plan, key


class Options(Config):
    """What people may set."""

    zone = Option.text("BP_EXAMPLE_TIME_ZONE", default="UTC", help="Time zone of the app")


class Settings(LayerKey):
    """What the layer depends on."""

    variables: list[str] = key("variables")


class Rules(Buildpack):
    """Takes part in every build."""

    # No triggers: every build is meant.
    plan = Plan()
    config = Options
    settings = Layer.launch("settings")

    def build(self, ctx: BuildContext) -> BuildResult:
        """Set the variables; people who run the image may still change them."""
        options = self.config.read(ctx.settings)
        variables = {"TZ": options.zone, "PYTHONUNBUFFERED": "1", "LOG_FORMAT": "json"}
        wanted = Settings(variables=[f"{name}={value}" for name, value in variables.items()])
        with ctx.layer(self.settings, wanted) as layer:
            if layer.rebuild:
                for name, value in variables.items():
                    layer.env.launch.default(name, value)
        ctx.log.info(f"Set unless it is already: {', '.join(wanted.variables)}")
        rules = sorted(f"{each.name} ({', '.join(each.keys())})" for each in ctx.bindings.all())
        ctx.log.info(f"Rules and credentials for this build: {', '.join(rules)}")
        return BuildResult()
