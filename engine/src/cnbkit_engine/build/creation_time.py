"""When an image says it was made: SOURCE_DATE_EPOCH, or what `--creation-time` names.

Without either it is 1980, so that the same app is the same image. Registries that clean up by age
take such an image for an old one.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from cnbkit.errors import UserFault

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["creation_time"]

VARIABLE = "SOURCE_DATE_EPOCH"


def creation_time(option: str, environment: Mapping[str, str] = os.environ) -> str:
    """Seconds since 1970, as the lifecycle wants them; empty for its own time.

    Args:
        option: `now`, such a number, or empty: then SOURCE_DATE_EPOCH counts.
        environment: has it or not.

    Raises:
        UserFault: it is neither.
    """
    if option == "now":
        return str(int(time.time()))
    text = option or environment.get(VARIABLE, "")
    digits = text.removeprefix("-")
    if text and not (digits.isascii() and digits.isdigit() and len(digits) < 12):
        raise UserFault(
            f"{text!r} is not a creation time",
            where="--creation-time" if option else VARIABLE,
            remedy="write `now`, or seconds since 1970 like 1735689600",
        )
    return text
