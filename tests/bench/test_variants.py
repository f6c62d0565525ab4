"""The table of variants: bytes of each image, what they share, and what a change adds."""

from __future__ import annotations

from bench.variants import VARIANTS, variants_table


def test_each_variant_has_a_row_and_shared_bytes_count_once() -> None:
    found = {
        "images": {
            "docker": dict.fromkeys(VARIANTS, 200_000_000),
            "cnbkit": dict.fromkeys(VARIANTS, 100_000_000),
        },
        "stored": {"docker": 300_000_000, "cnbkit": 150_000_000},
        "more": {
            "code": {"docker": 1_000, "cnbkit": 500},
            "light": {"docker": 400_000_000, "cnbkit": 1_000_000},
        },
    }
    text = variants_table(found)
    for word in VARIANTS:
        assert f"| {word} | 200.0 MB | 100.0 MB | 0.500 |" in text
    count = len(VARIANTS)
    assert f"| added up | {200 * count}.0 MB | {100 * count}.0 MB | 0.500 |" in text
    assert "| in the registry, each blob once | 300.0 MB | 150.0 MB | 0.500 |" in text
    assert "| more after one line of code in all | 1.0 kB | 0.5 kB | 0.500 |" in text
    assert "| more after one light dependency in all | 400.0 MB | 1.0 MB | 0.003 |" in text
