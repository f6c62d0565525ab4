"""Where COPY puts files; tests/pack/test_extender.py has the lifecycle's extender beside it."""

from __future__ import annotations

import pytest

from cnbkit_engine.extend.copying import Copy


@pytest.mark.parametrize(
    ("target", "sources", "path", "places"),
    [
        ("/opt/x", ["given"], "given", ["/opt/x"]),
        ("/opt/x/", ["given"], "given", ["/opt/x/given"]),
        ("/opt/x/", ["a/given"], "a/given", ["/opt/x/given"]),
        ("/opt/x", ["folder"], "folder/a/b", ["/opt/x/a/b"]),
        ("/opt/x", ["."], "folder/a", ["/opt/x/folder/a"]),
        ("/opt/x", ["./folder/"], "folder/a", ["/opt/x/a"]),
        ("/opt/x", ["/folder"], "folder/a", ["/opt/x/a"]),
        ("/opt/x", ["../folder"], "folder/a", ["/opt/x/a"]),
        ("/opt/x/", ["*.txt"], "one.txt", ["/opt/x/one.txt"]),
        ("/opt/x/", ["*.txt"], "folder/one.txt", []),
        ("/opt/x/", ["fold*"], "folder/one.txt", ["/opt/x/one.txt"]),
        ("/opt/x", ["folder"], "folders/one", []),
        ("/opt/x/", ["given", "*"], "given", ["/opt/x/given", "/opt/x/given"]),
    ],
)
def test_a_source_gives_its_files(
    target: str, sources: list[str], path: str, places: list[str]
) -> None:
    copied = Copy(target, sources)
    assert list(copied.places(path, folder=False)) == places
    assert copied.missing == ([] if places else sources)


def test_a_source_that_nothing_fits_is_known() -> None:
    copied = Copy("/opt/", ["one", "tw?"])
    assert list(copied.places("one", folder=False)) == ["/opt/one"]
    assert copied.missing == ["tw?"]
