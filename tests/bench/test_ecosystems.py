from pathlib import Path

from bench.ecosystems import ECOSYSTEMS, table
from bench.turns import FRESH, Written


def test_each_form_has_a_table_with_both_sides_and_their_ratio() -> None:
    story = ECOSYSTEMS["opencv"]
    found = {
        "times": {
            FRESH: {
                f"{tool}: {form}": [seconds + number]
                for number, form in enumerate(story.forms)
                for tool, seconds in (("docker", 8.0), ("cnbkit", 4.0))
            }
        },
        "sizes": {
            f"{tool}: {form}": size
            for form in story.forms
            for tool, size in (("docker", 200_000_000), ("cnbkit", 50_000_000))
        },
    }
    text = table(story, found)
    assert text.startswith(story.told)
    assert len(story.forms) == 3
    for number, form in enumerate(story.forms):
        section = text.partition(f"#### {form}\n")[2].partition("####")[0]
        docker, ours = 8.0 + number, 4.0 + number
        assert f"| fresh | {docker:.2f} s" in section
        assert f" {ours:.2f} s ({ours:.2f}-{ours:.2f}) | {ours / docker:.2f} |" in section
        assert "| one line of code | - | - | - |" in section
        assert "| compressed image | 200.0 MB | 50.0 MB | 0.25 |" in section


def test_a_written_app_keeps_earlier_changes_until_it_is_reset(tmp_path: Path) -> None:
    app = Written(
        tmp_path / "app", lambda changes: {f"{name}.txt": str(n) for name, n in changes.items()}
    )
    app.reset()
    app.change("code", 1)
    app.change("package", 2)
    written = {path.name: path.read_text() for path in app.folder.iterdir()}
    assert written == {"code.txt": "1", "package.txt": "2"}
    app.reset()
    assert list(app.folder.parent.glob("app/*")) == []
