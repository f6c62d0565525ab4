"""A line of a requirements file as uv and pip-tools can both read it."""

from __future__ import annotations

from urllib.parse import quote

from cnbkit_logins.git_address import without_git_logins
from cnbkit_python_inputs.line import filled

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from cnbkit_logins.address import Login
    from cnbkit_python_inputs.line import Line

__all__ = ["options_text", "requirement_text"]


def requirement_text(
    line: Line, path: str, env: Mapping[str, str], logins: dict[str, Login]
) -> str:
    """A requirement: paths absolute, hashes and logins gone.

    Args:
        line: with a requirement.
        path: the absolute path of the file or folder that it names; empty if none.
        env: for the variables in it.
        logins: is told the logins of git repositories, by address.
    """
    text = line.requirement
    if path and not line.repository:
        before, _, after = text.partition(line.location)
        if "://" in line.location or line.location.startswith("file:"):
            path = f"file://{quote(path)}"
        text = f"{before}{path}{after}"
    text = _without_hash(text, line.fragment)
    if line.repository:
        text = without_git_logins(filled(text, env), logins)
    if not line.editable:
        return text
    if line.repository:
        # Its code would be outside of all layers: installed like any other.
        return f"{egg} @ {text}" if (egg := _egg(line.fragment)) else text
    return f"-e {text}"


def options_text(line: Line, links: str) -> str:
    """A line of options alone.

    Args:
        line: without a requirement.
        links: the address or absolute path that `--find-links` names; empty if nothing is there.
    """
    words = []
    for name, values in line.options.items():
        for value in values:
            if name == "no-index":
                words.append("--no-index")
            elif name == "find-links":
                words += ["--find-links", links] if links else []
            elif name in ("index-url", "extra-index-url", "no-binary", "only-binary"):
                words.append(f"--{name} {value}")
            else:
                # uv passes over those that concern pip alone, and refuses what is unknown.
                return line.text
    return " ".join(words)


def _without_hash(text: str, fragment: str) -> str:
    if not fragment:
        return text
    kept = [part for part in fragment.split("&") if part.startswith(("subdirectory=", "egg="))]
    new = f"#{'&'.join(kept)}" if kept else ""
    return text.replace(f"#{fragment}", new)


def _egg(fragment: str) -> str:
    for part in fragment.split("&"):
        if part.startswith("egg="):
            return part.removeprefix("egg=")
    return ""
