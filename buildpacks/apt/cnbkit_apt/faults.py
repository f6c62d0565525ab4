"""What apt says, in terms of what the user wrote."""

from __future__ import annotations

import re
from collections.abc import Callable
from difflib import get_close_matches

from cnbkit import CnbkitError, PlatformFault, UserFault
from cnbkit_aptfile.declared import DeclaredPackage, Repository

__all__ = ["check_names", "download_failed", "unresolvable", "update_failed"]

_NETWORK = (
    *("Temporary failure resolving", "Could not resolve", "Could not connect", "Unable to connect"),
    *("Connection timed out", "Connection failed", "Connection refused", "Network is unreachable"),
    *("connection timed out", "Cannot initiate the connection"),
)
_SIGNATURE = ("NO_PUBKEY", "is not signed", "EXPKEYSIG", "BADSIG", "REVKEYSIG", "no valid OpenPGP")
_UNWANTED = ("WARNING: apt does not have", "Reading ", "Building ", "Get:", "Hit:", "Ign:")


def check_names(
    wanted: list[DeclaredPackage],
    names: Callable[[], set[str]],
    providers: Callable[[str], list[str]],
) -> dict[str, str]:
    """Make sure all packages exist.

    Returns:
        names to install in place of those that only other packages provide: since Debian 13
        `libglib2.0-0` is `libglib2.0-0t64`, whose times have 64 bits on every machine. Before, the
        later name is the earlier one's.

    Raises:
        UserFault: naming all that do not, with what may be meant.
    """
    known = names()
    problems: dict[str, list[tuple[int, str]]] = {}
    instead: dict[str, str] = {}
    for package in wanted:
        if package.name in known:
            continue
        provided_by = providers(package.name) if package.name == package.name.lower() else []
        renamed = f"{package.name}t64"
        if len(provided_by) == 1 or renamed in provided_by:
            # Others that provide the name (libasound2: liboss4-salsa-asound2) stand in for it.
            instead[package.name] = renamed if renamed in provided_by else provided_by[0]
            continue
        earlier = package.name.removesuffix("t64")
        if not provided_by and earlier != package.name and earlier in known:
            instead[package.name] = earlier
            continue
        if provided_by:
            what = (
                f"{package.name} is a virtual package; choose one that provides it: "
                f"{', '.join(provided_by[:12])}"
            )
        else:
            what = f"there is no package {package.name}"
            close = similar(package.name, known)
            if close:
                what += f". Did you mean {' or '.join(close)}?"
        problems.setdefault(package.file, []).append((package.line, what))
    for file, found in problems.items():
        raise UserFault.of(
            file,
            found,
            remedy="correct the name; a package of another source needs a repository "
            "(`:repo:`), and a Python package belongs into requirements.txt",
        )
    return instead


def similar(name: str, known: set[str]) -> list[str]:
    """Up to three packages whose names are near; those that begin so come first."""
    plain = re.sub(r"\.so(\.[0-9]+)*$", "", name.lower()).replace("_", "-")
    if plain in known:
        return [plain]
    # libGL → libgl1; libgl1-mesa → libgl1-mesa-dri
    found = [each for each in known if re.fullmatch(rf"{re.escape(plain)}-?[0-9.]+(t64)?", each)]
    found = found or [each for each in known if len(plain) > 3 and each.startswith(f"{plain}-")]
    if not found:
        near = [each for each in known if each[:1] == plain[:1] and abs(len(each) - len(plain)) < 6]
        found = get_close_matches(plain, sorted(near), n=3, cutoff=0.8)
    return sorted(found, key=lambda each: (len(each), each))[:3]


def update_failed(output: str, repositories: list[Repository]) -> CnbkitError:
    """The lists of packages could not be fetched."""
    detail = _told(output)
    for each in repositories:
        host = each.uri.partition("://")[2].strip("/")
        if host in detail:
            signature = any(sign in detail for sign in _SIGNATURE)
            network = any(sign in detail for sign in _NETWORK)
            what = (
                f"the repository {each.uri} is not signed with the key given for it"
                if signature
                else f"the repository {each.uri} cannot be {'reached' if network else 'used'}"
            )
            return UserFault(
                what,
                where=each.where,
                remedy="take the key from the people who run it, and name its file in signed-by"
                if signature
                else "check its address, suite and components, and the network",
                detail=detail,
            )
    if any(sign in detail for sign in _SIGNATURE):
        return PlatformFault(
            "the lists of packages are not signed as they should be",
            where="apt-get update",
            remedy="check BP_APT_MIRROR and the proxy: something changes what Debian signed",
            detail=detail,
        )
    return PlatformFault(
        "the lists of packages cannot be fetched",
        where="apt-get update",
        remedy="check the network and the proxy, or set BP_APT_MIRROR to a mirror you can reach",
        detail=detail,
    )


def download_failed(output: str) -> PlatformFault:
    """Packages could not be fetched."""
    full = "No space left" in output or "don't have enough free space" in output
    return PlatformFault(
        "the disk is full" if full else "packages cannot be fetched",
        where="apt-get install --download-only",
        remedy="free some space"
        if full
        else "check the network and the proxy, or set BP_APT_MIRROR to a mirror you can reach",
        detail=_told(output),
    )


def unresolvable(
    output: str, wanted: list[DeclaredPackage], versions: Callable[[str], list[str]]
) -> UserFault:
    """The packages are there, but not as they are wanted."""
    problems = []
    for package in wanted:
        _, _, version = package.word.partition("=")
        if version and f"Version '{version}' for '{package.name}' was not found" in output:
            there = ", ".join(dict.fromkeys(versions(package.name))) or "none"
            what = f"{package.name} has no version {version}; there is {there}"
            problems.append((package.line, what))
        elif f"'{package.name}' has no installation candidate" in output:
            problems.append((package.line, f"{package.name} is known by name only"))
    if problems:
        return UserFault.of(
            wanted[0].file, problems, remedy="take a version there is, or leave the version out"
        )
    return UserFault(
        "these packages cannot be installed together",
        where=", ".join(sorted({each.file for each in wanted})),
        remedy="take out, or change the version of, what stands below",
        detail=_told(output.partition("The following packages have unmet")[2] or output),
    )


def _told(output: str) -> str:
    lines = [line for line in output.splitlines() if line.strip()]
    return "\n".join(line for line in lines if not line.startswith(_UNWANTED))
