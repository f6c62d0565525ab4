"""As much of Groovy as a Jenkinsfile has: strings, comments, brackets and blocks with names."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import pairwise

__all__ = ["CNB_BUILD", "SECTIONS", "Block", "blocks", "named_arguments", "scripts"]

SECTIONS = {"agent", "environment", "options", "parameters", "triggers", "tools", "stages", "post"}
"""What a declarative pipeline may hold (Jenkins' "Pipeline Syntax")."""

CNB_BUILD = {
    *("script", "dockerImage", "dockerConfigJsonCredentialsId", "containerRegistryUrl"),
    *("containerImageName", "containerImageTag", "containerImageAlias", "buildEnvVars"),
    *("expandBuildEnvVars", "buildpacks", "preBuildpacks", "postBuildpacks", "bindings", "path"),
    *("projectDescriptor", "runImage", "defaultProcess", "additionalTags", "multipleImages"),
    *("preserveFiles", "createBOM", "customTlsCertificateLinks"),
}
"""Parameters of SAP's step cnbBuild."""

_TOKEN = re.compile(
    r"(?P<space>\s+|//[^\n]*|/\*.*?\*/)"
    r"|(?P<text>'''(?:\\.|(?!''').)*'''|\"\"\"(?:\\.|(?!\"\"\").)*\"\"\""
    r"|'(?:\\.|[^'\\\n])*'|\"(?:\\.|[^\"\\\n])*\")"
    r"|(?P<word>@?[A-Za-z_]\w*(?:\.\w+)*|\d[\d.]*)"
    r"|(?P<sign>[(){}\[\]:,=;!|&?+<>.*-])",
    re.DOTALL,
)
_CLOSES = {")": "(", "]": "[", "}": "{"}


@dataclass
class Block:
    """`name … { … }`."""

    name: str
    inner: list[Block] = field(default_factory=list)


def blocks(text: str) -> list[Block]:
    """The blocks of a file.

    Raises:
        ValueError: it is not Groovy; says the line.
    """
    top = Block("")
    open_: list[tuple[str, int, Block]] = []
    first = ""  # of the statement a brace would belong to
    current = top
    for kind, token, line in _tokens(text):
        if kind == "sign" and token in "([{":
            block = current
            if token == "{":
                block = Block(first)
                current.inner.append(block)
                first = ""
            open_.append((token, line, current))
            current = block
        elif kind == "sign" and token in ")]}":
            if not open_ or open_[-1][0] != _CLOSES[token]:
                raise ValueError(f"line {line}: {token} closes nothing")
            _, _, current = open_.pop()
            if token == "}":
                first = ""
        elif kind == "line" and not any(each[0] != "{" for each in open_):
            first = ""
        elif kind == "word" and not first and not any(each[0] != "{" for each in open_):
            first = token
    if open_:
        raise ValueError(f"line {open_[-1][1]}: {open_[-1][0]} is never closed")
    return top.inner


def scripts(text: str) -> list[str]:
    """What the steps `sh '…'` run, as the shell gets it."""
    tokens = [each for each in _tokens(text) if each[0] != "line"]
    return [
        _unescaped(text.strip("'") if not text.startswith("'''") else text[3:-3])
        for (_, word, _), (kind, text, _) in pairwise(tokens)
        if word == "sh" and kind == "text"
    ]


def named_arguments(text: str, step: str) -> dict[str, str]:
    """The arguments `name: value` of a step's first call; of a text, what is in it."""
    tokens = [each for each in _tokens(text) if each[0] != "line"]
    start = next(i for i, each in enumerate(tokens) if each[1] == step) + 2
    found, depth = {}, 0
    for (kind, token, _), (_, colon, _), (_, value, _) in zip(
        tokens[start:], tokens[start + 1 :], tokens[start + 2 :], strict=False
    ):
        depth += (token in "([{") - (token in ")]}")
        if depth < 0:
            break
        if kind == "word" and colon == ":" and depth == 0:
            found[token] = value.strip("'")
    return found


def _tokens(text: str) -> list[tuple[str, str, int]]:
    found, position, line = [], 0, 1
    while position < len(text):
        match = _TOKEN.match(text, position)
        if not match:
            raise ValueError(f"line {line}: {text[position : position + 20]!r} is not Groovy")
        kind = match.lastgroup or ""
        if kind != "space":
            found.append((kind, match[0], line))
        elif "\n" in match[0] or match[0].startswith("//"):
            found.append(("line", "", line))
        line += match[0].count("\n")
        position = match.end()
    return found


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", lambda match: {"n": "\n", "t": "\t"}.get(match[1], match[1]), text)
