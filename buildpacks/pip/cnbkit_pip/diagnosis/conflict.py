"""Requirements that each can be had, but not together: which line to change, and to what."""

from __future__ import annotations

import re

from cnbkit import UserFault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cnbkit_pip.diagnosis.stated import Stated
    from cnbkit_pip.diagnosis.unresolved import Unresolved
    from cnbkit_pip.engines.uv import Uv
    from cnbkit_python_inputs.requirements import Line

__all__ = ["conflict"]

# uv's words, then pip's.
_ASKED = re.compile(r"you require (?P<what>[\w.-]+)|user requested (?P<pip>[\w.-]+)")
_NEEDS = re.compile(
    r"(?P<who>[\w.-]+(?:[=<>!~]=?[^\s,]*)?)(?:\[[^\]]*\])? depends on (?P<what>[\w.-]+[^\s,]*)"
)
# uv's marker of a requirement: `name{sys_platform == 'linux'}==1`.
_MARKER = re.compile(r"(?<=[\w\]])\{[^{}\n]*\}")
# Why what is needed cannot be had, in uv's words, and in ours.
_WHY = (
    (r"{what} has no wheels with a matching Python[^(]*\(e\.g\., `cp(?P<major>\d)(?P<minor>\d+)`\)",
     "which has no wheel for Python {major}.{minor}, and no source"),
    (r"{what} has no wheels with a matching platform", "which has no wheel for this image"),
    (r"no version of {what}(?![\w.-])", "which does not exist"),
    (r"{name} was not found in the package registry", "which no index has"),
)  # fmt: skip
# Each try is a resolution.
_TRIES = 6


def conflict(fault: Unresolved, stated: Stated, uv: Uv) -> UserFault | None:
    """The lines that contradict each other, and the change that helps; None if unknown.

    Args:
        fault: of the whole resolution.
        stated: the lines.
        uv: tries what helps.
    """
    from cnbkit_python_inputs.requirements import normalised

    every = stated.indexed()
    said = {normalised(each) for found in _ASKED.findall(fault.output) for each in found if each}
    text = _MARKER.sub("", fault.output)
    needs = [found.groupdict() for found in _NEEDS.finditer(text)]
    said |= {normalised(re.split(r"[^\w.-]", each["what"], maxsplit=1)[0]) for each in needs}
    lines = [line for line in every if line.name in said]
    if not lines:
        return None
    by_name: dict[str, list[Line]] = {}
    for line in lines:
        by_name.setdefault(line.name, []).append(line)
    twice = next((found for found in by_name.values() if len(found) > 1), None)
    twice = twice if twice and not _NEEDS.search(fault.output) else None
    where = ", ".join(line.where for line in twice or lines)
    # What others need more of is changed before those that need it.
    needed = {re.split(r"[^\w.-]", each["what"], maxsplit=1)[0].lower() for each in needs}
    lines.sort(key=lambda line: line.name not in needed)
    change, changed = _change(lines, every, stated, uv)
    what = _what(lines, needs, changed, twice, text)
    if twice:
        change = "take out the line that is not meant"
    elif not change:
        listed = " or ".join(f"{line.text} ({line.where})" for line in (twice or lines)[:4])
        change = f"loosen one of these: {listed}"
    return UserFault(what, where=where, remedy=change, detail=fault.detail)


def _what(
    lines: list[Line],
    needs: list[dict[str, str]],
    changed: Line | None,
    twice: list[Line] | None,
    said: str,
) -> str:
    if twice:
        asked = " and ".join(line.text for line in twice)
        return f"{asked} contradict each other"
    names = {line.name: line for line in lines}
    for each in needs:
        wanted = re.split(r"[^\w.-]", each["what"], maxsplit=1)[0].lower()
        if wanted in names and (changed is None or len(names) < 3 or wanted == changed.name):
            return f"{each['who']} needs {each['what']}, and {names[wanted].text} is asked for"
    if needs and len(lines) == 1:
        return f"{lines[0].text} cannot be had: it needs {needs[0]['what']}{_why(needs, said)}"
    asked = ", ".join(line.text for line in lines)
    return f"{asked} cannot be had together"


def _why(needs: list[dict[str, str]], said: str) -> str:
    """Why what a package needs cannot be had; empty if the engine does not say."""
    for each in needs:
        name = re.split(r"[^\w.-]", each["what"], maxsplit=1)[0]
        for words, ours in _WHY:
            pattern = words.replace("{what}", re.escape(each["what"]))
            found = re.search(pattern.replace("{name}", re.escape(name)), said)
            if found:
                return ", " + ours.format(**found.groupdict())
    return ""


def _change(
    lines: list[Line], every: list[Line], stated: Stated, uv: Uv
) -> tuple[str, Line | None]:
    """The first line without whose version there is a solution, and the version there is."""
    from cnbkit_python_inputs.requirements import normalised

    for line in lines[:_TRIES]:
        bare = re.split(r"[<>=!~;@ ]", stated.requirement(line), maxsplit=1)[0]
        if bare == stated.requirement(line):
            continue
        others = "".join(f"{stated.requirement(each)}\n" for each in every if each is not line)
        packages, _ = uv.ask(f"{stated.options()}{others}{bare}\n")
        for each in packages:
            if normalised(str(each["name"])) == line.name:
                return f"write {bare}=={each['version']} at {line.where}", line
    return "", None
