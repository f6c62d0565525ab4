"""Read a Dockerfile and say what replaces it."""

from __future__ import annotations

from dataclasses import dataclass
from errno import ENAMETOOLONG
from stat import S_ISREG
from typing import TYPE_CHECKING

from cnbkit.errors import UserFault
from cnbkit_engine.adopt import instructions
from cnbkit_engine.adopt.base_image import recognised
from cnbkit_engine.adopt.dockerfile import read_dockerfile
from cnbkit_engine.adopt.files import written
from cnbkit_engine.adopt.findings import Findings, Process, State, Verdict
from cnbkit_engine.adopt.paths import Paths, context_of
from cnbkit_engine.adopt.process import started
from cnbkit_engine.adopt.run import run
from cnbkit_engine.adopt.stages import Role, read_stages, steps
from cnbkit_engine.spec.dockerfile import split

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from cnbkit_engine.adopt.dockerfile import Instruction
    from cnbkit_engine.adopt.stages import Step

__all__ = ["Adoption", "adopted"]

_LIMIT = 1 << 20


@dataclass(frozen=True)
class Adoption:
    """What replaces a Dockerfile.

    Args:
        dockerfile: its path.
        context: the app's folder.
        findings: a verdict for each line, and what was found.
        files: path in the app → text; what is not there yet.
        merge: path → text for files that are there, and are not touched.
    """

    dockerfile: Path
    context: Path
    findings: Findings
    files: Mapping[str, str]
    merge: Mapping[str, str]


def adopted(
    dockerfile: Path,
    *,
    context: Path | None = None,
    target: str = "",
    arguments: Mapping[str, str] | None = None,
) -> Adoption:
    """Judge each line of a Dockerfile; nothing is written.

    Args:
        dockerfile: its path.
        context: the folder it is built in; if not given, the nearest that has what it copies.
        target: the stage that is the image; the last one if it is empty.
        arguments: values of ARG, as of `docker build --build-arg`.

    Raises:
        UserFault: it cannot be read, or is not a Dockerfile.
    """
    try:
        return _adopted(dockerfile, context, target, arguments or {})
    except RecursionError:
        raise UserFault(
            f"{dockerfile.name} has more in each other than anybody reads",
            where=str(dockerfile),
            remedy="name the Dockerfile to read",
        ) from None
    except OSError as error:
        if error.errno != ENAMETOOLONG:
            raise
        raise UserFault(
            f"{dockerfile.name} names a file longer than any name may be",
            where=str(dockerfile),
            remedy="name the Dockerfile to read",
        ) from None


def _adopted(
    dockerfile: Path, context: Path | None, target: str, arguments: Mapping[str, str]
) -> Adoption:
    parsed = read_dockerfile(_text(dockerfile), name=str(dockerfile))
    before, stages = read_stages(parsed, name=str(dockerfile), target=target, arguments=arguments)
    paths = Paths((context or context_of(dockerfile, list(_copied(parsed)))).resolve())
    findings = Findings()
    for each in before:
        _say(findings, each, State.DEFAULT, "its default is used")
    # Where files lie is asked above the COPY, too: WORKDIR, ENV and mkdir come first.
    for step in steps(stages, arguments):
        instructions.note_copy(paths, step)
    last: dict[str, Step] = {}
    for step in steps(stages, arguments):
        _judge(findings, paths, step, last)
    _start(findings, paths, last)
    findings.verdicts.sort(key=lambda verdict: verdict.line)
    files, merge = written(findings, paths.context)
    return Adoption(dockerfile, paths.context, findings, files, merge)


def _judge(findings: Findings, paths: Paths, step: Step, last: dict[str, Step]) -> None:
    each = step.instruction
    if step.stage.role is Role.UNUSED:
        _say(findings, each, State.DEFAULT, f"stage {step.stage.name} is not part of the image")
    elif each.keyword == "FROM":
        _say(findings, each, *instructions.base(findings, paths, step.stage))
    elif each.keyword == "RUN":
        run(findings, paths, step)
    elif each.keyword in ("COPY", "ADD"):
        _say(findings, each, *instructions.copied(findings, paths, step))
    elif each.keyword in ("CMD", "ENTRYPOINT"):
        if step.stage.role is Role.IMAGE:
            if each.keyword == "ENTRYPOINT":
                last.pop("CMD", None)
            last[each.keyword] = step
    elif step.stage.role is Role.SOURCE and each.keyword in ("ENV", "LABEL", "USER"):
        _say(findings, each, State.DEFAULT, f"stage {step.stage.name} is only copied from")
    else:
        _say(findings, each, *instructions.other(findings, paths, step))


def _start(findings: Findings, paths: Paths, last: Mapping[str, Step]) -> None:
    process, answer = started(paths, last.get("ENTRYPOINT"), last.get("CMD"))
    findings.process = process
    if not last:
        command = recognised(findings.image).command
        if command:
            findings.process = Process(command)
        return
    for step in last.values():
        _say(findings, step.instruction, *answer)


def _say(findings: Findings, each: Instruction, state: State, why: str) -> None:
    flags = "".join(f" --{name}{'=' if value else ''}{value}" for name, value in each.flags)
    text = " ".join(f"{each.keyword}{flags} {each.value}".split())
    findings.verdicts.append(Verdict(each.line, text, state, why))


def _copied(parsed: Sequence[Instruction]) -> list[str]:
    found = []
    for each in parsed:
        if each.keyword in ("COPY", "ADD") and not each.flag("from") and not each.heredocs:
            words = each.words or split(each.value, {}, each.escape)
            found += [word for word in words[:-1] if "://" not in word and "$" not in word]
    return found


def _text(dockerfile: Path) -> str:
    try:
        # A pipe would be waited for, and a device has no end.
        if not S_ISREG((status := dockerfile.stat()).st_mode):
            raise UserFault(
                f"{dockerfile.name} is not a file",
                where=str(dockerfile),
                remedy="name the Dockerfile to read",
            )
        if status.st_size > _LIMIT:
            raise UserFault(
                f"{dockerfile.name} has more than a mebibyte",
                where=str(dockerfile),
                remedy="name the Dockerfile to read",
            )
        return dockerfile.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise UserFault(
            f"cannot read {dockerfile.name}: {reason}",
            where=str(dockerfile),
            remedy="name the Dockerfile to read: cnbkit adopt FILE",
        ) from None
