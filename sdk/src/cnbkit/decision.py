"""What a build will contribute, decided before it contributes anything.

`Buildpack.decide` makes one, `Buildpack.contribute` carries it out. `cnbkit plan` asks for the
first alone, so what it shows is what the build then does, by the same code.
"""

from __future__ import annotations

from cnbkit.errors import BuildpackFault
from cnbkit.layer.env import LayerEnv
from cnbkit.results import BuildResult

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from cnbkit.build_context import BuildContext
    from cnbkit.layer.key import LayerKey
    from cnbkit.layer.layer import Layer
    from cnbkit.python_build import PythonBuild

__all__ = ["DecidedLayer", "DecidedPackage", "Decision"]


class DecidedPackage:
    """A package that the image gets."""

    __slots__ = ("layer", "name", "size", "version")

    def __init__(self, name: str, version: str, size: int, layer: str) -> None:
        self.name = name
        self.version = version
        self.size = size
        self.layer = layer


class DecidedLayer:
    """A layer that will be opened, and the key it will have.

    Attributes:
        why: in place of what its key says: why it is made anew all the same.
    """

    __slots__ = ("key", "layer", "why")

    def __init__(self, layer: Layer, key: LayerKey | None, why: Sequence[str]) -> None:
        self.layer = layer
        self.key = key
        self.why = list(why)

    def table(self, ctx: BuildContext) -> dict[str, Any]:
        """As JSON has it, with the state it would be in."""
        seen = ctx.look(self.layer, self.key)
        return {
            "name": self.layer.name,
            "state": "rebuild" if self.why else seen.state,
            "why": self.why or seen.why,
            "launch": self.layer.is_launch,
            "build": self.layer.is_build,
            "cache": self.layer.is_cache,
        }


class Decision:
    """What a build will contribute; derive from it to carry more to `contribute`.

        def decide(self, ctx: BuildContext) -> Decision:
            decision = Decision(BuildResult(Process(type="web", command=["serve"], default=True)))
            decision.layer(self.tool, Tool(version="1.2"))
            decision.package("serve", "1.2", size=1_200_000, layer=self.tool.name)
            return decision

    Args:
        result: what `contribute` gives back if it is not overridden: processes, labels, slices.
        tells: what later buildpacks of an app in Python are told. After `decide` alone they are
            told it at once; in a build `contribute` tells it.
        rest: what is known only while it is built, as the end of "Not known before: …"; empty if
            nothing is.

    Attributes:
        env: variables that later buildpacks need to decide, besides what is told; a build takes
            them from layers.
        layers: the layers in the order they are opened in.
        packages: what the image gets.
    """

    def __init__(
        self,
        result: BuildResult | None = None,
        *,
        tells: PythonBuild | None = None,
        rest: str = "",
    ) -> None:
        if result is not None and not isinstance(result, BuildResult):
            raise BuildpackFault(
                f"{result!r} is not a BuildResult", remedy="write: Decision(BuildResult(…))"
            )
        self.result = result or BuildResult()
        self.tells = tells
        self.rest = rest
        self.env = LayerEnv()
        self.layers: list[DecidedLayer] = []
        self.packages: list[DecidedPackage] = []

    def layer(self, layer: Layer, key: LayerKey | None = None, *, why: Sequence[str] = ()) -> None:
        """Say that a layer will be opened.

        Args:
            layer: its declaration.
            key: the key it will have.
            why: reasons to make it anew whatever its key says.
        """
        self.layers.append(DecidedLayer(layer, key, why))

    def package(self, name: str, version: str, *, size: int = 0, layer: str = "") -> None:
        """Say that the image gets a package.

        Args:
            name: its name.
            version: its version.
            size: bytes to download; 0 if that is not known.
            layer: name of the layer it will be in.
        """
        self.packages.append(DecidedPackage(name, version, size, layer))

    def document(self, ctx: BuildContext) -> Mapping[str, Any]:
        """As JSON has it.

        Args:
            ctx: the build's; says what would become of the layers.
        """
        result = self.result
        return {
            "rest": self.rest,
            "layers": [each.table(ctx) for each in self.layers],
            "packages": [
                {name: getattr(each, name) for name in ("name", "version", "size", "layer")}
                for each in self.packages
            ],
            "processes": [
                {
                    "type": each.type,
                    "command": each.command,
                    "args": each.args,
                    "default": each.default,
                    "working-dir": each.working_dir or "",
                }
                for each in result.in_image(ctx.exec_env)
            ],
            "labels": dict(sorted(result.labels.items())),
            "slices": result.slices,
        }
