from bench.measure import descendants
from bench.table import markdown, milliseconds, ratio, seconds


def test_times_are_told_as_median_and_range() -> None:
    assert seconds([3.0, 1.0, 2.0]) == "2.00 s (1.00-3.00)"
    assert milliseconds([0.0021, 0.0019, 0.0105]) == "2.1 ms"


def test_ratio_is_of_medians_ours_by_theirs() -> None:
    assert ratio([1.0, 9.0, 1.0], [4.0]) == "0.25"


def test_what_was_not_measured_is_a_dash() -> None:
    assert seconds([]) == milliseconds([]) == ratio([], [1.0]) == ratio([1.0], []) == "-"


def test_markdown_aligns_numbers_to_the_right() -> None:
    assert markdown(("", "a"), [("row", "1")]) == "|  | a |\n| --- | --: |\n| row | 1 |\n"


def test_memory_of_services_does_not_count() -> None:
    children = {1: [2, 3], 2: [4], 3: [5], 5: [6]}
    assert descendants({1}, children) == {1, 2, 3, 4, 5, 6}
    assert descendants({1}, children, without={3}) == {1, 2, 4}
