"""The bench of many packages: what changes its app, what is compared, and what its table says."""

from __future__ import annotations

from bench.builds import CNBKIT, DOCKER, DOCKER_UV, with_pip, with_uv
from bench.many import CASES, GOALS, files, table
from bench.packages import requirements


def test_each_change_writes_another_app_and_only_what_it_says() -> None:
    first = files({})
    assert first["requirements.txt"] == requirements()
    code, light, heavy = (files({what: 1}) for what in ("code", "light", "heavy"))
    assert code["app.py"] != first["app.py"]
    assert code["requirements.txt"] == first["requirements.txt"]
    for changed, package in ((light, "light000"), (heavy, "heavy000")):
        assert changed["app.py"] == first["app.py"]
        pairs = zip(
            str(first["requirements.txt"]).splitlines(),
            str(changed["requirements.txt"]).splitlines(),
            strict=True,
        )
        assert [new for old, new in pairs if new != old] == [f"{package}==1.1"]
    assert str(files({"broken": 1})["requirements.txt"]).endswith("\nbroken==1.0\n")


def test_docker_installs_from_the_same_index() -> None:
    url = "http://127.0.0.1:1/simple"
    for dockerfile, option in ((with_pip(url), "--index-url"), (with_uv(url), "--default-index")):
        assert f"{option} {url} " in dockerfile
    for dockerfile in (with_pip(), with_uv()):
        assert "index" not in dockerfile


def test_the_table_has_a_row_for_every_case_with_ratios_and_goals() -> None:
    sides = {DOCKER: [10.0], DOCKER_UV: [8.0], CNBKIT: [4.0]}
    found = {
        "times": dict.fromkeys(CASES, sides),
        "sizes": {DOCKER: 4_000_000, DOCKER_UV: 2_000_000, CNBKIT: 1_000_000},
        "retry": {"times": [3.0], "fetched": [1_500_000]},
        "uv": [2.0],
    }
    text = table(found)
    for case, words in CASES.items():
        goal = f"{GOALS[case]:.2f}" if case in GOALS else "-"
        row = f"| {words} | 10.00 s (10.00-10.00) | 8.00 s (8.00-8.00) | 4.00 s (4.00-4.00) "
        assert f"{row}| 0.40 | {goal} | 0.50 |" in text
    assert "| uv, cache empty | 2.00 s (2.00-2.00) | 2.00 |" in text
    assert "After a failed build: 3.00 s (3.00-3.00), 1.5 MB fetched." in text
    assert "| docker (pip) | 4.0 MB | 0.25 |" in text
