"""What a policy finds: each rule is one function."""

from __future__ import annotations

from fnmatch import fnmatchcase

from cnbkit_policy.licenses import acceptable
from cnbkit_policy.osv import Vulnerability
from cnbkit_policy.package import Package
from cnbkit_policy.rules import SEVERITIES, Exempt, Rules
from cnbkit_policy.size import Contents, spelled
from cnbkit_policy.subject import Subject
from cnbkit_python_inputs.requirements import normalised
from cnbkit_python_releases import end_of_life

__all__ = ["Finding", "find"]

_UNKNOWN = "unknown: the platform does not say"
_VCS = ("git+", "hg+", "svn+", "bzr+")


class Finding:
    """Something that a rule does not allow.

    Attributes:
        rule: which.
        package: its name; empty if it is none.
        id: of a vulnerability, or the licence; what an exception may name.
        message: for people.
        where: file and line in the app.
        mode: fail or warn.
        exempt: the exception that allows it; None if there is none.
    """

    def __init__(
        self,
        rule: str,
        message: str,
        where: str,
        *,
        package: str = "",
        ids: list[str] | None = None,
    ) -> None:
        self.rule = rule
        self.message = message
        self.where = where
        self.package = package
        self.ids = ids or []
        self.mode = "fail"
        self.exempt: Exempt | None = None
        self.expired: Exempt | None = None

    @property
    def fails(self) -> bool:
        """Whether it ends the build."""
        return self.mode == "fail" and self.exempt is None


def find(
    rules: Rules,
    subject: Subject,
    packages: list[Package],
    known: list[Vulnerability],
    contents: Contents,
    day: str,
) -> list[Finding]:
    """Everything that the rules do not allow, with exceptions marked."""
    found = [*_of_build(rules, subject, day), *_of_image(rules, subject, packages, contents)]
    for source in subject.sources():
        if not _allowed(source.address, rules.indexes.allow):
            message = f"packages may come from {source.address}"
            found.append(Finding("index", message, source.where))
    for package in packages:
        for each in (
            *_package(rules, package), *_index(rules, package), *_hash(rules, package),
            *_license(rules, package),
        ):  # fmt: skip
            each.package = package.name
            each.where = subject.place(package.name)
            found.append(each)
    found += _of_others(rules, subject)
    least = SEVERITIES.index(rules.vulnerabilities.at_least)
    for one in known:
        # One that nobody has rated counts.
        if one.severity in SEVERITIES and SEVERITIES.index(one.severity) < least:
            continue
        fix = f"; fixed in {', '.join(one.fixed)}" if one.fixed else "; there is no fixed version"
        rated = f" ({one.severity})" if one.severity else ""
        message = f"{one.package} has {one.ids[0]}{rated}: {one.summary}{fix}"
        name = one.package.name
        found.append(
            Finding("vulnerability", message, subject.place(name), package=name, ids=one.ids)
        )
    for each in found:
        each.mode = rules.mode_of(each.rule)
        _exempt(each, rules, day)
    return [each for each in found if each.mode != "off"]


def _of_others(rules: Rules, subject: Subject) -> list[Finding]:
    """Packages of conda and Debian: which are denied, and their licences.

    `[packages] allow` names Python's alone: nobody lists what a C library needs.
    """
    found = []
    for kind, package in subject.others():
        for each in (*_denied(rules, package), *_license(rules, package)):
            each.package = package.name
            each.where = f"{kind} packages"
            found.append(each)
    return found


def _of_build(rules: Rules, subject: Subject, day: str) -> list[Finding]:
    found = []
    if not rules.hooks:
        found += [Finding("hooks", f"{n} is code that runs in the build", n) for n in subject.hooks]
    minor = ".".join(subject.python.split(".")[:2])
    end = end_of_life(subject.python)
    if rules.python.end_of_life and end and end < day:
        found.append(
            Finding("python", f"Python {minor} gets no fixes since {end}", "Python", ids=[minor])
        )
    minimum = rules.python.minimum
    if minimum and minor and _numbers(subject.python) < _numbers(minimum):
        message = f"Python {subject.python} is older than {minimum}"
        found.append(Finding("python", message, "Python", ids=[minor]))
    return found


def _of_image(
    rules: Rules, subject: Subject, packages: list[Package], contents: Contents
) -> list[Finding]:
    found = []
    wanted = rules.image
    name = subject.run_image if wanted.base else ""
    if wanted.base and not any(name and fnmatchcase(name, each) for each in wanted.base):
        has = f"it is {name}" if name else _UNKNOWN
        message = f"{has}; allowed: {', '.join(wanted.base)}"
        found.append(Finding("base", message, "run image", ids=[name or "unknown"]))
    if wanted.distros and not any(_is_distro(subject.distro, each) for each in wanted.distros):
        has = f"its distribution is {subject.distro}" if subject.distro else _UNKNOWN
        message = f"{has}; allowed: {', '.join(wanted.distros)}"
        found.append(Finding("base", message, "run image", ids=[subject.distro or "unknown"]))
    limit = wanted.bytes
    if not limit:
        return found
    if subject.final:
        found += [
            Finding(
                "size",
                f"the size of the layer {name} cannot be seen, because it is the previous "
                "image's: build once without that (`cnbkit build --clear-cache`, and another "
                "--tag)",
                "image",
                ids=["unseen"],
            )
            for name in contents.unseen
        ]
        to_come = 0
    else:
        # What is downloaded is less than what it is unpacked to: as much there will be.
        to_come = sum(each.size for each in packages)
    total = contents.total + to_come
    if total > limit:
        parts = contents.largest()
        if to_come:
            parts.insert(0, f"packages to download {spelled(to_come)}")
        message = (
            f"{spelled(total)} without the run image, {spelled(limit)} are allowed: "
            f"{', '.join(parts)}"
        )
        found.append(Finding("size", message, "image"))
    return found


def _is_distro(has: str, allowed: str) -> bool:
    name, _, version = has.partition(" ")
    wanted, _, release = allowed.lower().partition(" ")
    # `debian 12` is also 12.15.
    return (
        bool(has) and name == wanted and f"{version}.".startswith(f"{release}." if release else "")
    )


def _numbers(version: str) -> list[int]:
    return [int(part) for part in version.split(".") if part.isdigit()]


def _denied(rules: Rules, package: Package) -> list[Finding]:
    from packaging.requirements import Requirement
    from packaging.version import InvalidVersion

    found = []
    for text, why in rules.packages.deny.items():
        denied = Requirement(text)
        if normalised(denied.name) != package.name:
            continue
        try:
            # Where a version is not known yet, only a whole package can be denied.
            hit = denied.specifier.contains(package.version, True) if package.version else False
        except InvalidVersion:
            # Debian's versions are not Python's; nobody knows that this one is not meant.
            hit = True
        if hit or not denied.specifier:
            found.append(Finding("package", f"{package} is denied ({text}): {why}", ""))
    return found


def _package(rules: Rules, package: Package) -> list[Finding]:
    from packaging.requirements import Requirement

    found = _denied(rules, package)
    if rules.packages.allow and not any(
        normalised(allowed.name) == package.name
        and (not package.version or allowed.specifier.contains(package.version, True))
        for allowed in map(Requirement, rules.packages.allow)
    ):
        found.append(Finding("package", f"{package} is not among those that are allowed", ""))
    return found


def _index(rules: Rules, package: Package) -> list[Finding]:
    if not package.index or _allowed(package.index, rules.indexes.allow):
        return []
    return [Finding("index", f"{package} comes from {package.index}", "")]


def _allowed(address: str, allowed: list[str]) -> bool:
    """Whether an address is one of these, or below one; any is if there are none."""
    plain = address.partition("+")[2] if address.startswith(_VCS) else address
    below = (f"{plain}/".startswith(f"{each.rstrip('/')}/") for each in allowed)
    return not allowed or any(below)


def _hash(rules: Rules, package: Package) -> list[Finding]:
    if not rules.hashes or package.direct or package.hashed is not False:
        return []
    how = "is locked without hashes" if package.locked else "has no hash in the app's files"
    return [Finding("hash", f"{package} {how}", "")]


def _license(rules: Rules, package: Package) -> list[Finding]:
    wanted = rules.licenses
    if package.direct or not (wanted.deny or wanted.allow or not wanted.unknown):
        return []
    if package.license is None:
        if not package.installed:
            return []
        # Not to know is not to allow.
        message = (
            f"the licence of {package} cannot be seen, because its layer is the previous image's: "
            "build once without that (`cnbkit build --clear-cache`, and another --tag)"
        )
        return [Finding("license", message, "", ids=["unseen"])]
    if not package.license:
        if rules.licenses.unknown:
            return []
        return [Finding("license", f"{package} does not say its licence", "", ids=["unknown"])]
    ids = [package.license]
    if not acceptable(package.license, (), wanted.deny):
        return [Finding("license", f"{package} has the licence {package.license}", "", ids=ids)]
    if not acceptable(package.license, wanted.allow, wanted.deny):
        message = f"{package} has the licence {package.license}, which is not among the allowed"
        return [Finding("license", message, "", ids=ids)]
    return []


def _exempt(finding: Finding, rules: Rules, day: str) -> None:
    for each in rules.exceptions:
        if each.rule != finding.rule:
            continue
        if each.package and normalised(each.package) != finding.package:
            continue
        if each.id and each.id not in finding.ids:
            continue
        if each.until >= day:
            finding.exempt = each
            return
        finding.expired = each
