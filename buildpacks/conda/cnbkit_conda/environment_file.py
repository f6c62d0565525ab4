"""environment.yml: channels, packages, a pip section, variables; each with its line."""

from __future__ import annotations

import yaml  # type: ignore[import-untyped]
from rattler import MatchSpec
from rattler.exceptions import InvalidMatchSpecError

from cnbkit import UserFault
from cnbkit_conda import yaml_text
from cnbkit_conda.address import is_address, public

__all__ = ["EnvironmentFile", "Wanted"]

# Of conda's own keys and conda-lock's, those that say nothing about an image.
_NO_MATTER = ("name", "prefix", "platforms", "category")
_UNDERSTOOD = ("channels", "dependencies", "variables")
_SPELLING = (
    "write it as conda does:\n"
    "dependencies:\n"
    "  - python=3.12\n"
    "  - numpy>=2\n"
    "  - pip:\n"
    "      - requests==2.32.3"
)


class Wanted:
    """A package that is asked for.

    Attributes:
        text: as it is written, without its channel.
        channel: the channel before `::`; empty for any.
        name: of the package.
        line: where it stands.
    """

    def __init__(self, text: str, channel: str, name: str, line: int) -> None:
        self.text = text
        self.channel = channel
        self.name = name
        self.line = line


class EnvironmentFile:
    """What the file says.

    Attributes:
        file: its name.
        channels: in order of precedence.
        packages: that are asked for.
        pip: line and text of each requirement of the pip section.
        variables: name and value.
        unknown: keys that mean nothing here.
    """

    def __init__(self, file: str) -> None:
        self.file = file
        self.channels: list[tuple[int, str]] = []
        self.packages: list[Wanted] = []
        self.pip: list[tuple[int, str]] = []
        self.variables: list[tuple[str, str]] = []
        self.unknown: list[str] = []

    @classmethod
    def parse(cls, text: str, file: str) -> EnvironmentFile:
        """Read it.

        Raises:
            UserFault: naming all that is wrong, with lines.
        """
        faults: yaml_text.Faults = []
        found = cls(file)
        root = yaml_text.mapping(yaml_text.document(text, faults), "the file", faults)
        found.channels = yaml_text.texts(root.get("channels"), "channels", faults)
        faults += [
            (line, _no_address(name)) for line, name in found.channels if not _can_be_asked(name)
        ]
        found._read_dependencies(root.get("dependencies"), faults)
        found._read_variables(root.get("variables"), faults)
        found.unknown = [key for key in root if key not in (*_UNDERSTOOD, *_NO_MATTER)]
        if not faults and "dependencies" not in root:
            faults.append((1, "there are no `dependencies`"))
        if faults:
            raise UserFault.of(file, faults, remedy=_SPELLING)
        return found

    def where(self, line: int) -> str:
        """`file:line`."""
        return f"{self.file}:{line}"

    def _read_dependencies(self, node: yaml.Node | None, faults: yaml_text.Faults) -> None:
        if node is None:
            return
        if not isinstance(node, yaml.SequenceNode):
            faults.append(
                (yaml_text.line(node), f"dependencies is {yaml_text.kind(node)}, not a list")
            )
            return
        for item in node.value:
            if isinstance(item, yaml.ScalarNode) and item.value.strip():
                self._read_package(item.value.strip(), yaml_text.line(item), faults)
            elif isinstance(item, yaml.MappingNode):
                self._read_section(item, faults)
            else:
                what = f"{yaml_text.kind(item)} is not a package"
                faults.append((yaml_text.line(item), what))

    def _read_section(self, node: yaml.MappingNode, faults: yaml_text.Faults) -> None:
        for key, value in yaml_text.mapping(node, "dependencies", faults).items():
            if key != "pip":
                what = f"{key!r} is not a package, and of sections there is only `pip:`"
                faults.append((yaml_text.line(node), what))
            elif isinstance(value, yaml.ScalarNode) and value.value:
                what = f"what follows `pip:` is {yaml_text.kind(value)}, not a list"
                faults.append((yaml_text.line(value), what))
            else:
                self.pip += yaml_text.texts(value, "pip", faults)

    def _read_package(self, text: str, line: int, faults: yaml_text.Faults) -> None:
        channel, sign, rest = text.rpartition("::")
        spec = rest.strip() if sign else text
        if not _can_be_asked(channel):
            faults.append((line, _no_address(channel)))
            return
        try:
            name = MatchSpec(spec, strict=False).name
        except (InvalidMatchSpecError, ValueError) as error:
            reason = str(error).partition("\n")[0]
            faults.append((line, f"{text!r} is not a package: {reason}"))
            return
        self.packages.append(Wanted(spec, channel, name.normalized if name else spec, line))

    def _read_variables(self, node: yaml.Node | None, faults: yaml_text.Faults) -> None:
        for name, value in yaml_text.mapping(node, "variables", faults).items():
            if isinstance(value, yaml.ScalarNode):
                self.variables.append((name, value.value))
            else:
                what = f"the variable {name} is {yaml_text.kind(value)}"
                faults.append((yaml_text.line(value), what))


def _can_be_asked(channel: str) -> bool:
    return "://" not in channel or is_address(channel)


def _no_address(channel: str) -> str:
    return f"{public(channel)!r} is not an address that a channel can have"
