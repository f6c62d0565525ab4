"""What a Dockerfile starts, as a line of a Procfile."""

from __future__ import annotations

import posixpath
import re
import shlex
from typing import TYPE_CHECKING

from cnbkit_engine.adopt.findings import Process
from cnbkit_engine.adopt.run_projects import without_runner
from cnbkit_engine.adopt.site import covered, default, needs
from cnbkit_engine.adopt.text import beginning

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from cnbkit_engine.adopt.paths import Paths
    from cnbkit_engine.adopt.site import Answer
    from cnbkit_engine.adopt.stages import Step

__all__ = ["started"]

_SHELLS = ("bash", "sh", "/bin/bash", "/bin/sh", "/usr/bin/bash")
_PROMPTS = (*_SHELLS, "python", "python3", "ipython")
_DOCKER_ONLY = re.compile(r"\b(?:gosu|su-exec|chown|useradd|apt-get)\b")


def started(
    paths: Paths, entrypoint: Step | None, command: Step | None
) -> tuple[Process | None, Answer]:
    """The process that ENTRYPOINT and CMD together are, and what is to be said of it.

    Args:
        paths: what is copied where.
        entrypoint: the last ENTRYPOINT.
        command: the last CMD.
    """
    last = command or entrypoint
    if last is None:
        return None, default("the start buildpack finds what starts")
    words: list[str] = []
    shell = ""
    for step in (entrypoint, command):
        if step is None or (shell and step is command):
            continue
        instruction = step.instruction
        if instruction.words is not None:
            words += instruction.words
        elif step is command and words and not shell:
            words += ["/bin/sh", "-c", instruction.value]
        else:
            shell = instruction.value
    if words[:1] and words[0] in _SHELLS and len(words) > 2 and words[1] in ("-c", "-lc"):
        shell, words = words[2], []
    if shell:
        return _shell(paths, shell, last.workdir)
    words = without_runner(words)
    if not words or (len(words) == 1 and words[0] in _PROMPTS):
        return None, default("a prompt: the start buildpack finds what starts")
    return _words(paths, words, last.workdir)


def _words(paths: Paths, words: Sequence[str], workdir: str) -> tuple[Process | None, Answer]:
    folder = _folder(paths, words, workdir)
    made, wrong = [], ""
    for place, word in enumerate(words):
        if word.startswith("/") and posixpath.dirname(word).endswith("bin") and not place:
            made.append(posixpath.basename(word))
        elif word.startswith("/"):
            path = paths.of(word)
            if path is None:
                known = word.startswith(("/dev/", "/tmp", "/workspace"))  # noqa: S108 - of an image
                wrong = wrong or ("" if known else word)
                made.append(word)
            else:
                here = posixpath.relpath(path or ".", folder or ".")
                made.append(here if place or "/" in here else f"./{here}")
        else:
            made.append(word)
    script = posixpath.normpath(posixpath.join(folder, made[0]))
    file = paths.context / script
    if file.is_file():
        if not file.stat().st_mode & 0o100:
            made[:1] = ["bash", made[0]]
        elif "/" not in made[0]:
            made[0] = f"./{made[0]}"
    process = Process(shlex.join(made), folder)
    return process, _checked(paths, process, folder, made, wrong)


def _shell(paths: Paths, text: str, workdir: str) -> tuple[Process | None, Answer]:
    text = re.sub(r"^\s*exec\s+", "", text)
    text = re.sub(r"\b(?:poetry|pipenv|uv|pdm) run (?:--\S+ )*", "", text)
    folder = _folder(paths, text.split(), workdir)
    if text.strip() in _PROMPTS:
        return None, default("a prompt: the start buildpack finds what starts")

    def moved(match: re.Match[str]) -> str:
        path = paths.of(match[0])
        if path is None:
            return match[0]
        return posixpath.relpath(path or ".", folder or ".")

    text = re.sub(r"(?<![\w.:/$}-])/[\w.\-/]+", moved, text)
    left = re.findall(
        r"(?<![\w.:/$}-])/(?!dev/|tmp|bin/|usr/bin/|workspace)[\w.\-]+[\w.\-/]*", text
    )
    text = re.sub(r"(?<![\w.:/-])/usr/(?:local/)?bin/", "", text)
    process = Process(" ".join(text.split()), folder)
    return process, _checked(paths, process, folder, text.split(), left[0] if left else "")


def _checked(
    paths: Paths, process: Process, folder: str, words: Sequence[str], wrong: str
) -> Answer:
    where = "entrypoint.toml" if folder else "Procfile"
    if wrong:
        return needs(f"{where}: {wrong} is not of the app; name it below /workspace")
    for word in words[:2]:
        file = paths.context / posixpath.normpath(posixpath.join(folder, word))
        script = beginning(file) if _is_script(file) else ""
        if _DOCKER_ONLY.search(script):
            return needs(f"{where}; {word} does what only root may: take that out")
    return covered(f"{where}: {process.command}")


def _is_script(file: Path) -> bool:
    return file.suffix == ".sh" and file.is_file()


def _folder(paths: Paths, words: Sequence[str], workdir: str) -> str:
    """The app's folder where the process runs: of those that may be meant, where its files are."""
    folders = [each for each in paths.candidates(workdir) if (paths.context / each).is_dir()]
    if not folders:
        return ""

    def known(folder: str) -> int:
        return sum(
            (paths.context / folder / name).exists() for word in words for name in _names(word)
        )

    counts = {folder: known(folder) for folder in folders}
    best = max(counts.values())
    return next(folder for folder in folders if counts[folder] == best)


def _names(word: str) -> list[str]:
    """Files that a word of a command may stand for."""
    if word.startswith(("-", "/")):
        return []
    module = word.partition(":")[0]
    if re.fullmatch(r"[A-Za-z_][\w.]*", module):
        steps = module.replace(".", "/")
        return [word, f"{steps}.py", f"{steps}/__init__.py", f"{steps}/__main__.py"]
    return [word]
