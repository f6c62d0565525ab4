"""Any YAML, with the line of everything; scalars stay the text they are in the file."""

from __future__ import annotations

import yaml  # type: ignore[import-untyped]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cnbkit_labels.rules import Entry, Problem

__all__ = ["read"]

_MAX_DEPTH = 16
# Visits, not nodes: an alias costs again each time it is used.
_MAX_VISITS = 4096
# PyYAML's time grows with the square of the brackets that are open at once.
_MAX_BRACKETS = 512


def read(text: str) -> tuple[list[Entry], list[Problem]]:
    """Read a file.

    Returns:
        Its labels in its order, keys of nested mappings joined by dots, and what is wrong.
    """
    if text.count("[") + text.count("{") > _MAX_BRACKETS:
        return [], [(1, f"more than {_MAX_BRACKETS} lists and mappings in brackets")]
    try:
        # In Python, not libyaml: that one follows deep nesting until the stack is gone.
        root = yaml.compose(text, Loader=yaml.BaseLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        what = "; ".join(part for part in (error.context, error.problem) if part)
        return [], [((mark.line if mark else 0) + 1, f"not YAML: {what}")]
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        return [], [(line, f"not YAML: the character {chr(error.character)!a}")]
    except RecursionError:
        return [], [(1, "nested too deeply")]
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        # PyYAML lets some of these through for numbers that name no character.
        return [], [(1, f"not YAML: {error}")]
    if root is None or (isinstance(root, yaml.ScalarNode) and root.value == ""):
        return [], []
    if not isinstance(root, yaml.MappingNode):
        return [], [(_line(root), f"it holds {_kind(root)}, not `key: value` lines")]
    walk = _Walk()
    walk.mapping(root, "", 1)
    return walk.entries, walk.problems


class _TooMuch(Exception):
    """Aliases make more of the file than anyone meant."""


class _Walk:
    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.problems: list[Problem] = []
        self._visits = 0

    def mapping(self, root: yaml.MappingNode, prefix: str, depth: int) -> None:
        try:
            self._mapping(root, prefix, depth)
        except _TooMuch as stop:
            self.problems.append((1, str(stop)))

    def _mapping(self, node: yaml.MappingNode, prefix: str, depth: int) -> None:
        lines: dict[str, int] = {}
        for key_node, value_node in node.value:
            self._visit()
            line = _line(key_node)
            if not isinstance(key_node, yaml.ScalarNode):
                self.problems.append((line, f"a key must be plain text; this is {_kind(key_node)}"))
                continue
            key = key_node.value
            if key == "<<":
                self.problems.append((line, "merge keys (<<) do not work here; write the keys out"))
            elif key in lines:
                at = f"{prefix}{key}"
                self.problems.append((line, f"{at} is there already, in line {lines[key]}"))
            else:
                lines[key] = line
                self._value(value_node, prefix + key, line, depth)

    def _value(self, node: yaml.Node, key: str, line: int, depth: int) -> None:
        if not node.tag.startswith("tag:yaml.org,2002:"):
            self.problems.append((line, f"{key}: the tag {node.tag!a} has no meaning here"))
        elif isinstance(node, yaml.ScalarNode):
            self.entries.append((key, node.value, line))
        elif isinstance(node, yaml.SequenceNode):
            self._sequence(node, key, line)
        elif depth == _MAX_DEPTH:
            # Also the end of an alias that stands inside of what it names.
            self.problems.append((line, f"{key} is nested deeper than {_MAX_DEPTH} levels"))
        elif isinstance(node, yaml.MappingNode):
            self._mapping(node, f"{key}.", depth + 1)

    def _sequence(self, node: yaml.SequenceNode, key: str, line: int) -> None:
        items = []
        for item in node.value:
            self._visit()
            if not isinstance(item, yaml.ScalarNode):
                what = f"{key}: a list holds plain values only; this is {_kind(item)}"
                self.problems.append((_line(item), what))
                return
            items.append(item.value)
        self.entries.append((key, ",".join(items), line))

    def _visit(self) -> None:
        self._visits += 1
        if self._visits > _MAX_VISITS:
            raise _TooMuch(f"more than {_MAX_VISITS} values once aliases are followed")


def _line(node: yaml.Node) -> int:
    line: int = node.start_mark.line
    return line + 1


def _kind(node: yaml.Node) -> str:
    if isinstance(node, yaml.ScalarNode):
        return "a single value"
    return "a list" if isinstance(node, yaml.SequenceNode) else "a mapping"
