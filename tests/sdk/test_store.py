"""What a build leaves for the next one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnbkit import BuildContext, Buildpack, BuildResult, Model, field

if TYPE_CHECKING:
    from cnbkit.testing import BuildpackRun


class _Counted(Model):
    builds: int
    rate: float = 0.5
    names: list[str] = field(default_factory=list)


def test_the_store_is_typed_and_its_whole_numbers_stay_whole(buildpack_run: BuildpackRun) -> None:
    seen: list[tuple[dict[str, object], _Counted | None]] = []

    class Counts(Buildpack):
        def build(self, ctx: BuildContext) -> BuildResult:
            last = ctx.stored(_Counted)
            seen.append((ctx.store, last))
            count = _Counted(builds=last.builds + 1 if last else 1, names=["a"])
            return BuildResult(store=count.to_plain())

    again = buildpack_run(Counts).rebuild().rebuild()
    assert [repr(store) for store, _ in seen] == [
        "{}",
        "{'builds': 1, 'names': ['a'], 'rate': 0.5}",
        "{'builds': 2, 'names': ['a'], 'rate': 0.5}",
    ]
    assert [last for _, last in seen] == [
        None,
        _Counted(builds=1, names=["a"]),
        _Counted(builds=2, names=["a"]),
    ]

    class Other(Model):
        other: str

    class Changes(Buildpack):
        def build(self, ctx: BuildContext) -> BuildResult:
            assert ctx.stored(Other) is None
            return BuildResult(store={"big": [{"x": 2**60}]})

    changed = again.rebuild(buildpack=Changes)
    assert changed.code == 70
    assert changed.fault is not None
    assert changed.fault.what.startswith("store.big.x of BuildResult is 1152921504606846976")
