"""Which build of a framework a request asks for, and why: nothing is resolved or fetched here.

What the packages bring as they are counts: a wheel that is right already stays where it is.
"""

from __future__ import annotations

from cnbkit import PackageRequest, UserFault
from cnbkit.package_request import Framework
from cnbkit_pip.accelerators.runtime import runtime_of, serves_only
from cnbkit_python_inputs.package import Package

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Change", "Decision", "builds_of", "index_of", "public", "version_of"]


class Change:
    """What to change.

    Attributes:
        build: of the framework's indexes; empty to leave its packages where they are.
        index: the address of that build's index.
        indexes: package → the index it has to come from.
        more: requirements to add.
        reason: why that build.
        runtime: major version of the runtime that extras and libraries are for; empty for none.
    """

    def __init__(self) -> None:
        self.build = ""
        self.index = ""
        self.indexes: dict[str, str] = {}
        self.more: list[str] = []
        self.reason = ""
        self.runtime = ""

    def __bool__(self) -> bool:
        return bool(self.indexes or self.more)


class Decision:
    """Decides what a request changes.

    Args:
        request: what is asked for.
        machine: "x86_64" or "aarch64".
        where: what the packages are from.
        offered: whether an index has a package at a version; at any if that is empty.
    """

    def __init__(
        self,
        request: PackageRequest,
        machine: str,
        where: str,
        offered: Callable[[str, str, str], bool],
    ) -> None:
        self._request = request
        self._machine = machine
        self._where = where
        self._offered = offered

    def decide(self, packages: list[Package]) -> Change:
        """What has to change in these packages.

        Raises:
            UserFault: there is no such build of the framework at all.
        """
        request, change = self._request, Change()
        by_name = {each.name: each for each in packages}
        present, witness = runtime_of(packages, request.evidence)
        for framework in request.frameworks:
            family = [name for name in framework.packages if name in by_name]
            if family:
                self._choose_build(
                    change, framework, packages, by_name[family[0]], present, witness
                )
            if not change.build or not family:
                continue
            change.index = index_of(framework, change.build)
            change.indexes.update(dict.fromkeys(family, change.index))
            for name in framework.beside:
                if name in by_name and self._offered(
                    change.index, name, public(by_name[name].version)
                ):
                    change.indexes[name] = change.index
        for binding in request.indexes:
            change.indexes.update({n: binding.url for n in binding.packages if n in by_name})
        if any(framework.compatible for framework in request.frameworks):
            runtime = version_of(change.build) or present or self._runtime_without(by_name)
            change.runtime = runtime.partition(".")[0]
        for extra in request.extras:
            there = any(sign in by_name for sign in extra.unless)
            if extra.package in by_name and not there and extra.runtime in ("", change.runtime):
                change.more.append(f"{extra.package}[{','.join(extra.extras)}]")
        for addition in request.additions:
            if addition.package in by_name and addition.runtime in ("", change.runtime):
                change.more += [each for each in addition.add if each not in by_name]
        return change

    def _choose_build(
        self,
        change: Change,
        framework: Framework,
        packages: list[Package],
        first: Package,
        present: str,
        witness: str,
    ) -> None:
        request = self._request
        if framework.only:
            plain = not any(serves_only(each.name, request.serving) for each in packages)
            if plain and (
                first.version.endswith(f"+{framework.only}") or self._machine == "aarch64"
            ):
                change.reason = f"{first.name} {first.version} is without an accelerator already"
                return
            change.build = framework.only
            change.reason = "no accelerator is to be served by PyTorch"
            return
        if not framework.builds:
            return
        version = request.runtime
        if framework.compatible and present and _fits(present, version):
            change.reason = (
                f"{first.name} {first.version} as {self._where} has it is for "
                f"{request.accelerator.upper()} {present} ({witness})"
            )
            return
        reason = "asked for"
        if framework.compatible and not version:
            version = self._published_for(framework, first)
            reason = f"what {first.name} {public(first.version)} is published for by default"
        exact = [each for each in framework.builds if version_of(each) == version]
        candidates = exact or builds_of(framework, version)
        if not candidates:
            raise UserFault(
                f"PyTorch has no index for {request.accelerator} {version}",
                where=request.where,
                remedy=f"choose one of {', '.join(framework.builds)}",
            )
        if len(candidates) > 1:
            change.build = self._newest(framework, candidates, first)
            reason = f"the newest with {first.name}"
        else:
            [change.build] = candidates
        change.reason = reason + (
            f", in place of {request.accelerator.upper()} {present}" if present else ""
        )

    def _newest(self, framework: Framework, builds: list[str], package: Package) -> str:
        for version in (public(package.version), ""):
            for build in builds:
                if self._offered(index_of(framework, build), package.name, version):
                    return build
        return builds[0]

    def _published_for(self, framework: Framework, package: Package) -> str:
        from packaging.version import Version

        for each in framework.published:
            if each.package == package.name and Version(package.version) >= Version(each.since):
                return each.runtime
        return framework.default

    def _runtime_without(self, by_name: dict[str, Package]) -> str:
        """The runtime of libraries that nothing in the packages names."""
        request = self._request
        if request.runtime:
            return request.runtime
        for addition in request.additions:
            others = [e.runtime for e in request.additions if e.package == addition.package]
            if addition.package in by_name and others == [addition.runtime]:
                return addition.runtime
        return next((each.default for each in request.frameworks if each.default), "")


def index_of(framework: Framework, build: str) -> str:
    """The address of the index with a build."""
    return f"{framework.site.rstrip('/')}/{build}"


def builds_of(framework: Framework, version: str) -> list[str]:
    """The builds for a version like "12", or for any; the newest first."""
    return [
        each
        for each in framework.builds
        if not version or f"{version_of(each)}.".startswith(f"{version}.")
    ]


def version_of(build: str) -> str:
    """Of `cu128` 12.8, of `rocm6.4` 6.4."""
    if build.startswith("cu"):
        return f"{build[2:-1]}.{build[-1]}"
    return build.lstrip("abcdefghijklmnopqrstuvwxyz")


def public(version: str) -> str:
    """A version without its local part: of `2.8.0+cpu` 2.8.0."""
    return version.partition("+")[0]


def _fits(version: str, wanted: str) -> bool:
    return not wanted or f"{version}.".startswith(f"{wanted}.")
