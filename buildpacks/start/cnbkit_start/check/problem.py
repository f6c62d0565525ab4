"""What is wrong with a process, and what to do about it."""

from __future__ import annotations

__all__ = ["Problem"]


class Problem:
    """One reason why a process does not start.

    Attributes:
        what: in a sentence.
        remedy: what to do about it.
        certain: whether nothing that is set when the image is run makes it good.
    """

    def __init__(self, what: str, remedy: str, *, certain: bool = True) -> None:
        self.what = what
        self.remedy = remedy
        self.certain = certain
