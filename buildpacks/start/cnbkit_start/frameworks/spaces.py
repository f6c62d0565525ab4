"""Hugging Face's Spaces: README.md names a framework, which the platform itself installs."""

from __future__ import annotations

from cnbkit import UserFault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cnbkit_start.frameworks.seen import Seen

__all__ = ["space"]

_README = "README.md"
# Others (docker, static) install nothing of Python's.
_SDKS = ("gradio", "streamlit")


def space(seen: Seen) -> None:
    """See that the framework is among the packages: here nobody else installs it.

    Raises:
        UserFault: it is not.
    """
    text = seen.app.bytes(_README) if seen.app.has(_README) else b""
    if not text.startswith(b"---") or not seen.packages.complete:
        return
    head = text.partition(b"\n---")[0].decode("utf-8", "replace").splitlines()
    values = {line.partition(":")[0].strip(): number for number, line in enumerate(head)}
    sdk, version = (
        head[values[key]].partition(":")[2].partition("#")[0].strip(" '\"") if key in values else ""
        for key in ("sdk", "sdk_version")
    )
    if sdk not in _SDKS or seen.packages.has(sdk):
        return
    line = seen.packages.to_add(f"{sdk}=={version}" if version else sdk)
    raise UserFault(
        f"{_README} says `sdk: {sdk}`, and {sdk} is not among {seen.packages.of_file}",
        where=f"{_README}:{values['sdk'] + 1}",
        remedy=f"{line}; a Space has it without that",
    )
