from __future__ import annotations

from typing import TYPE_CHECKING

from wordcount_buildpack import WordCount

if TYPE_CHECKING:
    from cnbkit.testing import BuildpackRun

PAGES = {"pages/fish.md": "one fish two fish\n", "pages/tree.md": "one tree\n"}


def test_rebuild_first_everything_is_made(buildpack_run: BuildpackRun) -> None:
    first = buildpack_run(WordCount, app=PAGES)
    assert first.layer("counted").state == "rebuild"
    assert first.layer("total").why == ["new"]
    assert first.layer("total").text("words.txt") == "2 one\n2 fish\n1 two\n1 tree\n"
    assert first.launch_env("words")["WORDS"].endswith("/total/words.txt")


def test_keep_and_reuse_nothing_is_made_again(buildpack_run: BuildpackRun) -> None:
    again = buildpack_run(WordCount, app=PAGES).rebuild(app={"other.txt": "changed"})
    assert "0 of 2 pages are new" in again.log
    assert again.layer("counted").state == "keep"
    assert again.layer("total").state == "reuse"
    assert not (again.layers_dir / "total").exists()


def test_what_changed_is_made_again_and_says_why(buildpack_run: BuildpackRun) -> None:
    again = buildpack_run(WordCount, app=PAGES).rebuild(app={"pages/tree.md": "a tree\n"})
    assert "1 of 2 pages are new" in again.log
    assert again.layer("counted").state == "keep"
    assert again.layer("total").why == ["pages changed: tree.md"]
    assert "1 a\n" in again.layer("total").text("words.txt")


def test_a_setting_is_part_of_the_key(buildpack_run: BuildpackRun) -> None:
    first = buildpack_run(WordCount, app=PAGES)
    again = first.rebuild(env={"BP_WORDCOUNT_SMALLEST": "2"})
    assert again.layer("total").why == ["BP_WORDCOUNT_SMALLEST changed from 1 to 2"]
    assert again.layer("total").text("words.txt") == "2 one\n2 fish\n"


def test_a_setting_that_cannot_be_is_the_users_to_correct(buildpack_run: BuildpackRun) -> None:
    result = buildpack_run(WordCount, app=PAGES, env={"BP_WORDCOUNT_SMALLEST": "some"})
    assert (result.code, result.fault and result.fault.where) == (65, "BP_WORDCOUNT_SMALLEST")
