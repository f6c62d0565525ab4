"""A compressed layer is the same bytes however its archive comes."""

from __future__ import annotations

import gzip
import io
import random

import pytest

from cnbkit_engine.lifecycle.compression import GZIP, KINDS, ZSTD, compressed
from cnbkit_engine.oci.unpack import open_plain

# Text that repeats itself at many distances, so that where blocks end would show.
WORDS = [random.Random(0).randbytes(5).hex() for _ in range(3000)]
ARCHIVE = " ".join(random.Random(1).choices(WORDS, k=200_000)).encode()


def cut(size: int) -> list[bytes]:
    return [ARCHIVE[start : start + size] for start in range(0, len(ARCHIVE), size)]


WHOLE = {kind: b"".join(compressed([ARCHIVE], kind)) for kind in KINDS}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [4093, 1 << 16, 1 << 18, (1 << 18) + 1, 1_000_003])
def test_the_pieces_do_not_show(size: int, kind: str) -> None:
    assert len(cut(size)) > 1
    assert b"".join(compressed(cut(size), kind)) == WHOLE[kind]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("archive", [ARCHIVE, b""])
def test_readers_of_layers_find_what_was_in_it(archive: bytes, kind: str) -> None:
    packed = b"".join(compressed([archive], kind))
    assert packed != archive
    assert open_plain(io.BytesIO(packed)).read() == archive


def test_zstd_is_asked_for() -> None:
    assert b"".join(compressed([ARCHIVE])) == WHOLE[GZIP]
    assert WHOLE[ZSTD][:4] == b"\x28\xb5\x2f\xfd"
    assert len(WHOLE[ZSTD]) < len(WHOLE[GZIP])


def test_it_is_gzip_of_all_of_it_without_name_or_time() -> None:
    assert gzip.decompress(WHOLE[GZIP]) == ARCHIVE
    assert WHOLE[GZIP][:8] == b"\x1f\x8b\x08\0\0\0\0\0"
    assert gzip.decompress(b"".join(compressed([]))) == b""
