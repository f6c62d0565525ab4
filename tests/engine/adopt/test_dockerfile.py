"""Dockerfiles are read as BuildKit reads them; BuildKit's own parser is the judge."""

from __future__ import annotations

import json
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.engine.adopt.dockerfiles import SYNTAX
from tests.go_programs import go_programs

from cnbkit.errors import UserFault
from cnbkit_engine.adopt.dockerfile import KEYWORDS, Heredoc, read_dockerfile
from cnbkit_engine.state.home import Home
from cnbkit_engine.state.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


@pytest.fixture(scope="module")
def buildkit() -> Iterator[Path]:
    """BuildKit's parser as a program."""
    with Workspace(Home.default().tools, background=True) as space:
        yield go_programs("dockerfile", ("cnbkit/tools/dockerfile",), {}, space) / "dockerfile"


def judged(program: Path, texts: Sequence[str]) -> list[Any]:
    """What BuildKit reads; None where it refuses."""
    with tempfile.TemporaryDirectory() as folder:
        files = []
        for number, text in enumerate(texts):
            file = Path(folder, str(number))
            file.write_bytes(text.encode())
            files.append(file)
        done = subprocess.run([program, *files], capture_output=True, text=True, check=True)
    return [_known(json.loads(line).get("instructions")) for line in done.stdout.splitlines()]


def _known(found: list[Any] | None) -> list[Any] | None:
    """Of unknown instructions BuildKit knows only after it has parsed them."""
    return found if found and all(each["keyword"] in KEYWORDS for each in found) else None


def ours(text: str) -> Any:
    """The same of what we read."""
    try:
        found = read_dockerfile(text)
    except UserFault:
        return None
    return [
        {
            "keyword": each.keyword,
            "line": each.line,
            "end": each.end,
            "flags": [f"--{name}{'=' if value else ''}{value}" for name, value in each.flags],
            "words": list(each.words) if each.words is not None else None,
            "heredocs": [
                {"name": doc.name, "text": doc.text, "expand": doc.expand} for doc in each.heredocs
            ],
        }
        for each in found
    ]


@pytest.mark.full
def test_all_syntax_is_read_as_by_buildkit(buildkit: Path) -> None:
    names = list(SYNTAX)
    assert dict(zip(names, judged(buildkit, list(SYNTAX.values())), strict=True)) == {
        name: ours(text) for name, text in SYNTAX.items()
    }


WORDS = st.sampled_from(
    (
        "one",
        "a=1",
        '"two words"',
        "'three'",
        "$A",
        "${B:-c}",
        "\\\\",
        "\\ x",
        "# no",
        "&&",
        "[",
        "x]",
    )
)
BREAKS = st.sampled_from((" ", " \\\n  ", " \\\n# said\n ", " \\\n\n", "\t", " \\ \n"))
FLAGS = st.sampled_from(("", "--from=b ", '--x="a b" ', "--y "))
LINES = st.builds(
    lambda keyword, flag, words, gap: f"{keyword} {flag}{gap.join(words)}\n",
    st.sampled_from(
        ("RUN", "run", "COPY", "ADD", "CMD", "ENTRYPOINT", "USER", "WORKDIR", "EXPOSE")
    ),
    FLAGS,
    st.lists(WORDS, min_size=1, max_size=4),
    BREAKS,
)
OTHERS = st.sampled_from(
    (
        *("\n", "# said\n", "  # said\n", 'CMD ["a", "b"]\n', "ENV A=1 \\\n  B=2\n"),
        *("RUN <<E\nx\nE\n", "COPY <<-'E' /a\n\tx\n\tE\n", "RUN a <<X && b <<Y\n1\nX\n2\nY\n"),
    )
)


@pytest.mark.full
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.lists(LINES | OTHERS, min_size=1, max_size=6), min_size=20, max_size=20))
def test_any_mixture_is_read_as_by_buildkit(buildkit: Path, files: list[list[str]]) -> None:
    texts = ["FROM a\n" + "".join(lines) for lines in files]
    for text, theirs in zip(texts, judged(buildkit, texts), strict=True):
        assert ours(text) == theirs, text


def test_what_each_part_is_is_told() -> None:
    text = "FROM a\nRUN --mount=type=cache,target=/c one && \\\n  # said\n  two\n"
    _, run = read_dockerfile(text)
    assert (run.keyword, run.line, run.end) == ("RUN", 2, 4)
    assert run.flag("mount") == "type=cache,target=/c"
    assert [run.line_at(run.value.index(word)) for word in ("one", "two")] == [2, 4]


def test_a_text_in_the_dockerfile_is_told_with_its_first_line() -> None:
    _, run = read_dockerfile("FROM a\nRUN <<-'EOF'\n\tone\n\tEOF\n")
    assert run.heredocs == (Heredoc("EOF", "one\n", expand=False, line=3),)


@pytest.mark.parametrize(
    ("text", "said", "where"),
    [
        ("", "no instructions", "D"),
        ("# said\n", "no instructions", "D"),
        ("FROM a\n\nFRM b\n", "'FRM' is not an instruction", "D:3"),
        ('FROM a\nCMD ["a", 1]\n', "has something else in it", "D:2"),
        ("FROM a\nRUN <<EOF\none\n", "nothing ends the text", "D:2"),
    ],
)
def test_what_is_no_dockerfile_is_refused_with_its_line(text: str, said: str, where: str) -> None:
    with pytest.raises(UserFault) as caught:
        read_dockerfile(text, name="D")
    assert said in caught.value.what
    assert caught.value.where == where


def test_every_instruction_is_known() -> None:
    texts = [text for name, text in SYNTAX.items() if name != "json of another kind"]
    found = {each.keyword for text in texts for each in read_dockerfile(text)}
    assert found == KEYWORDS
