"""What uv and pip fail with, in terms of what the user wrote."""

from __future__ import annotations

import re

from cnbkit import CnbkitError, CommandFailed, PlatformFault, UserFault
from cnbkit_import_names import DISTRIBUTIONS
from cnbkit_pip.diagnosis.compile_faults import lacks
from cnbkit_pip.diagnosis.git_faults import git_fault
from cnbkit_pip.diagnosis.index_faults import flooded, index_fault
from cnbkit_pip.diagnosis.own_project import last_words, own_fault, undeclared
from cnbkit_pip.diagnosis.setup_script import setup_fault
from cnbkit_pip.diagnosis.unresolved import Uncompiled, Unparsed, Unresolved
from cnbkit_pip.git_version import without_version

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cnbkit_indexes.sources import Sources
    from cnbkit_pip.diagnosis.compile_faults import Lack
    from cnbkit_pip.engines.engine import Wanted

__all__ = ["INSTEAD", "explained", "explained_install", "uncompiled"]

_PARSE = re.compile(r"parse requirement in `(?P<file>[^`]+)` at position (?P<position>\d+)")
_AT = re.compile(r"(?:or the start of a requirement|error parsing): (?P<file>.+):(?P<line>\d+):\d+")
# pip's; what it names before is the requirement.
_PIP_AT = re.compile(r"\(from line (?P<line>\d+) of (?P<file>[^)]+)\)")
_REASON = re.compile(r"cause: (?P<uv>(?!error)[^\n]+)|Invalid requirement: (?P<pip>[^\n]+)")
_UNKNOWN = re.compile(
    r"Because (?P<uv>\S+) was not found in the package registry"
    r"|No matching distribution found for (?P<pip>[A-Za-z0-9._-]+)"
)
# uv's words, then pip's.
_UNSOLVED = ("No solution found", "Could not find a version that satisfies", "ResolutionImpossible")
_BUILD = re.compile(
    r"Failed to (?:build|download and build) [`'](?P<name>[A-Za-z0-9._-]+)[^`'\n=]*"
    r"(?:==(?P<version>[^`'\s]+))?"
    # pip's, of pyproject.toml-based projects.
    r"|(?:Failed building wheel for|Could not build wheels for) (?P<pip>[A-Za-z0-9._-]+)"
)
_EDITABLE = re.compile(r"Editable requirements are not allowed as constraints in `(?P<file>[^`]+)`")
_CYCLE = re.compile(r"Detected a cycle in `dependency-groups`: (?P<names>[^\n]+)")
_ENTRY = re.compile(r"Failed to parse entry: `(?P<name>[^`]+)`")
_NO_SUCH = re.compile(r"Distribution not found at: (?P<path>\S+)")
_MODULE = re.compile(r"ModuleNotFoundError: No module named '(?P<name>\w+)")
# What old packages use of a Python that no longer has it.
_OLD_PYTHON = re.compile(
    r"ImpImporter|No module named 'distutils'|No module named 'imp'|Missing parentheses in call to"
    r"|has no attribute 'SafeConfigParser'|longintrepr\.h|error: use_2to3 is invalid"
    r"|PyThreadState\W[^\n]*has no member|PyFrameObject\W[^\n]*incomplete"
)
# Of uv, which ends so, and of pip.
_FLOODED = re.compile(r"memory allocation of \d+ bytes failed|^MemoryError", re.MULTILINE)
_KILLED = re.compile(r"Killed signal terminated program|signal: 9, SIGKILL|: Killed\n|MemoryError")
# What brings a module that a build wants, where the newest release of it does not.
_BUILD_NEEDS = {"pkg_resources": "setuptools<82", "distutils": "setuptools"}
# Packages that come without the need to compile, too.
INSTEAD = {
    "psycopg2": "psycopg2-binary",
    "mysqlclient": "pymysql",
    "mysql-python": "pymysql",
    "pycrypto": "pycryptodome",
    "python-levenshtein": "levenshtein",
    "sklearn": "scikit-learn",
}
# Of these the code stays as it is.
_SAME_MODULES = ("psycopg2", "pycrypto", "python-levenshtein", "sklearn")


def explained(
    failed: CommandFailed, requirements: Wanted, sources: Sources | None = None
) -> CnbkitError:
    """Why requirements could not be resolved."""
    output = failed.output
    if fault := _unparsable(requirements, failed):
        return fault
    if fault := undeclared(output, failed.shown, _reason(output)):
        return fault
    if failed.timeout is not None:
        return _too_slow(failed, str(requirements))
    if common := _common(failed, requirements, sources):
        return common
    if own := setup_fault(output, failed.shown) or own_fault(output, failed.shown):
        return own
    if found := _BUILD.search(output):
        name, version = _built(found)
        return uncompiled(name, version, output, failed.shown).placed(requirements)
    if found := _UNKNOWN.search(output):
        name = found["uv"] or found["pip"]
        return _unresolved(
            failed,
            f"there is no package {name} in the index",
            where=requirements.where(name),
            remedy="correct the name; if it is a private package, name its index with a binding of "
            "type pypi or BP_PIP_EXTRA_INDEX_URLS",
        )
    if found := _NO_SUCH.search(output):
        path = found["path"].removeprefix("file://")
        return _unresolved(
            failed,
            f"there is no {path}",
            where=_mentioned(requirements, path),
            remedy="add it to the app, or correct the path; one of another machine is not here",
        )
    if declared := _declared(requirements, failed):
        return declared
    solved = not any(sign in output for sign in _UNSOLVED)
    return _unresolved(
        failed,
        "the requirements cannot be resolved"
        if solved
        else "no set of versions satisfies all requirements",
        where=str(requirements),
        remedy=_first_words(output),
    )


def _declared(requirements: Wanted, failed: CommandFailed) -> UserFault | None:
    """What is parsed and means nothing, with its line."""
    if found := _EDITABLE.search(failed.output):
        name = next((each for each in requirements.files if found["file"].endswith(each)), "")
        return UserFault(
            "a constraint is editable (-e), which pip and uv refuse",
            where=_begins(requirements, name, "-e", "--editable"),
            remedy="write name==version in its place, or take the line out",
            detail=failed.shown,
        )
    if found := _CYCLE.search(failed.output):
        first = found["names"].partition(" ")[0].strip("`")
        return UserFault(
            f"groups include each other: {found['names'].replace('`', '')}",
            where=_begins(requirements, "pyproject.toml", first, f'"{first}"'),
            remedy='take one {include-group = "…"} of these groups out',
            detail=failed.shown,
        )
    if found := _ENTRY.search(failed.output):
        name = re.split(r"[^A-Za-z0-9._-]", found["name"], maxsplit=1)[0]
        return UserFault(
            f"{name} of [tool.uv.sources] means nothing",
            where=_begins(requirements, "pyproject.toml", f"{name} ", f"{name}=", f'"{name}"')
            if "pyproject.toml" in requirements.files
            else str(requirements),
            remedy=_first_words(failed.output),
            detail=failed.shown,
        )
    return None


def _begins(requirements: Wanted, name: str, *words: str) -> str:
    """`file:line` of the first line that begins so; the file if none does."""
    text = requirements.files.get(name, "")
    for number, line in enumerate(text.splitlines(), 1):
        if line.lstrip().startswith(words):
            return f"{name}:{number}"
    return name or str(requirements)


def explained_install(
    failed: CommandFailed, names: list[str], sources: Sources | None = None
) -> CnbkitError:
    """Why locked packages could not be installed.

    An `Uncompiled` fault does not know yet which line asks for the package.
    """
    where = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    if failed.timeout is not None:
        return _too_slow(failed, where)
    if common := _common(failed, None, sources):
        return common
    if own := setup_fault(failed.output, failed.shown) or own_fault(failed.output, failed.shown):
        return own
    if found := _BUILD.search(failed.output):
        name, version = _built(found)
        fault = uncompiled(name, version, failed.output, failed.shown)
        fault.where = fault.name
        return fault
    return UserFault(
        "the packages cannot be installed",
        where=where,
        remedy=_first_words(failed.output),
        detail=failed.shown,
    )


def _unresolved(failed: CommandFailed, what: str, *, where: str, remedy: str) -> Unresolved:
    fault = Unresolved(what, where=where, remedy=remedy, detail=failed.shown)
    fault.output = failed.output
    return fault


def _common(
    failed: CommandFailed, requirements: Wanted | None, sources: Sources | None
) -> CnbkitError | None:
    if "No space left on device" in failed.output or "os error 28" in failed.output:
        return PlatformFault(
            "the disk is full",
            where="the build's layers",
            remedy="free some space and build again; nothing of the last image is lost",
            detail=failed.shown,
        )
    if failed.code == 127:
        return failed  # the program of this buildpack is not there: no fault of the app
    if requirements and "[stderr]" not in failed.output and _FLOODED.search(failed.output):
        return flooded(failed.output, sources, requirements, failed.shown)
    if failed.code < 0 or _KILLED.search(failed.output):
        return PlatformFault(
            "the build has too little memory: a program was killed",
            where=f"{requirements}" if requirements else "the installation",
            remedy="give the build more memory, or take packages that need not be compiled",
            detail=failed.shown,
        )
    fault = git_fault(failed.output, requirements) or without_version(failed.output)
    fault = fault or index_fault(failed.output, sources, requirements)
    if fault is not None:
        fault.detail = failed.shown
    return fault


def _too_slow(failed: CommandFailed, where: str) -> PlatformFault:
    minutes = round((failed.timeout or 0) / 60)
    return PlatformFault(
        f"it took longer than {minutes} minute{'s' if minutes != 1 else ''}",
        where=where,
        remedy="see whether the index answers; or set BP_PIP_TIME_LIMIT to more minutes",
        detail=failed.shown,
    )


def _unparsable(requirements: Wanted, failed: CommandFailed) -> UserFault | None:
    """A line that is not a requirement, as uv or pip has found it."""
    output = failed.output
    found = _PARSE.search(output) or _AT.search(output)
    if found is None and "Invalid requirement" in output:
        found = _PIP_AT.search(output)
    if found is None:
        return None
    file = found["file"].removeprefix("./")
    name = next((each for each in requirements.files if file.endswith(each)), file)
    # It may have read another text than the file's, with the same lines.
    text = requirements.as_read.get(name) or requirements.files.get(name, "")
    places = found.groupdict()
    if places.get("line"):
        number = int(places["line"] or 1)
    else:
        before = text.encode()[: int(found["position"])].decode(errors="ignore")
        number = before.count("\n") + 1
    lines = requirements.files.get(name, text).splitlines()
    shown = lines[number - 1].strip() if number <= len(lines) else ""
    reason = _reason(output)
    fault = Unparsed(
        f"{shown!r} is not a requirement",
        where=f"{name}:{number}",
        remedy="take the option out: requirements files know no such"
        if shown.startswith("-")
        else f"correct the line: {reason}"
        if reason
        else "write one requirement a line, like flask==3.0.3 (PEP 508)",
        detail=failed.shown,
    )
    fault.output = output
    return fault


def _built(found: re.Match[str]) -> tuple[str, str]:
    from cnbkit_python_inputs.requirements import normalised

    return normalised(found["name"] or found["pip"]), found["version"] or ""


def uncompiled(name: str, version: str, output: str, shown: str | None) -> Uncompiled:
    """The fault of a package whose source cannot be compiled; it has no place yet.

    Args:
        name: of the package.
        version: empty if it is not known.
        output: all that was printed.
        shown: what of it the fault shows.
    """
    lacking = lacks(output)
    changes, why = _changes(name, lacking, output)
    if not why and (said := last_words(output)):
        why = f": {said}"
    label = f"{name} {version}".strip()
    fault = Uncompiled(
        f"{label} has no wheel for this image, and compiling it fails{why}",
        remedy=changes[0] if changes else _newer(name, output),
        detail=shown,
    )
    for change in reversed(changes[1:]):
        fault.mention(f"Or: {change}")
    fault.name, fault.version, fault.lacking = name, version, tuple(lacking)
    fault.output = output
    return fault


def _newer(name: str, output: str) -> str:
    if _OLD_PYTHON.search(output):
        return f"take a newer release of {name}, or write an older Python into .python-version"
    return f"take a version of {name} with a wheel, or a Python it has one for"


def _changes(name: str, lacking: list[Lack], output: str) -> tuple[list[str], str]:
    """What may be changed, the best first, and why it is needed."""
    changes, why = [], ""
    packages = list(dict.fromkeys(package for each in lacking for package in each.packages))
    if packages:
        changes.append(f"add {' and '.join(f'`{each}`' for each in packages)} to Aptfile")
    if name in INSTEAD:
        # What is imported as before comes first: nothing is compiled then.
        changes.insert(0 if name in _SAME_MODULES else 1, f"write {INSTEAD[name]}")
    if lacking:
        names = " and ".join(each.name for each in lacking)
        why = f": {names} {'is' if len(lacking) == 1 else 'are'} missing"
        if not packages:
            changes.append(f"have {lacking[0].name} installed: Debian has no package with it")
    elif _OLD_PYTHON.search(output):
        why = ": it is too old for this Python"
    elif found := _MODULE.search(output):
        why = f": it needs {found['name']} to be built, and does not say so"
        written = found["name"].lower().replace("_", "-")
        needed = _BUILD_NEEDS.get(found["name"]) or DISTRIBUTIONS.get(written, written)
        table = "[tool.uv.extra-build-dependencies]"
        changes += [
            f"set BP_PIP_NO_BUILD_ISOLATION={name}, and have {needed} among the requirements",
            f'add to pyproject.toml: {table} {name} = ["{needed}"]',
        ]
    return changes, why


def _reason(output: str) -> str:
    found = _REASON.search(output)
    return (found["uv"] or found["pip"]).strip() if found else ""


def _first_words(output: str) -> str:
    """Of what a program says, the sentence that is about the requirements."""
    reason = _reason(output)
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    said = reason or next((line for line in lines if "rror" in line), lines[-1] if lines else "")
    return f"correct what is said: {said}" if said else "build again: the program said nothing"


def _mentioned(requirements: Wanted, path: str) -> str:
    """The line that names a path."""
    from urllib.parse import unquote

    name = unquote(path).rstrip("/").rpartition("/")[2]
    for file, text in requirements.files.items():
        for number, line in enumerate(text.splitlines(), 1):
            if name and name in line:
                return f"{file}:{number}"
    return str(requirements)
