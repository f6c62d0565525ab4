"""How people and tools spell a Python version, and which of it this buildpack can do."""

from __future__ import annotations

from cnbkit import UserFault

__all__ = ["is_plain", "version_of"]

# Before the number: pyenv, uv, runtime.txt, mise.
_PREFIXES = ("cpython", "python", "prefix:", "latest:", "version", "v")
# Words that say "any": pyenv's and asdf's own Python is whatever the machine has.
_ANY = ("system", "latest", "default", "3", "python", "python3", "cpython", "any")
_OTHERS = {
    "pypy": "PyPy",
    "graalpy": "GraalPy",
    "graalpython": "GraalPy",
    "jython": "Jython",
    "ironpython": "IronPython",
    "stackless": "Stackless Python",
    "micropython": "MicroPython",
    "pyston": "Pyston",
    "cinder": "Cinder",
    "miniconda": "conda's Python",
    "miniforge": "conda's Python",
    "mambaforge": "conda's Python",
    "anaconda": "conda's Python",
}
_REMEDY = "write a version such as 3.12 or 3.12.4, or a range such as >=3.11,<3.13"


def version_of(text: str, where: str) -> str:
    """A version or specifier: "3.12", "3.12.4", "3.13.0rc1", ">=3.11,<3.13"; empty for any.

    Args:
        text: as it is written: `python-3.11`, `cpython@3.12`, `3.12-dev`, `3.11.x`.
        where: file and line, or the setting, for errors.

    Raises:
        UserFault: another implementation than CPython, or no version.
    """
    word = text.strip().strip("\"'").strip()
    if word.lower() in _ANY:
        return ""
    other = next((each for each in _OTHERS if word.lower().startswith(each)), "")
    if other:
        conda = _OTHERS[other] == "conda's Python"
        raise UserFault(
            f"{word!r} is {_OTHERS[other]}, and images get CPython",
            where=where,
            remedy="declare a conda environment in environment.yml, or write a version such as 3.12"
            if conda
            else "write a version of CPython, such as 3.12",
        )
    number = _without_prefix(word)
    for suffix in (".x", ".*", "-dev"):
        # Of a range it is a part: `>=3.11,!=3.12.*` leaves out all of 3.12.
        if is_plain(number.removesuffix(suffix)):
            number = number.removesuffix(suffix)
    # uv's full name: cpython-3.12.4-linux-x86_64-gnu
    first, _, rest = number.partition("-")
    if is_plain(first) and rest.startswith(("linux", "macos", "darwin", "windows")):
        number = first
    bare, threaded, _ = number.partition("+freethreaded")
    if threaded or (number.endswith("t") and is_plain(number[:-1])):
        bare = bare.removesuffix("t")
        raise UserFault(
            f"{word!r} is free-threaded Python, which this buildpack does not install",
            where=where,
            remedy=f"write {bare}",
        )
    if is_plain(number):
        return number
    return _specifier(number, word, where)


def is_plain(text: str) -> bool:
    """Whether it is one to three numbers with dots: "3.12"."""
    parts = text.split(".")
    return 1 <= len(parts) <= 3 and all(part.isascii() and part.isdigit() for part in parts)


def _without_prefix(word: str) -> str:
    lower = word.lower()
    for prefix in _PREFIXES:
        rest = lower.removeprefix(prefix).lstrip("-@= ")
        if rest != lower and rest[:1].isdigit():
            return rest
    return word


def _specifier(text: str, word: str, where: str) -> str:
    from packaging.specifiers import InvalidSpecifier, SpecifierSet
    from packaging.version import InvalidVersion, Version

    try:
        SpecifierSet(text)
        return text
    except InvalidSpecifier:
        pass
    try:
        return f"=={Version(text)}"  # 3.15.0rc1
    except InvalidVersion:
        raise UserFault(f"{word!r} is not a Python version", where=where, remedy=_REMEDY) from None
