"""What every buildpack that turns a tool's lock into the one lock does; each derives a class."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from cnbkit import Target

from .told import heard, telling

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Set

    from cnbkit import Buildpack
    from cnbkit.testing import BuildpackRun, Result

    from .conftest import Unchanged

    App = Path | Mapping[str, bytes | str]

__all__ = ["LockFrontEnd", "packages"]

HEAVY = {"json", "packaging", "pathlib", "re", "subprocess", "tomllib"}


def packages(result: Result) -> dict[str, dict[str, Any]]:
    """The lock that later buildpacks are told of, by name."""
    assert result.code == 0, result.log
    path = Path(heard(result.build_env()).lock)
    document = tomllib.loads(result.layer("lock").text(path.name))
    assert document["lock-version"] == "1.0"
    assert path.parent.name == "lock"
    return {entry["name"]: entry for entry in document["packages"]}


class LockFrontEnd:
    """The tests; `app` is the fixture of the module that derives it.

    Attributes:
        kind: the buildpack.
        env: what an earlier buildpack told.
        lock: the tool's file.
        own: what the names of its modules begin with that only a new lock needs.
        always: packages of `marked` whose markers hold everywhere.
        before_3_12: those whose markers hold on Python 3.11.
    """

    kind: ClassVar[type[Buildpack]]
    env: ClassVar[dict[str, str]]
    lock: ClassVar[str]
    own: ClassVar[tuple[str, ...]]
    always: ClassVar[Set[str]]
    before_3_12: ClassVar[Set[str]] = frozenset()

    @pytest.fixture
    def given(self) -> type[Buildpack] | Path:
        """The buildpack as the harness takes it."""
        return self.kind

    @pytest.fixture
    def marked(self, app: App) -> App:
        """An app with `toml` from Python 3.12 on, and `markupsafe` for arm64."""
        return app

    @pytest.mark.parametrize(
        ("python", "arch", "more"),
        [("3.12.4", "amd64", {"toml"}), ("3.11.2", "arm64", {"markupsafe"})],
    )
    def test_markers_are_decided_for_the_python_and_the_target(
        self,
        buildpack_run: BuildpackRun,
        given: type[Buildpack] | Path,
        marked: App,
        python: str,
        arch: str,
        more: set[str],
    ) -> None:
        env = telling(self.env, python_version=python)
        result = buildpack_run(given, app=marked, env=env, target=Target(arch=arch))
        older = self.before_3_12 if python < "3.12" else frozenset()
        assert packages(result).keys() == self.always | older | more

    def test_an_unchanged_lock_is_kept_and_nothing_heavy_is_imported(
        self,
        buildpack_run: BuildpackRun,
        given: type[Buildpack] | Path,
        app: App,
        unchanged_build: Callable[[type[Buildpack], Result], Unchanged],
    ) -> None:
        first = buildpack_run(given, app=app, env=self.env)
        again = first.rebuild(app={"app.py": "print(1)"})
        assert again.layer("lock").state == "keep"
        assert packages(again) == packages(first)
        alone = unchanged_build(self.kind, again)
        assert f"{self.lock} unchanged" in alone.log
        assert alone.imported & HEAVY == set()
        assert [name for name in alone.imported if name.startswith(self.own)] == []
