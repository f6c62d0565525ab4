"""What a requirements file says besides requirements, for whoever resolves and installs."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from cnbkit_python_inputs.requirements import Requirements

__all__ = ["FileOptions"]

_LISTS = ("index-url", "extra-index-url", "find-links", "trusted-host", "no-binary", "only-binary")
_SWITCHES = ("no-index", "pre", "prefer-binary")


class FileOptions:
    """pip's options that stand on lines of their own, and settings of build back ends.

    Attributes:
        values: option → values, in their order; of a switch that is on one empty value.
        build_settings: name of a package and `key=value`.
    """

    def __init__(
        self, values: dict[str, list[str]], build_settings: Sequence[tuple[str, str]] = ()
    ) -> None:
        self.values = values
        self.build_settings = list(build_settings)

    @classmethod
    def of(cls, requirements: Requirements) -> FileOptions:
        """All of a build's requirements files."""
        found = {name: requirements.values(name) for name in (*_LISTS, *_SWITCHES)}
        found["find-links"] = requirements.links()
        values = {name: list(dict.fromkeys(each)) for name, each in found.items() if each}
        return cls(values, requirements.build_settings())

    def has(self, switch: str) -> bool:
        """Whether a switch is on."""
        return switch in self.values

    def formats(self, option: str) -> list[str]:
        """Names that `no-binary` or `only-binary` has; `:all:`, `:none:` among them."""
        words = [word for value in self.values.get(option, []) for word in value.split(",")]
        return [word.strip() for word in words if word.strip()]

    def lines(self) -> str:
        """The options as lines of a requirements file, as pip reads them."""
        lines = [
            f"--{name} {value}".rstrip() + "\n"
            for name, values in self.values.items()
            for value in values
        ]
        return "".join(lines)
