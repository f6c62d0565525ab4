"""Which buildpacks of an order take part, and who provides what to whom: without running one.

The lifecycle's own algorithm (phase/detector.go, Platform API 0.15), which the specification
describes in buildpack.md, "Phase #1: Detection" and "Phase #2: Analysis". A test compares the
two on random orders. What is easily missed in it:

- all options of a buildpack (its plan and each `or`) but the last count as required, even if the
  buildpack is optional; only on the last one may it be dropped;
- a buildpack's detect runs once: what it said in one group holds in all;
- a buildpack for other targets is an error where it is required, and is asked where it is
  optional; one for other execution environments is passed over either way.
"""

from __future__ import annotations

import dataclasses
import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cnbkit.errors import BuildpackFault
from cnbkit.spec.build_plan import BuildpackPlan, Entry, Plan, Require
from cnbkit.spec.buildpack import Order, OrderEntry, TargetEntry
from cnbkit.spec.names import runs_in
from cnbkit.spec.target import Target

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import TypeAlias

    Group: TypeAlias = "Order | Sequence[str | OrderEntry]"
    Known: TypeAlias = "Plan | int | Candidate | Sequence[Group] | None"

__all__ = ["Candidate", "Provision", "Verdict", "simulate"]

PASSED, FAILED = 0, 100
NONE_DETECTED, NONE_DETECTED_WITH_ERRORS = 20, 21


@dataclass(frozen=True)
class Candidate:
    """A buildpack as the detector sees it.

    Args:
        plan: what its detect writes.
        code: its detect's exit status: 0 joins, 100 does not, anything else is an error.
        targets: what its buildpack.toml says; any Linux if nothing.
        exec_env: the execution environments it is for; all if empty.
    """

    plan: Plan | None = None
    code: int = PASSED
    targets: Sequence[TargetEntry] = ()
    exec_env: Sequence[str] = ()


@dataclass(frozen=True)
class Provision:
    """Who provides a name, and what is asked of them.

    Args:
        name: the name.
        providers: buildpacks, in order; the first may leave it to the next (`BuildResult.unmet`).
            Extensions come before all buildpacks.
        requires: one for each buildpack that requires it.
        by_extension: whether an extension is among them, so that no buildpack has to.
    """

    name: str
    providers: tuple[str, ...]
    requires: tuple[Require, ...]
    by_extension: bool = False


@dataclass(frozen=True)
class Verdict:
    """What the detector comes to.

    Args:
        code: 0; 20 if no group fits; 21 if that may be due to a detect that failed.
        group: the buildpacks that build, in order, named as in the order given.
        extensions: the image extensions that generate, before them.
        provisions: the build plan, by name.
        log: every decision, one line each, in the lifecycle's words.
    """

    code: int
    group: tuple[str, ...] = ()
    extensions: tuple[str, ...] = ()
    provisions: Mapping[str, Provision] = field(default_factory=dict)
    log: tuple[str, ...] = ()

    @property
    def detected(self) -> bool:
        """Whether there is a group that builds."""
        return self.code == PASSED

    def plan(self, buildpack: str) -> BuildpackPlan:
        """What a buildpack is given to build, if those before it leave nothing unmet.

        Args:
            buildpack: named as in `group`.
        """
        entries = [
            Entry(name=require.name, metadata=require.metadata)
            for provision in self.provisions.values()
            if provision.providers[0] == buildpack and not provision.by_extension
            for require in provision.requires
        ]
        return BuildpackPlan(entries=entries)


def simulate(
    order: Sequence[Group],
    buildpacks: Mapping[str, Known],
    *,
    order_extensions: Sequence[Group] = (),
    extensions: Mapping[str, Known] | None = None,
    target: Target | None = None,
    exec_env: str = "production",
) -> Verdict:
    """Find the group that builds.

        simulate(
            [["python", "pip?"], ["python"]],
            {"python": Plan().provides("python"), "pip": Plan().requires("python")},
        )

    Args:
        order: the groups to try. A buildpack is `id` or `id@version`, with `?` if optional; or
            an entry of a descriptor.
        buildpacks: what is known of each, under `id` or `id@version`: the plan it joins with,
            None if it joins without one, the exit status of its detect, a `Candidate` for
            more; or, for a composite, its groups.
        order_extensions: groups of image extensions, the first that fits goes before each
            group. They are always optional.
        extensions: what is known of each extension; it may provide, not require.
        target: what is built for.
        exec_env: the execution environment (CNB_EXEC_ENV).

    Raises:
        BuildpackFault: a buildpack is not known, or a composite contains itself.
    """
    known = {False: buildpacks, True: extensions or {}}
    before = [
        [dataclasses.replace(each, optional=True, extension=True) for each in _elements(group)]
        for group in order_extensions
    ]
    groups = [_elements(group) for group in order]
    detector = _Detector(known, before, target or Target(), exec_env)
    detector.check([*before, *groups], ())
    try:
        return detector.detect(groups)
    except _NoneFits as failed:
        code = NONE_DETECTED_WITH_ERRORS if failed.error else NONE_DETECTED
        return Verdict(code, log=tuple(detector.log))


@dataclass(frozen=True)
class _Element:
    id: str
    version: str
    optional: bool
    extension: bool = False

    @property
    def key(self) -> tuple[bool, str]:
        return self.extension, str(self)

    def __str__(self) -> str:
        return f"{self.id}@{self.version}" if self.version else self.id


@dataclass(frozen=True)
class _Option:
    """One of the plans of one buildpack, as part of a trial."""

    element: _Element
    provides: tuple[str, ...]
    requires: tuple[Require, ...]


class _NoneFits(Exception):
    """No group fits.

    Args:
        error: whether a detect ended with an error.
    """

    def __init__(self, *, error: bool) -> None:
        super().__init__()
        self.error = error


class _Detector:
    def __init__(
        self,
        known: Mapping[bool, Mapping[str, Known]],
        extensions: Sequence[Sequence[_Element]],
        target: Target,
        exec_env: str,
    ) -> None:
        self._known = known
        self._extensions = extensions
        self._target = target
        self._exec_env = exec_env
        self._codes: dict[tuple[bool, str], int] = {}
        self.log: list[str] = []

    def check(self, groups: Sequence[Sequence[_Element]], inside: tuple[str, ...]) -> None:
        for element in itertools.chain.from_iterable(groups):
            known = self._look_up(element)
            if isinstance(known, Candidate):
                continue
            if str(element) in inside:
                raise BuildpackFault(
                    f"the composite {element} contains itself",
                    where=" > ".join((*inside, str(element))),
                    remedy="take it out of its own order",
                )
            self.check(known, (*inside, str(element)))

    def _look_up(self, element: _Element) -> Candidate | list[list[_Element]]:
        for name in (str(element), element.id):
            if name in self._known[element.extension]:
                known = self._known[element.extension][name]
                if isinstance(known, Candidate):
                    return known
                if known is None or isinstance(known, Plan):
                    return Candidate(known)
                if isinstance(known, int):
                    return Candidate(code=known)
                return [_elements(group) for group in known]
        raise BuildpackFault(
            f"the order names {element}, of which nothing is known",
            remedy="say what its detect answers",
        )

    def detect(self, groups: Sequence[Sequence[_Element]]) -> Verdict:
        """Try groups, each after the extensions that fit before it."""
        error = False
        for group in groups:
            try:
                if self._extensions:
                    return self.order(self._extensions, (), group, optional=True)
                return self._group(group, ())
            except _NoneFits as failed:
                error = error or failed.error
        raise _NoneFits(error=error)

    def order(
        self,
        groups: Sequence[Sequence[_Element]],
        done: tuple[_Element, ...],
        rest: Sequence[_Element],
        *,
        optional: bool,
    ) -> Verdict:
        """Try groups, each followed by the rest of the group that their composite is in."""
        error = False
        for group in groups:
            try:
                return self._group([*group, *rest], done)
            except _NoneFits as failed:
                error = error or failed.error
        if optional:
            return self._group(rest, done)
        raise _NoneFits(error=error)

    def _group(self, group: Sequence[_Element], done: tuple[_Element, ...]) -> Verdict:
        for place, element in enumerate(group):
            if any((each.id, each.extension) == (element.id, element.extension) for each in done):
                continue
            known = self._look_up(element)
            if not isinstance(known, Candidate):
                rest = group[place + 1 :]
                return self.order(known, done, rest, optional=element.optional)
            if not self._for_target(known) and not element.optional:
                self._codes[element.key] = -1
            elif self._for_exec_env(known):
                self._codes.setdefault(element.key, _code(known, element))
            else:
                self.log.append(f"pass over {element}: it is not for {self._exec_env}")
                continue
            done = (*done, element)
        return self._resolve(done)

    def _for_target(self, candidate: Candidate) -> bool:
        return any(_fits(self._target, each) for each in candidate.targets or _ANY_LINUX)

    def _for_exec_env(self, candidate: Candidate) -> bool:
        return runs_in(candidate.exec_env, self._exec_env)

    def _resolve(self, done: Sequence[_Element]) -> Verdict:
        detected = True
        error = False
        joined: list[list[_Option]] = []
        for element in done:
            code = self._codes[element.key]
            if code == PASSED:
                self.log.append(f"pass: {element}")
                joined.append(self._options(element))
                continue
            detected = detected and element.optional
            if code == FAILED:
                self.log.append(f"{'skip' if element.optional else 'fail'}: {element}")
            else:
                error = True
                self.log.append(f"err:  {element} ({code})")
        if not detected:
            raise _NoneFits(error=error)
        if all(options[0].element.extension for options in joined):
            self.log.append("fail: no viable buildpacks in group")
            raise _NoneFits(error=False)
        for number, options in enumerate(itertools.product(*joined), 1):
            self.log.append(f"Resolving plan... (try #{number})")
            verdict = self._try(options)
            if verdict is not None:
                return verdict
        raise _NoneFits(error=False)

    def _options(self, element: _Element) -> list[_Option]:
        candidate = self._look_up(element)
        assert isinstance(candidate, Candidate)
        document = (candidate.plan or Plan()).document()
        sections = [(document.provides, document.requires)]
        sections += [(each.provides, each.requires) for each in document.alternatives]
        last = len(sections) - 1
        return [
            _Option(
                dataclasses.replace(element, optional=element.optional and place == last),
                tuple(provide.name for provide in provides),
                tuple(requires),
            )
            for place, (provides, requires) in enumerate(sections)
        ]

    def _try(self, trial: Sequence[_Option]) -> Verdict | None:
        while True:
            names = _match(trial)
            dropped = []
            for element, why in _unmatched(names):
                self.log.append(f"{'skip' if element.optional else 'fail'}: {element} {why}")
                if not element.optional:
                    return None
                dropped.append(element)
            if not dropped:
                break
            trial = [option for option in trial if option.element not in dropped]
        if not trial:
            self.log.append("fail: no viable buildpacks in group")
            return None
        return Verdict(
            PASSED,
            group=tuple(str(each.element) for each in trial if not each.element.extension),
            extensions=tuple(str(each.element) for each in trial if each.element.extension),
            provisions={
                name: Provision(
                    name,
                    tuple(map(str, each.providers)),
                    tuple(each.requires),
                    any(provider.extension for provider in each.providers),
                )
                for name, each in names.items()
            },
            log=tuple(self.log),
        )


@dataclass
class _Name:
    """One name of a trial's plans: who provides it to whom."""

    providers: list[_Element] = field(default_factory=list)
    requires: list[Require] = field(default_factory=list)
    unused: list[_Element] = field(default_factory=list)
    early: list[_Element] = field(default_factory=list)


def _match(trial: Sequence[_Option]) -> dict[str, _Name]:
    names: dict[str, _Name] = {}
    for option in trial:
        for provided in option.provides:
            names.setdefault(provided, _Name()).unused.append(option.element)
        for require in option.requires:
            name = names.setdefault(require.name, _Name())
            name.providers += name.unused
            name.unused = []
            if name.providers:
                name.requires.append(require)
            else:
                name.early.append(option.element)
    return names


def _unmatched(names: Mapping[str, _Name]) -> Iterator[tuple[_Element, str]]:
    for name, each in names.items():
        yield from ((element, f"requires {name}") for element in each.early)
    for name, each in names.items():
        yield from ((element, f"provides unused {name}") for element in each.unused)


def _code(candidate: Candidate, element: _Element) -> int:
    plan = candidate.plan.document() if candidate.plan else None
    requires = plan and (plan.requires or any(each.requires for each in plan.alternatives))
    return -1 if requires and element.extension and candidate.code == PASSED else candidate.code


def _fits(target: Target, entry: TargetEntry) -> bool:
    # The lifecycle reads the key `arch-variant`, which no specification has, so no variant
    # that a buildpack.toml names can keep it out.
    pairs = [(target.os, entry.os), (target.arch, entry.arch)]
    if not all(_same(*pair) for pair in pairs):
        return False
    if not entry.distros:
        return True
    if not target.distro and not target.distro_version:
        return False
    return any(
        _same(target.distro, distro.name) and _same(target.distro_version, distro.version)
        for distro in entry.distros
    )


def _same(one: str | None, other: str | None) -> bool:
    return not one or not other or one == other


_ANY_LINUX = (TargetEntry(os="linux"),)


def _elements(group: Group) -> list[_Element]:
    entries = group.group if isinstance(group, Order) else group
    return [
        _parsed(entry)
        if isinstance(entry, str)
        else _Element(entry.id, entry.version, entry.optional)
        for entry in entries
    ]


def _parsed(text: str) -> _Element:
    name, version = text.removesuffix("?").partition("@")[::2]
    return _Element(name, version, text.endswith("?"))
