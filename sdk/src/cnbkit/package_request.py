"""What a later buildpack may ask of the one that installs Python packages.

It travels in the build plan, as the table `request` in the metadata of a requirement of
`site-packages` or `conda-environment` (buildpack.md, "Build Plan"):

    PackageRequest(subject="gaudi", where="hardware.txt:1", accelerator="gaudi",
                   indexes=[IndexBinding(url="https://…", packages=["torch"])])

The installer carries it out and knows nothing of what it is for. Lists of several requests are
joined; two requests with different accelerators end the build.
"""

from __future__ import annotations

from cnbkit.errors import BuildpackFault, UserFault
from cnbkit.spec.model import Model, field

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from cnbkit.spec.build_plan import BuildpackPlan

__all__ = [
    "Addition",
    "Ending",
    "Evidence",
    "Extra",
    "Framework",
    "IndexBinding",
    "PackageRequest",
    "Preference",
    "Published",
    "Refusal",
    "RequestFault",
    "asked_of",
]

_FORMAT = 1
_KEY = "request"


class IndexBinding(Model, hyphens=True, extra="ignore"):
    """Packages that come from one index and no other.

    Attributes:
        url: of the index, PEP 503 or a page of links.
        packages: normalised names; those that nothing needs do not matter.
    """

    url: str
    packages: list[str]


class Published(Model, hyphens=True, extra="ignore"):
    """What the default index's wheels of a package are built for.

    Attributes:
        package: normalised name.
        since: from this version of it on.
        runtime: the version of the accelerator's runtime, like "12.8".
    """

    package: str
    since: str
    runtime: str


class Framework(Model, hyphens=True, extra="ignore"):
    """Packages that are published once for each build of an accelerator's runtime.

    Attributes:
        site: address that has an index for each build below it.
        packages: always there, and released together; the first decides.
        beside: published there for some builds only.
        builds: names of the indexes, the newest first: "cu128", "rocm6.4".
        only: the one build to take, like "cpu"; packages that are without an accelerator stay.
        published: what the default index's wheels are for; the first that fits counts.
        default: the runtime if nothing says which.
        compatible: a framework that is there already for a fitting runtime stays as it is.
    """

    site: str
    packages: list[str]
    beside: list[str] = field(default_factory=list)
    builds: list[str] = field(default_factory=list)
    only: str = ""
    published: list[Published] = field(default_factory=list)
    default: str = ""
    compatible: bool = False


class Extra(Model, hyphens=True, extra="ignore"):
    """Extras a package is wanted with if it is there.

    Attributes:
        package: normalised name.
        extras: the names between the brackets.
        unless: packages that show that they are there already.
        runtime: only with this major version of the runtime; empty for any.
    """

    package: str
    extras: list[str]
    unless: list[str] = field(default_factory=list)
    runtime: str = ""


class Addition(Model, hyphens=True, extra="ignore"):
    """Packages that a package loads but does not declare.

    Attributes:
        package: normalised name.
        add: what to install beside it.
        runtime: only with this major version of the runtime; empty for any.
    """

    package: str
    add: list[str]
    runtime: str = ""


class Preference(Model, hyphens=True, extra="ignore"):
    """A package that serves better here; said in the log, never exchanged.

    Attributes:
        package: normalised name of what is there.
        better: what would do in its place.
        unused: the one that is there cannot use the accelerator: a warning.
    """

    package: str
    better: str
    unused: bool = False


class Refusal(Model, hyphens=True, extra="ignore"):
    """A package that ends the build.

    Attributes:
        package: normalised name.
        reason: why, and what to take.
    """

    package: str
    reason: str


class Ending(Model, hyphens=True, extra="ignore"):
    """A package without wheels after some Python; said where it cannot be had.

    Attributes:
        package: normalised name.
        python: the last Python with wheels, like "3.11".
        instead: what follows it.
    """

    package: str
    python: str
    instead: str


class Evidence(Model, hyphens=True, extra="ignore"):
    """Packages that tell which runtime the others are for.

    Attributes:
        pattern: regular expression for a whole normalised name. A group of it, if there is one,
            is the version; what it takes of a name counts before `version`.
        version: the version they stand for; empty for the first two numbers of their own.
    """

    pattern: str
    version: str = ""


class RequestFault(Model, hyphens=True, extra="ignore"):
    """Why the requirer cannot be served: told before anything is installed.

    Attributes:
        what: the fault.
        where: file and line, or a variable.
        remedy: what to change.
    """

    what: str
    where: str
    remedy: str


class PackageRequest(Model, hyphens=True, extra="ignore"):
    """What is asked for.

    Attributes:
        format: of this model; an installer refuses a higher one.
        subject: what the log calls it, like "cuda:12.8".
        where: what asks for it, like "hardware.txt:1".
        accelerator: what the image is for; two different ones exclude each other.
        beside: accelerators it does not exclude.
        runtime: version of the accelerator's software that is asked for; empty for any.
        indexes: packages bound to an index.
        frameworks: packages to be had in one build for each runtime.
        extras: extras to add.
        additions: packages to add.
        preferences: packages that serve better.
        refusals: packages that end the build.
        endings: packages without wheels for newer Pythons.
        expects: sets of packages of which one should be there; a warning otherwise.
        evidence: what tells the runtime that packages are for; the first that matches counts.
        serving: patterns of packages that serve nothing but an accelerator: they go and come
            with a build of a framework unless the app declares them itself.
        groups: dependency groups of the app that the requirer's processes need, besides those
            that its settings ask for.
        virtual_packages: name → version, for solvers that know such (conda's `__cuda`).
        faults: why the build has to end.
    """

    format: int = _FORMAT
    subject: str
    where: str = ""
    accelerator: str = ""
    beside: list[str] = field(default_factory=list)
    runtime: str = ""
    indexes: list[IndexBinding] = field(default_factory=list)
    frameworks: list[Framework] = field(default_factory=list)
    extras: list[Extra] = field(default_factory=list)
    additions: list[Addition] = field(default_factory=list)
    preferences: list[Preference] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    endings: list[Ending] = field(default_factory=list)
    expects: list[list[str]] = field(default_factory=list)
    evidence: list[Evidence] = field(default_factory=list)
    serving: list[str] = field(default_factory=list)
    groups: list[str] = field(default_factory=list)
    virtual_packages: dict[str, str] = field(default_factory=dict)
    faults: list[RequestFault] = field(default_factory=list)

    def metadata(self) -> dict[str, object]:
        """For `Plan.requires(name, **request.metadata())`."""
        return {_KEY: self.to_plain()}

    @property
    def only_groups(self) -> bool:
        """Whether it asks for dependency groups and for nothing about packages."""
        plain = PackageRequest(
            format=self.format, subject=self.subject, where=self.where, groups=self.groups
        )
        return plain.to_plain() == self.to_plain()

    def check(self) -> None:
        """End the build if the requirer cannot be served.

        Raises:
            UserFault: it says why.
        """
        raise_for([self])

    def digest(self) -> str:
        """SHA-256 over all it asks for, in hexadecimal: for a layer's key."""
        import hashlib

        text = repr(sorted(self.to_plain().items()))
        return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()

    def joined(self, other: PackageRequest) -> PackageRequest:
        """What both ask for; the subject is the one's with an accelerator."""
        main = other if other.accelerator and not self.accelerator else self
        values: dict[str, Any] = {}
        for name in self.__fields__:
            ours, theirs = getattr(self, name), getattr(other, name)
            if isinstance(ours, list):
                values[name] = [*ours, *(each for each in theirs if each not in ours)]
            elif isinstance(ours, dict):
                values[name] = {**theirs, **ours}
            else:
                values[name] = getattr(main, name)
        return PackageRequest(**values)


def asked_of(plan: BuildpackPlan, name: str) -> list[PackageRequest]:
    """The requests among the requirements of a name.

    Args:
        plan: the installer's.
        name: what it provides: `site-packages` or `conda-environment`.

    Raises:
        BuildpackFault: one does not fit the model, or is of a later format.
        UserFault: one of the requirers cannot be served, or two of them exclude each other.
    """
    found = []
    for entry in plan.named(name):
        table = entry.metadata.get(_KEY)
        if not isinstance(table, dict):
            continue
        if table.get("format", _FORMAT) != _FORMAT:
            raise BuildpackFault(
                f"the request of {table.get('subject', 'a buildpack')} has format "
                f"{table.get('format')}, and this buildpack knows {_FORMAT}",
                where=f"the buildpack plan's entry for {name}",
                remedy="take buildpacks of one release",
            )
        found.append(PackageRequest.parse(table, name="request"))
    raise_for(found)
    return found


def raise_for(requests: Sequence[PackageRequest]) -> None:
    """End the build if one of them cannot be served, or two exclude each other.

    Raises:
        UserFault: every reason, with its place.
    """
    faults = [fault for request in requests for fault in request.faults]
    if not faults:
        faults = _contradictions(requests)
    if faults:
        first, *others = faults
        raise UserFault(
            first.what,
            where=first.where,
            remedy=first.remedy,
            detail="\n".join(f"{each.where}: {each.what}" for each in others) or None,
        )


def _contradictions(requests: Sequence[PackageRequest]) -> list[RequestFault]:
    named = [each for each in requests if each.accelerator]
    for number, second in enumerate(named):
        for first in named[:number]:
            agree = second.accelerator in (first.accelerator, *first.beside)
            if agree or first.accelerator in second.beside:
                continue
            pair = f"{first.subject} and {second.subject}"
            return [
                RequestFault(
                    what=f"{pair} exclude each other in one image",
                    where=second.where or first.where,
                    remedy="build one image for each: cnbkit build --hardware "
                    f"{first.subject},{second.subject}",
                )
            ]
    return []
