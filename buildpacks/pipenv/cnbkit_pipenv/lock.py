"""Pipfile.lock (pipfile-spec 6), and whether it fits its Pipfile."""

from __future__ import annotations

import io
import json
from typing import Any

from packaging.utils import canonicalize_name
from plette import Pipfile  # type: ignore[import-untyped]
from plette.models import DataValidationError  # type: ignore[import-untyped]

from cnbkit import BuildContext, UserFault
from cnbkit_lock_front_end.faults import line_of, no_lock, wrong_python

__all__ = ["Lock"]

_CHOSEN = "BP_PYTHON_VERSION"
_LOCK = "Pipfile.lock"
_PROJECT = "Pipfile"
_SPEC = 6
# Tables of a Pipfile that are not categories.
_NOT_PACKAGES = ("source", "requires", "scripts", "pipfile", "pipenv")


class Lock:
    """A Pipfile.lock.

    Attributes:
        sources: addresses of its package indexes by name, the default one first.
    """

    def __init__(self, document: dict[str, Any]) -> None:
        self._document = document
        self._meta = document["_meta"]
        self.sources = {str(each["name"]): str(each["url"]) for each in self._meta["sources"]}

    @classmethod
    def read(cls, ctx: BuildContext) -> Lock:
        """Read the app's and compare it with Pipfile.

        Raises:
            UserFault: one of them cannot be read, or they do not fit.
        """
        # Told with its line, which plette does not.
        ctx.app.toml(_PROJECT)
        try:
            wanted = _hashes(ctx.app.text(_PROJECT))
        except (AttributeError, DataValidationError, KeyError, TypeError, ValueError) as error:
            raise UserFault(
                f"{_PROJECT} is not one: {error}",
                where=_PROJECT,
                remedy="run `pipenv verify` and correct what it names",
            ) from None
        try:
            document = json.loads(ctx.app.text(_LOCK))
        except json.JSONDecodeError as error:
            raise no_lock(ctx, _LOCK, "JSON", error, "pipenv lock") from None
        except (ValueError, RecursionError) as error:  # huge numbers, deep nesting
            raise UserFault(
                f"{_LOCK} is nothing pipenv writes: {error}",
                where=_LOCK,
                remedy=f"run `pipenv lock` and commit its {_LOCK}",
            ) from None
        _check_shape(document)
        if str(document["_meta"]["hash"].get("sha256")) not in wanted:
            raise UserFault(
                f"{_LOCK} is out of step with {_PROJECT}",
                where=_LOCK,
                remedy=f"run `pipenv lock` and commit {_LOCK}",
            )
        return cls(document)

    @property
    def groups(self) -> list[str]:
        """Names of the categories besides `default`."""
        return sorted(name for name in self._document if name not in ("_meta", "default"))

    def category(self, name: str) -> dict[str, dict[str, Any]]:
        """The packages of a category."""
        found: dict[str, dict[str, Any]] = self._document.get(name, {})
        return found

    def check_python(self, ctx: BuildContext, version: str) -> None:
        """See that the lock is for a Python, or that one has been chosen nonetheless.

        Raises:
            UserFault: it asks for another, and nobody has chosen.
        """
        requires = self._meta.get("requires", {})
        wanted = str(requires.get("python_full_version") or requires.get("python_version") or "")
        if wanted and not f"{version}.".startswith(f"{wanted}."):
            words = ("python_full_version", "python_version")
            if ctx.settings.get(_CHOSEN):
                # As Pipenv, which takes the Python it is told to and says that.
                where = line_of(ctx, _PROJECT, *words)
                ctx.log.warning(f"{where} wants Python {wanted}: {_CHOSEN} counts ({version})")
                return
            raise wrong_python(ctx, wanted, version, _PROJECT, words, "pipenv lock")


def _hashes(text: str) -> set[str]:
    """What a lock of a Pipfile has for its hash.

    Pipenv since 2026.3 normalises the packages' names first, so that a name that is only spelt
    anew asks for no new lock.
    """
    pipfile = Pipfile.load(io.StringIO(text))
    named = {
        category: table if category in _NOT_PACKAGES else _normalised(table)
        for category, table in pipfile._data.items()
    }
    return {pipfile.get_hash().value, Pipfile(named).get_hash().value}


def _normalised(category: Any) -> Any:
    if not isinstance(category, dict):
        return category
    return {canonicalize_name(name): value for name, value in category.items()}


def _check_shape(document: Any) -> None:
    meta = document.get("_meta") if isinstance(document, dict) else None
    if isinstance(meta, dict) and meta.get("pipfile-spec", _SPEC) != _SPEC:
        raise UserFault(
            f"{_LOCK} has the format {meta['pipfile-spec']}, and only {_SPEC} is known",
            where=_LOCK,
            remedy="run `pipenv lock` with the current Pipenv",
        )
    sources = meta.get("sources") if isinstance(meta, dict) else None
    good = (
        isinstance(meta, dict)
        and isinstance(meta.get("hash"), dict)
        and isinstance(meta.get("requires", {}), dict)
        and isinstance(sources, list)
        and all(isinstance(each, dict) and {"name", "url"} <= each.keys() for each in sources)
        and all(
            isinstance(category, dict)
            and all(isinstance(package, dict) for package in category.values())
            for name, category in document.items()
            if name != "_meta"
        )
    )
    if not good:
        raise UserFault(
            f"{_LOCK} is not one: its tables are not those Pipenv writes",
            where=_LOCK,
            remedy=f"run `pipenv lock` and commit its {_LOCK}",
        )
