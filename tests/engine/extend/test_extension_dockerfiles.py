"""Dockerfiles of image extensions, as far as they are read without a root file system."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cnbkit.errors import BuildpackFault
from cnbkit_engine.extend.dockerfile import fill_in, pairs, read
from cnbkit_engine.extend.request import files_below, requests

if TYPE_CHECKING:
    from pathlib import Path

HEAD = "ARG base_image\nFROM ${base_image}\n"


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("a$X/${X}b", "aone/oneb"),
        ("$NONE.${NONE}", "."),
        ("${X:-other} ${NONE:-other} ${NONE:-$X}", "one other one"),
        ("${X:+set}${NONE:+set}", "set"),
        (r"\$X \n", r"$X n"),
        ("'$X' \"$X\"", "$X one"),
    ],
)
def test_variables_are_put_in_as_docker_does_it(text: str, filled: str) -> None:
    assert fill_in(text, {"X": "one"}) == filled


def test_env_and_label_have_two_forms() -> None:
    told = read(f'{HEAD}ENV A=1 B="two words" C=$A\nENV OLD form of $A\n', "x")
    assert pairs(told[2], {"A": "0"}, "x") == {"A": "1", "B": "two words", "C": "0"}
    assert pairs(told[3], {"A": "0"}, "x") == {"OLD": "form of 0"}
    (bad,) = read("ENV A=1 B\n", "run.Dockerfile")
    with pytest.raises(BuildpackFault, match="'B', which gives nothing a value") as caught:
        pairs(bad, {}, "run.Dockerfile")
    assert caught.value.where == "run.Dockerfile:1"
    (open_ended,) = read("LABEL a='b\n", "run.Dockerfile")
    with pytest.raises(BuildpackFault, match="No closing quotation") as caught:
        pairs(open_ended, {}, "run.Dockerfile")
    assert caught.value.where == "run.Dockerfile:1"


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("EXPOSE 80", "EXPOSE is not applied here"),
        ("COPY --from=other /a /b", "COPY has no --from here"),
        ("RUN --mount=type=cache,target=/x true", "RUN has no --mount here"),
        ("ADD https://example.com/x /x", "ADD of an address is not done"),
        ("COPY <<EOF /x\na\nEOF", "a here-document is not read"),
    ],
)
def test_what_is_not_done_is_told_with_its_line(line: str, told: str) -> None:
    with pytest.raises(BuildpackFault, match=told) as caught:
        read(f"{HEAD}RUN true\n{line}\n", "acme/x: run.Dockerfile")
    assert caught.value.where == "acme/x: run.Dockerfile:4"


def test_what_extensions_left_is_read_and_no_link_followed(tmp_path: Path) -> None:
    generated, app = tmp_path / "generated", tmp_path / "app"
    own = generated / "acme_fonts"
    (own / "context").mkdir(parents=True)
    app.mkdir()
    (own / "run.Dockerfile").write_text(HEAD)
    (own / "extend-config.toml").write_text('[[run.args]]\nname = "a"\nvalue = "b"\n')
    (own / "context/file").write_text("x")
    (own / "context/link").symlink_to("/etc/hostname")
    (found,) = requests(generated, ["acme/none", "acme/fonts"], "run", app)
    assert (found.extension, dict(found.args)) == ("acme/fonts", {"a": "b"})
    assert [path for path, _, _ in files_below(found.context)] == ["file"]
    assert requests(generated, ["acme/fonts"], "build", app) == []
    (own / "build.Dockerfile").symlink_to("/etc/hostname")
    assert requests(generated, ["acme/fonts"], "build", app) == []
    (own / "extend-config.toml").write_text("[[run.args]]\nname = 1\n")
    with pytest.raises(BuildpackFault, match="cannot be read"):
        requests(generated, ["acme/fonts"], "run", app)


def test_a_result_is_kept_for_the_same_text_arguments_and_files(tmp_path: Path) -> None:
    generated, app = tmp_path / "generated", tmp_path / "app"
    (generated / "a_b").mkdir(parents=True)
    app.mkdir()
    (app / "file").write_text("1")

    def digest(text: str) -> str:
        (generated / "a_b/run.Dockerfile").write_text(text)
        (found,) = requests(generated, ["a/b"], "run", app)
        return found.digest()

    plain, copies = digest(f"{HEAD}RUN true\n"), digest(f"{HEAD}COPY file /x\n")
    (app / "file").write_text("2")
    assert digest(f"{HEAD}RUN true\n") == plain  # it does not look at the app
    assert digest(f"{HEAD}COPY file /x\n") != copies
