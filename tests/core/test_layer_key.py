"""What a layer depends on, and how the log says that it changed."""

from __future__ import annotations

from cnbkit import LayerKey, key


class _Digests(LayerKey):
    files: list[str] = key("requirements")


def test_the_hidden_part_of_an_item_counts_but_is_not_shown() -> None:
    def why(before: list[str], after: list[str]) -> str:
        [line] = _Digests(files=after).changes(_Digests(files=before).metadata())
        return line

    assert why(["a.txt #1", "b.txt #1"], ["a.txt #2", "b.txt #1"]) == "requirements changed: a.txt"
    assert why(["t 1 #x"], ["t 2 #y"]) == "requirements changed: -t 1 +t 2"
    assert why(["a #1", "b #1"], ["a #2", "c #1"]) == "requirements changed: a -b +c"
    assert why(["a#1"], ["a#2"]) == "requirements changed: -a#1 +a#2"
    many = why([], [f"p{number}" for number in range(30)])
    assert many.endswith(" +p19 and 10 more")
