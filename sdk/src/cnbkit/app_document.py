"""Files of an app as a model, whatever they are written in, with the line of every fault."""

from __future__ import annotations

import json
import re

from cnbkit.errors import BuildpackFault, InvalidDocument, UserFault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeAlias, TypeVar

    from cnbkit.spec.model import Model

    M = TypeVar("M", bound=Model)
    Path: TypeAlias = tuple[str | int, ...]
    Decoded: TypeAlias = tuple[Any, dict[Path, int]]

__all__ = ["read_document"]


_DEEP = "it is nested too deeply"


class _Broken(Exception):
    """It is not in that notation."""

    def __init__(self, line: int, what: str) -> None:
        super().__init__(what)
        self.line = line


def read_document(text: str, name: str, kind: type[M]) -> M:
    """Read a text by its name's suffix; see `App.read`.

    Raises:
        UserFault: it is not in that notation, or does not fit the model.
        BuildpackFault: the suffix stands for no notation that is known.
    """
    suffix = name.rpartition("/")[2].rpartition(".")[2].lower()
    if suffix not in _READERS:
        raise BuildpackFault(
            f"{name} is neither TOML, YAML, JSON nor INI by its name",
            remedy="read it with ctx.app.text, and the model with Model.parse",
        )
    try:
        data, lines = _READERS[suffix](text)
    except _Broken as broken:
        raise UserFault.of(
            name, [(broken.line, str(broken))], remedy=f"correct the {suffix.upper()}"
        ) from None
    if not isinstance(data, dict):
        raise UserFault.of(
            name, [(1, "it is not a table of names and values")], remedy="write: name and value"
        )
    try:
        return kind.parse(data, name=name, where=name)
    except InvalidDocument as invalid:
        faults = [(_line_of(fault.path, lines), str(fault)) for fault in invalid.faults]
        raise UserFault.of(name, faults, remedy="correct these values") from None


def _line_of(path: Path, lines: dict[Path, int]) -> int:
    while path and path not in lines:
        path = path[:-1]
    return lines.get(path, 1)


def _toml(text: str) -> Decoded:
    from cnbkit.spec.positions import lines
    from cnbkit.spec.toml import decode

    try:
        data = decode(text, name="")
    except InvalidDocument as invalid:
        [fault, *_] = invalid.faults
        raise _Broken(fault.line or 1, fault.message) from None
    return data, lines(text)


def _yaml(text: str) -> Decoded:
    try:
        import yaml  # type: ignore[import-untyped,unused-ignore]
    except ImportError:
        raise BuildpackFault(
            "YAML needs the package pyyaml",
            remedy="name pyyaml in requirements.in and lock it",
        ) from None
    try:
        loader = yaml.SafeLoader(text)
    except yaml.YAMLError as error:  # a character that YAML has not
        raise _Broken(1, str(error).partition("\n")[0]) from None
    lines: dict[Path, int] = {}

    def walk(node: Any, path: Path, above: frozenset[int]) -> None:
        lines.setdefault(path, node.start_mark.line + 1)
        if id(node) in above:  # an alias of what it stands in
            return
        inside = above | {id(node)}
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                lines[(*path, key.value)] = key.start_mark.line + 1
                walk(value, (*path, key.value), inside)
        elif isinstance(node, yaml.SequenceNode):
            for number, value in enumerate(node.value):
                walk(value, (*path, number), inside)

    try:
        node = loader.get_single_node()
        if node is None:
            return {}, {}
        walk(node, (), frozenset())
        return loader.construct_document(node), lines
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        what = getattr(error, "problem", None) or str(error).partition("\n")[0]
        raise _Broken(mark.line + 1 if mark else 1, str(what)) from None
    except ValueError as error:  # a date that is none
        raise _Broken(1, str(error)) from None
    except RecursionError:
        raise _Broken(1, _DEEP) from None
    finally:
        loader.dispose()


def _json(text: str) -> Decoded:
    lines: dict[Path, int] = {}
    try:
        data = json.loads(text)
        _json_value(text, _blank(text, 0), (), lines)
    except json.JSONDecodeError as error:
        raise _Broken(error.lineno, error.msg) from None
    except ValueError as error:  # a number of thousands of digits
        raise _Broken(1, str(error)) from None
    except RecursionError:
        raise _Broken(1, _DEEP) from None
    return data, lines


def _blank(text: str, at: int) -> int:
    while text[at : at + 1] and text[at] in " \t\r\n":
        at += 1
    return at


def _json_value(text: str, at: int, path: Path, lines: dict[Path, int]) -> int:
    """Note where a value of text that is JSON stands; the place behind it."""
    lines.setdefault(path, text.count("\n", 0, at) + 1)
    decoder = json.JSONDecoder()
    if text[at] not in "{[":
        return decoder.raw_decode(text, at)[1]
    closing, number = {"{": "}", "[": "]"}[text[at]], 0
    at = _blank(text, at + 1)
    while text[at] != closing:
        step: str | int = number
        if closing == "}":
            step, behind = decoder.raw_decode(text, at)
            lines[(*path, step)] = text.count("\n", 0, at) + 1
            at = _blank(text, _blank(text, behind) + 1)  # past the colon
        at = _blank(text, _json_value(text, at, (*path, step), lines))
        if text[at] == ",":
            at = _blank(text, at + 1)
        number += 1
    return at + 1


def _ini(text: str) -> Decoded:
    import configparser

    # The parser's expressions take the square of a run of blanks.
    if run := re.search(r"[^\S\n]{300}", text):
        line = text.count("\n", 0, run.start()) + 1
        raise _Broken(line, "it has three hundred blanks in a row")
    parser = configparser.ConfigParser(interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    try:
        parser.read_string(text)
    except configparser.MissingSectionHeaderError as error:
        raise _Broken(error.lineno, "no section, such as [settings], stands before it") from None
    except configparser.ParsingError as error:
        line, what = error.errors[0]
        raise _Broken(line, f"{what} is neither a section nor a name and value") from None
    except configparser.Error as error:
        line = getattr(error, "lineno", None) or 1
        raise _Broken(line, error.message.rpartition(": ")[2].partition("\n")[0]) from None
    lines: dict[Path, int] = {}
    section = ""
    for number, line_text in enumerate(text.splitlines(), 1):
        header = re.match(r"\[([^]]+)]", line_text)
        if header:
            section = header[1]
            lines[(section,)] = number
        elif pair := re.match(r"([^\s=:#;][^=:]*?)\s*(?:[=:]|$)", line_text):
            lines[(section, pair[1])] = number
    return {name: dict(parser[name]) for name in parser.sections()}, lines


_READERS: dict[str, Callable[[str], Decoded]] = {
    "toml": _toml,
    "yaml": _yaml,
    "yml": _yaml,
    "json": _json,
    "ini": _ini,
    "cfg": _ini,
}
