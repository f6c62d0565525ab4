"""What is wrong with a wheel or a source archive, read from what uv or pip says of it."""

from __future__ import annotations

import re

from cnbkit import CnbkitError, PlatformFault, UserFault

__all__ = ["archive_fault"]

_ESCAPES = (
    *("Script path must resolve to a file within", "outside the scripts directory"),
    *("unsafe member path", "unsafe symbolic-link target", "unsafe hard-link target"),
    *("outside the target directory", "outside target directory"),
)
# Compilers say the same words.
_UNPACKS = (
    *("Failed to extract archive", "Failed to install: ", "Unknown scheme key used"),
    "Could not install packages due to an OSError",
)
# What the publisher has made so: no other try brings another one.
_UNPACKABLE = re.compile(
    r"(?P<said>ZIP file contains [^\n]*|Archive contains [^\n]*"
    r"|(?:Is|Not) a directory \(os error \d+\)|File exists \(os error \d+\)"
    r"|File name too long|\[Errno (?:20|21|17)\] [^:\n]*"
    r"|Wheel version does not match filename[^,\n]*|The wheel is invalid: [^\n]*"
    r"|Scripts must not use [^\n]*|Unknown scheme key used)"
)
# What an index says of a file, and what that is, are two things.
_OTHER = re.compile(
    r"Package metadata (?:name|version) `[^`]*` does not match given (?:name|version) "
    r"`(?P<name>[^`]*)`"
    r"|Requested (?P<pip>\S+) from \S+ has inconsistent"
)


def archive_fault(output: str, name: str, where: str) -> CnbkitError | None:
    """The fault that whoever made the archive is to blame for; None if nobody is.

    Args:
        output: what the program said.
        name: of the package.
        where: the index.
    """
    wrong = ""
    if any(sign in output for sign in _ESCAPES):
        wrong = "reaches out of its own folder"
    elif any(sign in output for sign in _UNPACKS) and (found := _UNPACKABLE.search(output)):
        wrong = f"is not a valid one: {found['said'].strip()}"
    if wrong:
        return UserFault(
            f"the archive of {name} {wrong}",
            where=where,
            remedy="take another version of it, and tell whoever publishes it",
            detail=output,
        )
    if found := _OTHER.search(output):
        return PlatformFault(
            f"an index says of {found['name'] or found['pip']} what its file does not",
            where=where,
            remedy="ask whoever runs the index; it may have been tampered with",
            detail=output,
        )
    return None
