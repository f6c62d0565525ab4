"""The bench of commits in CI: what a commit alone leaves out, and what its table says."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from bench.commit_templates import without_reuse
from bench.commits import Commits, copies, measure_commits, table

if TYPE_CHECKING:
    from bench.commit_templates import Template

DOCS = Path(__file__).resolve().parents[2] / "docs" / "scale.md"


def test_a_commit_alone_has_nothing_to_go_on_from() -> None:
    command = ["build", "r/a:1", "--builder", "b", "--tag", "r/a:latest", "--previous-image"]
    command += ["r/a:latest", "--cache", "type=build;format=image;name=r/a-cache", "--publish"]
    assert without_reuse(command) == ["build", "r/a:1", "--builder", "b", "--publish"]


def test_commits_differ_in_one_line_of_code(tmp_path: Path) -> None:
    app = tmp_path / "app"
    app.mkdir()
    (app / "app.py").write_text('import cv2\nGREETING = "Shapes in the picture"\n')
    (app / "requirements.txt").write_text("six\n")
    lines = []
    for folder in copies(app, tmp_path / "copy", 3):
        assert (folder / "requirements.txt").read_text() == "six\n"
        first, line = (folder / "app.py").read_text().splitlines()
        assert first == "import cv2"
        lines.append(line)
    assert len(set(lines)) == 3


class _Forgetful:
    """A template that never uses the commit before."""

    name = "forgetful"

    def fresh_machine(self) -> None:
        pass

    def build(self, app: Path, commit: str, *, reuse: bool) -> tuple[str, str]:
        assert (app / "app.py").exists()
        return "image", f"{commit}, {reuse=}: Adding layer 'cnbkit/pip:site'"


def test_a_template_that_builds_anew_is_not_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    layers = {"cnbkit/pip:site": "sha256:1"}
    monkeypatch.setattr("bench.commits.own_layers", lambda *_: layers)
    template: Template = _Forgetful()
    app = tmp_path / "app"
    app.mkdir()
    (app / "app.py").write_text('GREETING = "Shapes in the picture"\n')
    with pytest.raises(AssertionError, match="0000001, reuse=True: Adding layer"):
        measure_commits([template], app, 1, tmp_path / "work", "amd64")


def test_the_table_has_a_ratio_for_each_template() -> None:
    found = {"kpack": Commits([10.0, 12.0, 11.0], [1.0, 2.0, 2.2])}
    assert table(found).splitlines()[-1] == (
        "| kpack | 11.00 s (10.00-12.00) | 2.00 s (1.00-2.20) | 0.18 |"
    )


def test_the_documentation_has_a_row_for_each_template() -> None:
    text = DOCS.read_text()
    for name in ("CircleCI with pack", "Tekton `buildpacks-phases`", "kpack"):
        assert f"\n| {name} | " in text
