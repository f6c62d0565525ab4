"""The lifecycle's detector: tries the groups of an order (phase/detector.go)."""

from __future__ import annotations

import dataclasses
import itertools
from typing import TYPE_CHECKING

from cnbkit.errors import BuildpackFault
from cnbkit.spec.build_plan import Plan
from cnbkit.spec.buildpack import TargetEntry
from cnbkit.spec.names import runs_in
from cnbkit.testing.trial import Element, Option, elements, match, unmatched
from cnbkit.testing.verdict import FAILED, PASSED, Candidate, Provision, Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import TypeAlias

    from cnbkit.spec.target import Target
    from cnbkit.testing.trial import Group

    Known: TypeAlias = "Plan | int | Candidate | Sequence[Group] | None"

__all__ = ["Detector", "NoneFits"]


class NoneFits(Exception):
    """No group fits.

    Args:
        error: whether a detect ended with an error.
    """

    def __init__(self, *, error: bool) -> None:
        super().__init__()
        self.error = error


class Detector:
    """One run of the detector.

    Args:
        known: buildpacks (False) and extensions (True), by `id` or `id@version`.
        extensions: the groups that may go before each group.
        target: what is built for.
        exec_env: the execution environment.
    """

    def __init__(
        self,
        known: Mapping[bool, Mapping[str, Known]],
        extensions: Sequence[Sequence[Element]],
        target: Target,
        exec_env: str,
    ) -> None:
        self._known = known
        self._extensions = extensions
        self._target = target
        self._exec_env = exec_env
        self._codes: dict[tuple[bool, str], int] = {}
        self.log: list[str] = []

    def check(self, groups: Sequence[Sequence[Element]], inside: tuple[str, ...]) -> None:
        """Blame who gave an order with something unknown, or a composite that contains itself."""
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

    def _look_up(self, element: Element) -> Candidate | list[list[Element]]:
        for name in (str(element), element.id):
            if name in self._known[element.extension]:
                known = self._known[element.extension][name]
                if isinstance(known, Candidate):
                    return known
                if known is None or isinstance(known, Plan):
                    return Candidate(known)
                if isinstance(known, int):
                    return Candidate(code=known)
                return [elements(group) for group in known]
        raise BuildpackFault(
            f"the order names {element}, of which nothing is known",
            remedy="say what its detect answers",
        )

    def detect(self, groups: Sequence[Sequence[Element]]) -> Verdict:
        """Try groups, each after the extensions that fit before it."""
        error = False
        for group in groups:
            try:
                if self._extensions:
                    return self.order(self._extensions, (), group, optional=True)
                return self._group(group, ())
            except NoneFits as failed:
                error = error or failed.error
        raise NoneFits(error=error)

    def order(
        self,
        groups: Sequence[Sequence[Element]],
        done: tuple[Element, ...],
        rest: Sequence[Element],
        *,
        optional: bool,
    ) -> Verdict:
        """Try groups, each followed by the rest of the group that their composite is in."""
        error = False
        for group in groups:
            try:
                return self._group([*group, *rest], done)
            except NoneFits as failed:
                error = error or failed.error
        if optional:
            return self._group(rest, done)
        raise NoneFits(error=error)

    def _group(self, group: Sequence[Element], done: tuple[Element, ...]) -> Verdict:
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

    def _resolve(self, done: Sequence[Element]) -> Verdict:
        detected = True
        error = False
        joined: list[list[Option]] = []
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
            raise NoneFits(error=error)
        if all(options[0].element.extension for options in joined):
            self.log.append("fail: no viable buildpacks in group")
            raise NoneFits(error=False)
        for number, options in enumerate(itertools.product(*joined), 1):
            self.log.append(f"Resolving plan... (try #{number})")
            verdict = self._try(options)
            if verdict is not None:
                return verdict
        raise NoneFits(error=False)

    def _options(self, element: Element) -> list[Option]:
        candidate = self._look_up(element)
        assert isinstance(candidate, Candidate)
        document = (candidate.plan or Plan()).document()
        sections = [(document.provides, document.requires)]
        sections += [(each.provides, each.requires) for each in document.alternatives]
        last = len(sections) - 1
        return [
            Option(
                dataclasses.replace(element, optional=element.optional and place == last),
                tuple(provide.name for provide in provides),
                tuple(requires),
            )
            for place, (provides, requires) in enumerate(sections)
        ]

    def _try(self, trial: Sequence[Option]) -> Verdict | None:
        while True:
            names = match(trial)
            dropped = []
            for element, why in unmatched(names):
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


def _code(candidate: Candidate, element: Element) -> int:
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
