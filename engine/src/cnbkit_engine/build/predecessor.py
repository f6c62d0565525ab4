"""The image in a registry that a build with `--publish` goes on from, if it can."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from cnbkit.errors import CnbkitError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

__all__ = ["damage_in_registry"]


@contextmanager
def damage_in_registry(
    name: str, arch: str, insecure: Sequence[str]
) -> Iterator[Callable[[], str]]:
    """Look for damage in an image while the block runs, which has other work to do.

    Yields:
        a function that waits for the answer: what is wrong, or nothing. It is silent about a
        registry that cannot be reached or refuses: the lifecycle will say so.
    """
    from concurrent.futures import ThreadPoolExecutor

    def look() -> str:
        from cnbkit_engine.oci.remote import Remote

        try:
            return Remote(name, insecure=insecure).damage(arch)
        except CnbkitError:
            return ""

    with ThreadPoolExecutor(1) as pool:
        yield pool.submit(look).result
