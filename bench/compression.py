"""What compressing a layer costs and saves, by library and level.

    python bench/compression.py [FOLDER] [--megabytes N]

A tar of FOLDER's files, as a layer has them (this Python's packages without one), is compressed and
unpacked in memory; seconds are CPU time of one core, the smaller of two. The levels that layers
are made with are marked; they run the code that builds run.
"""

from __future__ import annotations

import argparse
import gzip
import io
import sys
import sysconfig
import tarfile
import time
import zlib
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

HERE = Path(__file__).resolve().parent
if str(HERE.parent) not in sys.path:  # started as a program, its own folder is there instead
    sys.path.insert(0, str(HERE.parent))

from isal import isal_zlib  # noqa: E402

from bench.table import markdown  # noqa: E402
from cnbkit_engine.lifecycle.compression import GZIP, ZSTD, compressed  # noqa: E402
from cnbkit_engine.oci.unpack import open_plain  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    Compress = Callable[[bytes], bytes]

__all__ = ["archive", "compressors", "measure", "table"]

_PIECE = 1 << 18
_ZSTD_LEVELS = (1, 2, 4, 6, 9, 12, 19)


def archive(folder: Path, limit: int) -> bytes:
    """A tar of a folder's files, sorted, until it has so many bytes.

    Args:
        folder: what is archived.
        limit: no file is added to more than these bytes.
    """
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and not path.is_symlink():
                if out.tell() + path.stat().st_size > limit:
                    continue
                tar.add(path, path.relative_to(folder).as_posix(), filter=_plain)
    return out.getvalue()


def compressors() -> dict[str, Compress]:
    """Name → what compresses."""
    zstd = _zstd()

    def layer(kind: str) -> Compress:
        return lambda data: b"".join(compressed(_pieces(data), kind))

    found: dict[str, Compress] = {
        "ISA-L 1": lambda data: isal_zlib.compress(data, 1, 31),
        "**ISA-L 2**, `--compression gzip`": layer(GZIP),
        "ISA-L 3": lambda data: isal_zlib.compress(data, 3, 31),
        "zlib 1": lambda data: gzip.compress(data, 1, mtime=0),
        "zlib 6": lambda data: gzip.compress(data, 6, mtime=0),
        "**zstd 3**, `--compression zstd`": layer(ZSTD),
    }
    for level in _ZSTD_LEVELS:
        found[f"zstd {level}"] = partial(zstd.compress, level=level)
    return found


def measure(data: bytes) -> dict[str, tuple[int, float, float]]:
    """Bytes compressed, seconds to compress and seconds to unpack, by name.

    Raises:
        AssertionError: what was unpacked is not what was compressed.
    """
    found = {}
    for name, compress in compressors().items():
        times, back = [], []
        for _ in range(2):
            start = time.process_time()
            packed = compress(data)
            times.append(time.process_time() - start)
            start = time.process_time()
            total = 0
            plain = open_plain(io.BytesIO(packed))
            check = 0
            while piece := plain.read(_PIECE):
                total += len(piece)
                check = zlib.crc32(piece, check)
            back.append(time.process_time() - start)
            assert (total, check) == (len(data), zlib.crc32(data))
        found[name] = (len(packed), min(times), min(back))
    return found


def table(found: Mapping[str, tuple[int, float, float]]) -> str:
    """The results in Markdown, the quickest of each library first."""
    ours = next(size for name, (size, _, _) in found.items() if GZIP in name)

    def order(name: str) -> tuple[str, int]:
        words = name.replace("*", "").split(",")[0].rsplit(" ", 1)
        return words[0], int(words[1])

    rows = [
        (
            name,
            f"{size / 1e6:.2f} MB",
            f"{size / ours:.2f}",
            f"{seconds:.2f} s",
            f"{unpacking:.2f} s",
        )
        for name, (size, seconds, unpacking) in sorted(
            found.items(), key=lambda each: order(each[0])
        )
    ]
    return markdown(("", "size", "to gzip's", "compress", "unpack"), rows)


def _pieces(data: bytes) -> Iterator[bytes]:
    for start in range(0, len(data), _PIECE):
        yield data[start : start + _PIECE]


def _plain(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = member.mtime = 0
    member.uname = member.gname = ""
    return member


def _zstd() -> Any:
    if sys.version_info >= (3, 14):
        from compression import zstd
    else:
        from backports import zstd
    return zstd


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(prog="bench/compression.py", description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, metavar="FOLDER")
    parser.add_argument("--megabytes", type=int, default=100, metavar="N", help="at most")
    asked = parser.parse_args()
    data = archive(asked.folder or Path(sysconfig.get_path("platlib")), asked.megabytes * 1_000_000)
    print(f"A tar of {len(data) / 1e6:.1f} MB:\n")
    print(table(measure(data)))


if __name__ == "__main__":
    main()
