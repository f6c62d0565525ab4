"""YAML with the line of everything; scalars stay the text they are in the file."""

from __future__ import annotations

import yaml  # type: ignore[import-untyped]

__all__ = ["Faults", "document", "kind", "line", "mapping", "texts"]

Faults = list[tuple[int, str]]
# PyYAML's time grows with the square of the brackets that are open at once.
_MAX_BRACKETS = 512


def document(text: str, faults: Faults) -> yaml.Node | None:
    """The document's root; None if it is empty or not YAML, which is then among the faults."""
    if text.count("[") + text.count("{") > _MAX_BRACKETS:
        faults.append((1, f"more than {_MAX_BRACKETS} lists and mappings in brackets"))
        return None
    try:
        # In Python, not libyaml: that one follows deep nesting until the stack is gone.
        return yaml.compose(text, Loader=yaml.BaseLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        what = "; ".join(part for part in (error.context, error.problem) if part)
        faults.append(((mark.line if mark else 0) + 1, f"not YAML: {what}"))
    except yaml.reader.ReaderError as error:
        at = text.count("\n", 0, error.position) + 1
        faults.append((at, f"not YAML: the character {chr(error.character)!a}"))
    except RecursionError:
        faults.append((1, "nested too deeply"))
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        faults.append((1, f"not YAML: {error}"))
    return None


def mapping(node: yaml.Node | None, what: str, faults: Faults) -> dict[str, yaml.Node]:
    """A mapping's values by key; empty for nothing, and for what is none, which is a fault."""
    if node is None or (isinstance(node, yaml.ScalarNode) and not node.value):
        return {}
    if not isinstance(node, yaml.MappingNode):
        faults.append((line(node), f"{what} is {kind(node)}, not `key: value` lines"))
        return {}
    found: dict[str, yaml.Node] = {}
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode):
            faults.append((line(key), f"a key must be plain text; this is {kind(key)}"))
        elif key.value in found:
            faults.append((line(key), f"{key.value} is there twice"))
        else:
            found[key.value] = value
    return found


def texts(node: yaml.Node | None, what: str, faults: Faults) -> list[tuple[int, str]]:
    """The items of a list of plain texts, with their lines."""
    if node is None or (isinstance(node, yaml.ScalarNode) and not node.value):
        return []
    if not isinstance(node, yaml.SequenceNode):
        faults.append((line(node), f"{what} is {kind(node)}, not a list"))
        return []
    found = []
    for item in node.value:
        if isinstance(item, yaml.ScalarNode) and item.value.strip():
            found.append((line(item), item.value.strip()))
        else:
            faults.append((line(item), f"{what} holds {kind(item)} where a plain text belongs"))
    return found


def line(node: yaml.Node) -> int:
    """The line a node begins in, from 1."""
    return int(node.start_mark.line) + 1


def kind(node: yaml.Node) -> str:
    """What a node is, for people."""
    if isinstance(node, yaml.MappingNode):
        return "a mapping"
    if isinstance(node, yaml.SequenceNode):
        return "a list"
    return f"the text {node.value!r}" if node.value else "nothing"
