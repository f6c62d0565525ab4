"""What is wrong with each line of the requirements, all of them at once.

A resolver stops at the first line it cannot satisfy. Here uv is asked about every line alone, of
pages of the index that it has fetched already: what it says of one line has one reason.
"""

from __future__ import annotations

import re
import tomllib
from concurrent.futures import ThreadPoolExecutor

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from cnbkit import BuildContext, UserFault
from cnbkit_pip.diagnosis import of_lock
from cnbkit_pip.diagnosis.brought import brought_by
from cnbkit_pip.diagnosis.conflict import conflict
from cnbkit_pip.diagnosis.diagnose import uncompiled
from cnbkit_pip.diagnosis.mistakes import Mistake, misnamed, unreadable
from cnbkit_pip.diagnosis.published import Published, span
from cnbkit_pip.diagnosis.spelling import nearest_names
from cnbkit_pip.diagnosis.stated import Stated
from cnbkit_pip.diagnosis.unresolved import Uncompiled, Unparsed, Unresolved
from cnbkit_pip.resolution.pins import Pins

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cnbkit_indexes.sources import Sources
    from cnbkit_pip.engines.engine import Engine, Wanted
    from cnbkit_pip.engines.uv import Uv
    from cnbkit_python_inputs.config import PipConfig
    from cnbkit_python_inputs.interpreter import Interpreter
    from cnbkit_python_inputs.package import Package
    from cnbkit_python_inputs.requirements import Line
    from cnbkit_python_inputs.target import TargetEnvironment
    from cnbkit_python_inputs.wanted import Locked

__all__ = ["Survey"]

_AT_ONCE = 4
# Asking costs a fraction of a second each; nobody corrects more than this many at once.
_MOST = 400
_UNKNOWN = re.compile(r"(?P<name>\S+) was not found in")
_NO_VERSION = re.compile(r"there (?:is|are) no versions? of")
_NO_WHEEL = re.compile(r"has no wheels with a matching|no wheels? with a matching")
_PYTHON = re.compile(r"depends on Python(?P<spec>[<>=!~]+[\d.*]+(?:, ?[<>=!~]+[\d.*]+)*)")
_PLATFORMS = re.compile(r"on the following platforms?: (?P<names>[^\n]+)")
_NO_EXTRA = re.compile(
    r"The package `(?P<name>[^`=]+)==[^`]*` does not have an extra named `(?P<extra>[^`]+)`"
)
_PINNED = re.compile(r"===?\s*(?P<version>[^\s,;*]+)")


class Survey:
    """Finds out what is wrong.

    Args:
        ctx: the build.
        uv: asks the indexes.
        target: what packages have to fit.
        wanted: what the user wrote; of a lock nothing is asked but which wheels there are.
        second_opinion: whether it was not uv that has failed.
    """

    def __init__(
        self,
        ctx: BuildContext,
        uv: Uv,
        target: TargetEnvironment,
        wanted: Wanted | Locked,
        *,
        second_opinion: bool = False,
    ) -> None:
        from cnbkit_python_inputs.wanted import Locked

        self._second_opinion = second_opinion
        self._scratch = ctx.scratch
        self._root = ctx.app.root
        self._env = ctx.env
        self._uv = uv
        self._python = str(target.markers["python_version"])
        self._machine = f"{target.markers['sys_platform']} on {target.markers['platform_machine']}"
        self._lock = str(wanted) if isinstance(wanted, Locked) else ""
        self._wanted: Wanted = Pins.named(str(wanted)) if isinstance(wanted, Locked) else wanted
        self._stated = Stated(self._wanted, ctx.app.root, target)
        self._published = Published(uv, self._stated.options(), self._python)
        self._range = _declared_range(ctx)

    @classmethod
    def of(
        cls,
        ctx: BuildContext,
        config: PipConfig,
        wanted: Wanted | Locked,
        engine: Engine,
        python: Interpreter,
        target: TargetEnvironment,
        sources: Sources,
    ) -> Survey:
        """One that asks by uv, whatever resolves and installs."""
        from cnbkit_limits import Limits
        from cnbkit_pip.engines.uv import Uv
        from cnbkit_python_inputs.wanted import Locked

        if isinstance(engine, Uv):
            return cls(ctx, engine, target, wanted)
        uv = Uv(
            ctx,
            python,
            sources,
            limits=Limits("BP_PIP_SIZE_LIMIT", config.limit, config.size_limit),
        )
        other = not isinstance(wanted, Locked)
        return cls(ctx, uv, target, wanted, second_opinion=other)

    def instead_of(self, fault: UserFault) -> UserFault:
        """A fault that names every line that is wrong, and what to write instead.

        Args:
            fault: the program's; comes back if nothing more can be found out.
        """
        if self._second_opinion and not isinstance(fault, Uncompiled):
            fault = self._by_uv() or self._nameless(fault)
        if not isinstance(fault, Unresolved):
            return fault
        lines = self._stated.lines[:_MOST]
        found = [each for line in lines if (each := unreadable(line, self._root, self._env))]
        if isinstance(fault, Unparsed):
            if not found:
                return fault
            if fault.where and fault.where not in [each.where for each in found]:
                found.insert(0, Mistake(fault.where, fault.what, fault.remedy or ""))
        elif not found:
            with ThreadPoolExecutor(_AT_ONCE) as pool:
                asked = pool.map(self._wrong, self._stated.indexed()[:_MOST])
            found = [each for each in asked if each]
        if not found and isinstance(fault, Uncompiled):
            return self.with_wheels(fault)
        if not found:
            return conflict(fault, self._stated, self._uv) or fault
        return _all(_once(found), fault)

    def compiled(self) -> list[str]:
        """Of the packages that lines pin, those whose source has to be compiled: `name==version`.

        Asked of the index before anything is compiled, which a resolution may need to begin with.
        """
        pins = [
            self._stated.requirement(line)
            for line in self._stated.indexed()
            if _PINNED.search(self._stated.requirement(line))
        ]
        if not pins:
            return []
        text = self._stated.options() + "".join(f"{pin}\n" for pin in pins)
        packages, _ = self._uv.ask(text, "--no-deps")
        return [
            f"{each['name']}=={each['version']}"
            for each in packages
            if "sdist" in each and not each.get("wheels")
        ]

    def unknown_extras(self, packages: list[Package]) -> list[str]:
        """`file:line: …` of each extra that the chosen version of a package does not have.

        Resolvers pass over them: what the extra was to bring is missed when the app starts.
        """
        versions = {each.name: each.version for each in packages if each.version}
        asked = {
            line.name: line
            for line in self._stated.indexed()
            if "[" in self._stated.requirement(line).partition(";")[0] and line.name in versions
        }
        if not asked:
            return []
        lines = [f"{name}=={version}\n" for name, version in versions.items()]
        for name, line in asked.items():
            extras = self._stated.requirement(line).partition("[")[2].partition("]")[0]
            lines.append(f"{name}[{extras}]=={versions[name]}\n")
        said = self._uv.warnings(f"{self._stated.options()}{''.join(lines)}")
        found = {(each["name"], each["extra"]) for each in _NO_EXTRA.finditer(said)}
        return [
            f"{asked[name].where}: {name} {versions[name]} has no extra {extra}: nothing is "
            "installed for it"
            for name, extra in sorted(found)
            if name in asked
        ]

    def pythons(self, pin: str) -> list[str]:
        """The Pythons that a package has wheels for, the newest last."""
        return self._published.pythons(pin)

    def suitable(self, pythons: list[str]) -> list[str]:
        """Those of some Pythons that pyproject.toml allows: another one helps nobody."""
        return [each for each in pythons if self._range.contains(f"{each}.99")]

    def _with_all(self) -> tuple[str, int] | None:
        """The newest Python with wheels of all packages that have any and are compiled here.

        None if there is none, or if it is one package alone.
        """
        every = [self._published.pythons(pin) for pin in self.compiled()]
        having = [pythons for pythons in every if pythons]
        if len(having) < 2:
            return None
        common = [each for each in having[0] if all(each in pythons for pythons in having)]
        common = [each for each in self.suitable(common) if each != self._python]
        return (common[-1], len(having)) if common else None

    def _nameless(self, fault: UserFault) -> UserFault:
        """A fault of pip that does not say what is compiled: the only package it can be."""
        compiled = self.compiled() if "subprocess-exited-with-error" in str(fault.detail) else []
        if len(compiled) != 1 or not isinstance(fault, Unresolved):
            return fault
        name, _, version = compiled[0].partition("==")
        return uncompiled(name, version, fault.output, fault.detail)

    def _by_uv(self) -> UserFault | None:
        """What uv says of the same: pip keeps some reasons to itself."""
        try:
            self._uv.lock(self._wanted, f"{self._scratch}/pylock.second.toml")
        except UserFault as fault:
            return fault
        return None

    def _wrong(self, line: Line) -> Mistake | None:
        requirement = self._stated.requirement(line)
        said = self._published.refusal(requirement)
        if not said and line.name != "sklearn":
            return None
        known = misnamed(line)
        return known or Mistake(line.where, *self._reason(line, requirement, said))

    def _reason(self, line: Line, requirement: str, said: str) -> tuple[str, str]:
        name = line.name
        pinned = _PINNED.search(requirement)
        version = pinned["version"] if pinned else ""
        label = f"{name} {version}".strip()
        if found := _PYTHON.search(said):
            needs = found["spec"].replace(" ", "")
            return f"{label} needs Python {needs}", self._other(name, version, needs)
        if _NO_WHEEL.search(said):
            return self._no_wheel(label, name, version, requirement, said)
        if _UNKNOWN.search(said):
            near = nearest_names(name)
            change = f"write {' or '.join(near)}" if near else "correct the name"
            return (
                f"there is no package {name} in the index",
                f"{change}; where it is private, name its index: BP_PIP_EXTRA_INDEX_URLS",
            )
        if _NO_VERSION.search(said) or "No solution found" in said:
            return self._no_version(line, name, version, requirement)
        words = [each.partition("cause: ")[2] for each in said.splitlines() if "cause: " in each]
        return f"{requirement} cannot be had", words[0] if words else "correct the line"

    def _no_version(self, line: Line, name: str, version: str, requirement: str) -> tuple[str, str]:
        near = self._published.near(name, version) if version else []
        newest = self._published.version(name)
        what = f"there is no {requirement}"
        if not newest:
            pythons = self.suitable(self._published.pythons(name))
            if pythons:
                return (
                    f"no version of {name} is for Python {self._python}",
                    f"write {pythons[-1]} into .python-version",
                )
            return what, f"take {line.text} out: no version of {name} can be installed"
        best = near[0] if near else newest
        more = f", the newest is {newest}" if newest != best else ""
        return what, f"write {name}=={best}, which is there{more}"

    def _no_wheel(
        self, label: str, name: str, version: str, requirement: str, said: str
    ) -> tuple[str, str]:
        pythons = self._published.pythons(requirement)
        if pythons:
            return (
                f"{label} has wheels for Python {span(pythons)}, and none for {self._python}",
                self._other(name, version, "", pythons),
            )
        platforms = _PLATFORMS.search(said)
        only = f" (only for {platforms['names'].replace('`', '')})" if platforms else ""
        near = self._published.near(name, version) if version else []
        other = f"write {name}=={near[0]}, which has one" if near else "take the line out"
        return f"{label} has no wheel for {self._machine}{only}", other

    def _other(self, name: str, version: str, needs: str, pythons: list[str] | None = None) -> str:
        """Another Python, or another version of the package."""
        ways = []
        if needs:
            first = re.search(r">=?([\d.]+)", needs)
            last = re.search(r"<=?([\d.]+)", needs)
            pythons = [first[1]] if first else self._published.pythons(name) if last else []
        if pythons := self.suitable(pythons or []):
            ways.append(f"write {pythons[-1]} into .python-version")
        near = self._published.near(name, version) if version else []
        ways += [f"write {name}=={near[0]}, which is for Python {self._python}"] if near else []
        return "; or ".join(ways) or f"take another version of {name}"

    def with_wheels(self, fault: Uncompiled) -> Uncompiled:
        """A fault of compiling, with the line that asks for it and the wheels there are."""
        fault.placed(self._wanted)
        if self._lock:
            fault.where = of_lock.place(self._root, self._lock, fault.name)
        if ":" not in str(fault.where) and (line := brought_by(fault, self._stated, self._uv)):
            fault.where = f"{line.where} ({line.name} needs {fault.name})"
        pin = f"{fault.name}=={fault.version}" if fault.version else fault.name
        pythons = self._published.pythons(pin)
        near = self._published.near(fault.name, fault.version) if fault.version else []
        if pythons and self._python not in pythons:
            fault.what += f"; it has wheels for Python {span(pythons)}"
        known = fault.remedy or ""
        known = "" if known.startswith("take a version") else known
        newer = [each for each in near if Version(each) > Version(fault.version)]
        older = self.suitable(pythons)[-1:] if self._python not in pythons else []
        instead = newer or ([] if known else near)  # nothing is compiled then
        change = ""
        # To write another version of each in turn would be a build for each of them.
        if not self._lock and older and (all_of := self._with_all()):
            python, count = all_of
            if instead:
                fault.mention(f"Or: write {fault.name}=={instead[0]}, which has a wheel")
            fault.remedy = (
                f"write {python} into .python-version: it has wheels of {count} packages that "
                "are compiled here"
            )
            return fault
        # A lock's other packages have their wheels for that Python, too.
        if older and (self._lock or not instead):
            change = f"write {older[0]} into .python-version"
        elif instead and self._lock:
            change = of_lock.other_release(self._lock, fault.name)
        elif instead:
            change = f"write {fault.name}=={instead[0]}, which has a wheel"
        known = of_lock.replaced(known, self._lock) if self._lock else known
        if change:
            if known:
                fault.mention(f"Or: {known}")
            fault.remedy = change
        elif known:
            fault.remedy = known
        return fault


def _declared_range(ctx: BuildContext) -> SpecifierSet:
    """requires-python of pyproject.toml; any Python if it says none that can be read."""
    if not ctx.app.has("pyproject.toml"):
        return SpecifierSet()
    try:
        project = tomllib.loads(ctx.app.text("pyproject.toml")).get("project", {})
        return SpecifierSet(project.get("requires-python", ""))
    except (UserFault, ValueError, RecursionError, AttributeError, TypeError):
        return SpecifierSet()


def _once(found: list[Mistake]) -> list[Mistake]:
    """Without lines that are part of a mistake told already: a page, or a conflict, has several."""
    result: dict[tuple[str, str], Mistake] = {}
    for each in found:
        result.setdefault((each.where.rpartition(":")[0], f"{each.what}\0{each.change}"), each)
    return [*result.values()]


def _all(found: list[Mistake], fault: Unresolved) -> UserFault:
    if len(found) == 1:
        [only] = found
        return UserFault(only.what, where=only.where, remedy=only.change, detail=fault.detail)
    return UserFault(
        f"{len(found)} requirements cannot be had",
        where=", ".join(each.where for each in found),
        remedy="\n".join(f"{each.where}: {each.what}: {each.change}" for each in found),
        detail=fault.detail,
    )
