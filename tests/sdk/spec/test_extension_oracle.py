"""Dockerfiles of extensions: the verdict of the real lifecycle."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import pytest

from cnbkit.spec.dockerfile import check, instructions

if TYPE_CHECKING:
    from tests.sdk.spec.conftest import Lab

HEAD = "ARG base_image\nFROM ${base_image}\n"
GOOD: list[tuple[Literal["build", "run"], str]] = [
    ("build", HEAD),
    ("build", "arg base_image=x\nfrom ${base_image} as it\nrun true"),
    ("build", f"# syntax=x\n\n{HEAD}RUN a \\\n# comment\n\n  FROM x\n"),
    ("build", f"{HEAD}RUN <<EOF\nFROM x\nNOT one\nEOF\nUSER root\n"),
    ("build", f"{HEAD}RUN <<-'E' cat <<F\n\tFROM x\n\tE\nFROM y\nF\nUSER root\n"),
    ("build", f"# escape=`\n{HEAD}RUN a `\n FROM x\n"),
    ("build", f"{HEAD}ARG more=1\nCMD x\n"),
    ("build", "ARG base_image\nFROM --platform=linux/amd64 ${base_image}\n"),
    ("run", "FROM other/image\n"),
    ("run", f"{HEAD}RUN true\n"),
    ("run", "ARG x=1\nARG base_image\nFROM ${base_image}\nVOLUME /x\n"),
]
BAD: list[tuple[Literal["build", "run"], str]] = [
    ("build", ""),
    ("build", "# only a comment\n"),
    ("build", "FROM ${base_image}\n"),
    ("build", "ARG base_image\n"),
    ("build", "ARG base_image\nFROM debian\n"),
    ("build", "ARG base_image\nFROM $base_image\n"),
    ("build", "ARG other\nFROM ${base_image}\n"),
    ("build", f"ARG x\n{HEAD}"),
    ("build", f"{HEAD}FROM scratch\n"),
    ("build", f"{HEAD}UNHEARD of\n"),
    ("build", f"RUN x\n{HEAD}"),
    ("build", "ARG base_image\nFROM\n"),
    ("run", ""),
    ("run", f"{HEAD}FROM x\n"),
    ("run", "RUN x\n"),
    ("run", "FROM x\nUNHEARD\n"),
]


@pytest.mark.parametrize(("kind", "text"), [*GOOD, *BAD])
def test_a_dockerfile_is_refused_if_and_only_if_the_lifecycle_refuses_it(
    lab: Lab, kind: Literal["build", "run"], text: str
) -> None:
    lab.buildpack("a")
    lab.extension(
        "e", generate=f"cat > $CNB_OUTPUT_DIR/{kind}.Dockerfile <<'THE_END'\n{text}\nTHE_END"
    )
    done = lab.detect()
    wrong, doubtful = check(kind, text + "\n")
    assert bool(wrong) == (done.returncode != 0), (wrong, done.stdout)
    assert bool(wrong) == ((kind, text) in BAD)
    assert bool(doubtful) == ("is not recommended" in done.stdout) or wrong


def test_instructions_stand_where_they_begin() -> None:
    text = "# c\n\nARG base_image\nRUN a \\\n  b\n\nCOPY <<X /x\nFROM y\nX\n  user root\n"
    found = [(each.line, each.name, each.rest) for each in instructions(text)]
    assert found == [
        (3, "ARG", "base_image"),
        (4, "RUN", "a   b"),
        (7, "COPY", "<<X /x"),
        (10, "USER", "root"),
    ]
