"""What to do about a program that is not there."""

from __future__ import annotations

__all__ = ["interpreter_of", "remedy"]

# Programs that come with a package of another name.
_PACKAGES = {
    "waitress-serve": "waitress",
    "jupyter": "jupyterlab",
    "celery": "celery",
    "flask": "flask",
    "uwsgi": "uwsgi",
    "ddtrace-run": "ddtrace",
    "opentelemetry-instrument": "opentelemetry-distro",
}
_BY_APT = {"ffmpeg": "ffmpeg", "git": "git", "make": "make", "curl": "curl", "nginx": "nginx"}
_ELSEWHERE = ("node", "npm", "npx", "yarn", "java", "ruby", "bundle", "go", "php", "dotnet")


def interpreter_of(path: str) -> str:
    """What can run a file of the app, by its name."""
    return "python3" if path.endswith(".py") else "sh"


def remedy(program: str) -> str:
    """How to get a program into the image."""
    if program in _BY_APT:
        return f"add the line `{_BY_APT[program]}` to an Aptfile"
    if program in _ELSEWHERE:
        return "build with a builder that has a buildpack for it, or start something else"
    package = _PACKAGES.get(program, program)
    return (
        f"add the package that has it to the dependencies (`{package}`?) or to an Aptfile, or "
        "correct the command"
    )
