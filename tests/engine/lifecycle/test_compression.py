"""A compressed layer is the same bytes however its archive comes."""

from __future__ import annotations

import gzip
import random

import pytest

from cnbkit_engine.lifecycle.compression import compressed

# Text that repeats itself at many distances, so that where blocks end would show.
WORDS = [random.Random(0).randbytes(5).hex() for _ in range(3000)]
ARCHIVE = " ".join(random.Random(1).choices(WORDS, k=200_000)).encode()


def cut(size: int) -> list[bytes]:
    return [ARCHIVE[start : start + size] for start in range(0, len(ARCHIVE), size)]


WHOLE = b"".join(compressed([ARCHIVE]))


@pytest.mark.parametrize("size", [4093, 1 << 16, 1 << 18, (1 << 18) + 1, 1_000_003])
def test_the_pieces_do_not_show(size: int) -> None:
    assert len(cut(size)) > 1
    assert b"".join(compressed(cut(size))) == WHOLE


def test_it_is_gzip_of_all_of_it_without_name_or_time() -> None:
    assert gzip.decompress(WHOLE) == ARCHIVE
    assert WHOLE[:8] == b"\x1f\x8b\x08\0\0\0\0\0"
    assert gzip.decompress(b"".join(compressed([]))) == b""
