"""Which build of a framework the hardware asks for, and why: nothing is resolved or fetched here.

What the packages bring as they are counts: a wheel that is right already stays where it is.
"""

from __future__ import annotations

from cnbkit import UserFault
from cnbkit_pip.accelerators.hardware import Hardware, version_of
from cnbkit_pip.accelerators.nvidia import cuda_of, is_accelerator
from cnbkit_python_inputs.package import Package

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Change", "Decision", "public"]


class Change:
    """What to change.

    Attributes:
        build: of PyTorch's indexes; empty to leave its packages where they are.
        indexes: package → the index it has to come from.
        more: requirements to add.
        reason: why that build.
        cuda: major version of the CUDA that extras and libraries are for; empty for none.
    """

    def __init__(self) -> None:
        self.build = ""
        self.indexes: dict[str, str] = {}
        self.more: list[str] = []
        self.reason = ""
        self.cuda = ""

    def __bool__(self) -> bool:
        return bool(self.indexes or self.more)


class Decision:
    """Decides for one choice of hardware.

    Args:
        hardware: the choice.
        machine: "x86_64" or "aarch64".
        where: what the packages are from.
        offered: whether an index has a package at a version; at any if that is empty.
    """

    def __init__(
        self,
        hardware: Hardware,
        machine: str,
        where: str,
        offered: Callable[[str, str, str], bool],
    ) -> None:
        self._hardware = hardware
        self._machine = machine
        self._where = where
        self._offered = offered

    def decide(self, packages: list[Package]) -> Change:
        """What has to change in these packages.

        Raises:
            UserFault: there is no such build of the framework at all.
        """
        hardware, plan = self._hardware, Change()
        by_name = {each.name: each for each in packages}
        for url, *names in hardware.rules("index"):
            plan.indexes.update({name: url for name in names if name in by_name})
        family = [name for name in hardware.words("family") if name in by_name]
        present, witness = cuda_of(packages)
        if family:
            self._choose_build(plan, packages, by_name[family[0]], present, witness)
        if plan.build:
            url = hardware.index(plan.build)
            plan.indexes.update(dict.fromkeys(family, url))
            for name in hardware.words("beside"):
                if name in by_name and self._offered(url, name, public(by_name[name].version)):
                    plan.indexes[name] = url
        if hardware.name == "cuda":
            cuda = version_of(plan.build) or present or self._cuda_without(by_name)
            plan.cuda = cuda.partition(".")[0]
        for major, name, extras, signs in hardware.rules("extra"):
            there = any(sign in by_name for sign in signs.split(","))
            if name in by_name and not there and major in ("-", plan.cuda):
                plan.more.append(f"{name}[{extras}]")
        for major, name, *libraries in hardware.rules("runtime"):
            if name in by_name and major == plan.cuda:
                plan.more += [each for each in libraries if each not in by_name]
        return plan

    def _choose_build(
        self, plan: Change, packages: list[Package], torch: Package, present: str, witness: str
    ) -> None:
        hardware = self._hardware
        for [build] in hardware.rules("torch"):
            if not any(is_accelerator(each.name) for each in packages) and (
                torch.version.endswith(f"+{build}") or self._machine == "aarch64"
            ):
                plan.reason = f"{torch.name} {torch.version} is without an accelerator already"
                return
            plan.build, plan.reason = build, "no accelerator is to be served by PyTorch"
            return
        builds = hardware.words("builds")
        if not builds:
            return
        version = hardware.version
        if hardware.name == "cuda" and present and _fits(present, version):
            plan.reason = (
                f"{torch.name} {torch.version} as {self._where} has it is for CUDA {present} "
                f"({witness})"
            )
            return
        reason = "asked for"
        if hardware.name == "cuda" and not version:
            version = self._default_of(torch)
            reason = f"what {torch.name} {public(torch.version)} is published for by default"
        exact = [each for each in builds if version_of(each) == version]
        candidates = exact or hardware.builds(version)
        if not candidates:
            raise UserFault(
                f"PyTorch has no index for {hardware.name} {version}",
                where="hardware.txt",
                remedy=f"choose one of {', '.join(builds)}",
            )
        if len(candidates) > 1:
            plan.build = self._newest(candidates, torch)
            reason = f"the newest with {torch.name}"
        else:
            [plan.build] = candidates
        plan.reason = reason + (f", in place of CUDA {present}" if present else "")

    def _newest(self, builds: list[str], package: Package) -> str:
        for version in (public(package.version), ""):
            for build in builds:
                if self._offered(self._hardware.index(build), package.name, version):
                    return build
        return builds[0]

    def _default_of(self, package: Package) -> str:
        from packaging.version import Version

        for name, *pairs in self._hardware.rules("default-of"):
            if name == package.name:
                for pair in pairs:
                    since, _, cuda = pair.partition("=")
                    if Version(package.version) >= Version(since):
                        return cuda
        return (self._hardware.words("default") or [""])[0]

    def _cuda_without(self, by_name: dict[str, Package]) -> str:
        """The CUDA of libraries that nothing in the packages names."""
        if self._hardware.version:
            return self._hardware.version
        for major, name, *_ in self._hardware.rules("runtime"):
            others = [words[0] for words in self._hardware.rules("runtime") if words[1] == name]
            if name in by_name and others == [major]:
                return major
        return (self._hardware.words("default") or [""])[0]


def public(version: str) -> str:
    """A version without its local part: of `2.8.0+cpu` 2.8.0."""
    return version.partition("+")[0]


def _fits(version: str, wanted: str) -> bool:
    return not wanted or f"{version}.".startswith(f"{wanted}.")
