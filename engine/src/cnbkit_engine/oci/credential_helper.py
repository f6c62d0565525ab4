"""Programs that keep registry logins: `docker-credential-NAME` (docker-credential-helpers)."""

from __future__ import annotations

import json

from cnbkit.errors import PlatformFault

__all__ = ["ask_helper"]

_PATIENCE = 60.0  # seconds: some ask a person, or a cloud's service
# What helpers say of a registry they know nothing of, by the library all of them use.
_UNKNOWN = ("credentials not found", "no credentials server url", "no credentials username")


def ask_helper(name: str, key: str, where: str) -> tuple[str, str] | None:
    """User and secret a helper has for a registry; None if it knows nothing of it.

    Args:
        name: of the helper, without `docker-credential-`.
        key: the registry, as Docker calls it.
        where: the file that names the helper.

    Raises:
        PlatformFault: it is missing, fails, does not end, or answers something else.
    """
    import subprocess

    program = f"docker-credential-{name}"
    try:
        done = subprocess.run(
            [program, "get"],
            input=key.encode(),
            capture_output=True,
            check=False,
            timeout=_PATIENCE,
        )
    except subprocess.TimeoutExpired:
        raise _failed(program, where, f"it gave no answer in {_PATIENCE:.0f} s") from None
    except OSError as error:
        raise PlatformFault(
            f"cannot run {program}: {error.strerror}",
            where=where,
            remedy=f"install {program}, or log in again with `docker login`",
        ) from None
    if done.returncode:
        # Its secret, if any, is on standard output: only its complaint is shown.
        said = done.stdout.decode(errors="replace").strip()
        if any(each in said.lower() for each in _UNKNOWN):
            return None
        complaint = done.stderr.decode(errors="replace").strip() or said
        raise _failed(program, where, f"exit status {done.returncode}: {complaint[:500]}")
    try:
        found = json.loads(done.stdout)
        user, secret = found["Username"], found["Secret"]
    except (KeyError, TypeError, ValueError, RecursionError):
        raise _failed(program, where, "its answer has no Username and Secret") from None
    if not isinstance(user, str) or not isinstance(secret, str):
        raise _failed(program, where, "its Username or Secret is not a text")
    return user, secret


def _failed(program: str, where: str, detail: str) -> PlatformFault:
    return PlatformFault(
        f"{program} does not give the registry login",
        where=where,
        remedy=f"run `echo HOST | {program} get` to see why, or log in again",
        detail=detail,
    )
