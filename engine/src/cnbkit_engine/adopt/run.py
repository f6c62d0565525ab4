"""A RUN: each of its commands is judged by the rules for its program."""

from __future__ import annotations

import posixpath
import re
import shlex
from typing import TYPE_CHECKING

from cnbkit_engine.adopt.findings import Verdict
from cnbkit_engine.adopt.programs import (
    CACHES,
    FILES,
    INSTALLERS,
    LANGUAGES,
    NOTHING,
    SHELL_STARTS,
    SYSTEM,
)
from cnbkit_engine.adopt.run_apt import apt, other_manager, repository
from cnbkit_engine.adopt.run_files import download, files, hugging_face, link, removed
from cnbkit_engine.adopt.run_pip import pip
from cnbkit_engine.adopt.run_projects import conda, project_tool, without_runner
from cnbkit_engine.adopt.shell import commands
from cnbkit_engine.adopt.site import Site, default, hooked, needs
from cnbkit_engine.adopt.text import beginning

if TYPE_CHECKING:
    from collections.abc import Callable

    from cnbkit_engine.adopt.findings import Findings
    from cnbkit_engine.adopt.paths import Paths
    from cnbkit_engine.adopt.shell import Command
    from cnbkit_engine.adopt.site import Answer
    from cnbkit_engine.adopt.stages import Step

__all__ = ["run"]

_ORDER = ("NEEDS", "COVERED", "DEFAULT")


def run(findings: Findings, paths: Paths, step: Step) -> None:
    """Judge a RUN.

    Args:
        findings: get verdicts, and what replaces them.
        paths: what is copied where.
        step: the instruction, in a stage that the image is made of.
    """
    instruction = step.instruction
    texts = [(doc.text, doc.line) for doc in instruction.heredocs]
    value = instruction.value
    if instruction.words:
        words = list(instruction.words)
        value = words[2] if _is_shell(words) and len(words) > 2 else shlex.join(words)
    elif texts and (match := re.match(r"\s*(\S*python\S*|\S*perl|\S*ruby)\s", value)):
        for text, line in texts:
            _add(
                findings,
                line,
                text,
                _script(Site(findings, paths, step, step.workdir), match[1], text),
            )
        return
    if not texts or not re.fullmatch(r"\s*<<-?[\"']?\w+[\"']?\s*", value):
        _judge(findings, paths, step, value, instruction.line_at)
    for text, first in texts:
        _judge(findings, paths, step, text, _by_line(text, first))


def _judge(
    findings: Findings, paths: Paths, step: Step, text: str, line_at: Callable[[int], int]
) -> None:
    cwd = step.workdir
    values = dict(step.values)
    for command in commands(text, values):
        line = line_at(command.offset)
        site = Site(findings, paths, step, cwd, line)
        words = list(command.words or ())
        if words[:1] == ["cd"] and len(words) > 1:
            cwd = posixpath.normpath(posixpath.join(cwd, words[1]))
            answer = default("the folder of the commands behind it")
        elif words[:1] == ["export"] or (command.env and not words):
            given = dict(word.partition("=")[::2] for word in words[1:] if "=" in word)
            values.update(given or command.env)
            answer = default("for the commands behind it")
        else:
            answer = _answer(site, command, words)
        _add(findings, line, command.text, answer)


def _answer(site: Site, command: Command, words: list[str]) -> Answer:
    if command.words is None:
        return _compound(site, command.text)
    words = _plain(words)
    if not words:
        return default("nothing to keep")
    if _is_shell(words) and len(words) > 2 and words[1] in ("-c", "-lc", "-ec", "-ic", "-exc"):
        inner = commands(words[2], site.values)
        answers = [_answer(site, each, list(each.words or ())) for each in inner]
        worst = sorted(answers, key=lambda each: _ORDER.index(each[0].name))
        return worst[0] if worst else default("nothing to keep")
    program = words[0]
    for rules in (_installing, _filing, _running):
        answer = rules(site, program, words, command.text)
        if answer:
            return answer
    return needs(f"{program} is not known: run it in .cnbkit/post-build, or leave it out")


def _installing(site: Site, program: str, words: list[str], text: str) -> Answer | None:  # noqa: ARG001
    if program == "pip":
        return pip(site, words)
    if program in ("pip-sync", "pip-compile"):
        return pip(site, ["pip", "sync", *words[1:]])
    if program in ("apt-get", "apt", "aptitude"):
        return apt(site, words)
    if program in ("add-apt-repository", "apt-key"):
        return repository(site, words)
    if program in ("apk", "yum", "dnf", "microdnf", "zypper"):
        return other_manager(site, words)
    if program in ("conda", "mamba", "micromamba"):
        return conda(site, words)
    if program in ("poetry", "pipenv", "uv", "pdm"):
        return project_tool(site, words)
    if program in ("hf", "huggingface-cli"):
        return hugging_face(site, words)
    if program in LANGUAGES:
        return needs(f"{program} is another language's: build it before, or add its buildpack")
    if program == "dpkg":
        return needs("write the package's file or address into Aptfile")
    return None


def _filing(site: Site, program: str, words: list[str], text: str) -> Answer | None:
    if program in FILES:
        return files(site, words)
    if program == "ln":
        return link(site, words, text)
    if program == "rm" or program in ("rmdir", "find"):
        return removed(site, words, text)
    if program in ("curl", "wget"):
        return download(site, words)
    if program in NOTHING:
        return default(NOTHING[program])
    return None


def _running(site: Site, program: str, words: list[str], text: str) -> Answer | None:
    if program == "git":
        if words[1:2] != ["clone"]:
            return default("nothing to keep")
        outside = words[-1].startswith(("/", "~")) and site.in_app(words[-1]) is None
        if site.cwd == "/" or outside or not site.paths.is_app(site.cwd):
            return needs("make it a submodule, or write git+https://… into requirements.txt")
        return hooked(site, text, after=False)
    if program.startswith("python"):
        return _python(site, words, text)
    if (
        program in ("bash", "sh", "source")
        or program.startswith(("./", "/"))
        or program.endswith(".sh")
    ):
        return _file(site, words, text)
    if program in ("make", "cmake", "ninja", "gcc", "g++"):
        if site.paths.is_app(site.cwd):
            return hooked(site, text)
        return needs(
            f"{program} runs outside of the app: what it makes has to be in the app's folder"
        )
    if program in (
        "pytest",
        "django-admin",
        "flask",
        "alembic",
        "spacy",
        "dvc",
        "pre-commit",
        "pyinstaller",
    ):
        return _module(site, [program, *words[1:]], text)
    if program in ("jupyter", "jupyter-labextension", "ipython"):
        return needs(
            "settings of Jupyter: write them into its command, or keep its files in the app"
        )
    return None


def _python(site: Site, words: list[str], text: str) -> Answer:
    if "-m" in words and words.index("-m") + 1 < len(words):
        module = words[words.index("-m") + 1 :]
        if module[0] == "pip":
            return pip(site, module)
        if module[0] in ("venv", "virtualenv", "ensurepip"):
            return default("the python buildpack makes the environment")
        return _module(site, module, text)
    if "-c" in words:
        return _script(site, "python3", text)
    script = next((word for word in words[1:] if not word.startswith("-")), "")
    if script == "setup.py" or script.endswith("/setup.py"):
        site.findings.locked.append("project")
        return pip(site, ["pip", "install", "."])
    if not script:
        return default("nothing to keep")
    return _file(site, words, text)


def _module(site: Site, words: list[str], text: str) -> Answer:
    if words[:2] == ["spacy", "download"]:
        name = words[-1]
        return needs(f"write {name} into requirements.txt: `{name} @ ADDRESS` of the model's wheel")
    if words[0] in ("playwright", "playwright.__main__"):
        return needs("browsers are not of the app: write their Debian packages into Aptfile")
    return _script(site, words[0], text)


def _file(site: Site, words: list[str], text: str) -> Answer:
    named = next((word for word in words[1:] if re.search(r"\.(?:sh|py)$|conda", word)), "")
    named = named or next((word for word in words if "/" in word), "")
    if re.search(r"(?:mini|ana|mamba|micromamba)\S*(?:forge|conda)|get-pip", named, re.IGNORECASE):
        return default("the buildpacks bring installers of their own")
    path = site.app_path(named) if named else None
    if not path or not site.exists(path):
        return needs(f"{named or words[0]} is not a file of the app, so nothing is known of it")
    content = beginning(site.paths.context / path)
    if path.endswith(".sh") and SYSTEM.search(content):
        return needs(f"{path} changes the system: write its packages into Aptfile")
    place = path if site.cwd == "/" else posixpath.relpath(path, site.app_path(site.cwd) or ".")
    shown = place if words[0] != named else f"./{place}"
    return _script(site, words[0], text.replace(named, shown, 1))


def _script(site: Site, program: str, text: str) -> Answer:  # noqa: ARG001
    """Run something in post-build that may fetch to a home, which is not part of an image."""
    for pattern, (name, folder) in CACHES.items():
        if re.search(pattern, text):
            value = f"/workspace/{folder}"
            site.findings.hook_env[name] = value
            site.findings.image_env[name] = value
    return hooked(site, text, after=True)


def _compound(site: Site, text: str) -> Answer:
    for pattern, by in INSTALLERS.items():
        if re.search(rf"(?:curl|wget)\b.*(?:{pattern})", text, re.DOTALL):
            return default(by)
    if SHELL_STARTS.search(text):
        return default("no login shell starts an image; variables are project.toml's")
    if re.search(r"\b(?:curl|wget)\b[^|]*\|\s*(?:sudo\s+)?(?:\S+=\S+\s+)*(?:ba|z|d)?sh\b", text):
        return needs("it installs a program into the system: find its Debian or Python package")
    if re.search(r"sources\.list|apt-key|keyrings", text):
        return needs("write the source into Aptfile: :repo:deb [signed-by=KEY] ADDRESS SUITE …")
    if re.search(r"\bapt-get\b|\bapt\b|\bdpkg\b", text):
        return needs("what it installs depends: write the packages into Aptfile")
    if SYSTEM.search(text) or site.cwd == "/" or not site.paths.is_app(site.cwd):
        return needs("it changes the system, and only the app's folder can be written")
    return hooked(site, text)


def _plain(words: list[str]) -> list[str]:
    """Without sudo and runners; programs by their bare names, `pip3.11` as `pip`."""
    words = without_runner(words)
    if not words:
        return []
    program = words[0]
    if program.startswith("/") and "/bin/" in program:
        program = posixpath.basename(program)
    if re.fullmatch(r"pip3?(\.\d+)?", program):
        program = "pip"
    return [program, *words[1:]]


def _is_shell(words: list[str]) -> bool:
    return posixpath.basename(words[0]) in ("sh", "bash", "dash") if words else False


def _by_line(text: str, first: int) -> Callable[[int], int]:
    return lambda offset: first + text.count("\n", 0, offset)


def _add(findings: Findings, line: int, text: str, answer: Answer) -> None:
    shown = " ".join(text.split())
    findings.verdicts.append(Verdict(line, shown, answer[0], answer[1]))
