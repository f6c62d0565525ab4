"""What is found out about a Dockerfile: a verdict for each of its lines, and what replaces them."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

__all__ = ["Findings", "Process", "State", "Verdict", "Weight", "add"]


class State(StrEnum):
    """Whether a line of a Dockerfile is taken care of."""

    COVERED = "covered"
    DEFAULT = "covered by default"
    NEEDS = "needs you"


@dataclass(frozen=True)
class Verdict:
    """What becomes of a line, or of one command of it.

    Args:
        line: its number.
        text: what stands there.
        state: whether it is taken care of.
        why: by what; or why not, and what to do.
    """

    line: int
    text: str
    state: State
    why: str


@dataclass(frozen=True)
class Process:
    """What an image starts.

    Args:
        command: a shell's line.
        folder: of the app, where it runs; empty for its root.
    """

    command: str
    folder: str = ""


@dataclass(frozen=True)
class Weight:
    """A file for weights.toml.

    Args:
        uri: where it is.
        sha256: its checksum.
        target: its place in the app.
    """

    uri: str
    sha256: str
    target: str


@dataclass
class Findings:
    """What replaces a Dockerfile; filled line by line.

    Attributes:
        verdicts: in the order of the lines.
        image: the image that the last stage stands on.
        python: the version of Python, such as 3.11; empty if nothing says it.
        system_python: that of the base image's system, if it is installed.
        hardware: a word for hardware.txt.
        apt: lines of an Aptfile.
        requirements: requirements files of the app, in the order of their installation.
        packages: lines of a requirements file that packages on a RUN line become.
        locked: what else is installed from: `poetry`, `uv`, `pipenv`, `pdm`, `conda`, `project`.
        conda: packages for an environment.yml, and its channels.
        environment: the app's file of that kind, if it is installed from one.
        process: what the image starts.
        image_env: variables of the image.
        build_env: settings of the buildpacks.
        pre_build: lines of the script before packages are installed.
        post_build: lines of the script after it.
        hook_env: variables for both.
        weights: files for weights.toml.
        labels: for business-tags.yaml.
    """

    verdicts: list[Verdict] = field(default_factory=list)
    image: str = ""
    python: str = ""
    system_python: str = ""
    hardware: str = ""
    apt: list[str] = field(default_factory=list)
    requirements: list[str] = field(default_factory=list)
    packages: list[str] = field(default_factory=list)
    locked: list[str] = field(default_factory=list)
    conda: list[str] = field(default_factory=list)
    environment: str = ""
    channels: list[str] = field(default_factory=list)
    process: Process | None = None
    image_env: dict[str, str] = field(default_factory=dict)
    build_env: dict[str, str] = field(default_factory=dict)
    pre_build: list[str] = field(default_factory=list)
    post_build: list[str] = field(default_factory=list)
    hook_env: dict[str, str] = field(default_factory=dict)
    weights: list[Weight] = field(default_factory=list)
    labels: dict[str, str] = field(default_factory=dict)

    @property
    def installs(self) -> bool:
        """Whether packages have been installed by now."""
        return bool(self.requirements or self.packages or self.locked or self.conda)

    def count(self, state: State) -> int:
        """How many lines have a verdict."""
        return sum(each.state is state for each in self.verdicts)


def add(lines: list[str], new: str) -> None:
    """Append a line that is not there yet, in whatever case."""
    if new.lower() not in (line.lower() for line in lines):
        lines.append(new)
