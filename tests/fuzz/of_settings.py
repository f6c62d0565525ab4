"""What platforms and companies give to a build: bindings, and variables of services."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnbkit.bindings.vcap import read_vcap
from cnbkit_ca_certificates.pem import read_certificates
from cnbkit_conda.condarc import read_bindings
from cnbkit_indexes.logins import netrc_login, poetry_logins
from cnbkit_indexes.sources import Sources
from cnbkit_labels import Labels
from cnbkit_policy import Policy

from .lab import Format, Lab, phases

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["FORMATS"]

_SIX = {"requirements.txt": "six==1.16.0\n", "business-tags.yaml": "team: x\n"}


def _vcap(lab: Lab) -> None:
    for each in read_vcap((lab.app / "vcap").read_text(errors="replace")):
        for key in sorted(each.keys()):
            each.text(key)


def _sources(lab: Lab) -> None:
    sources = Sources.read(lab.context())
    sources.indexes()
    sources.describe()
    sources.warnings()


def _conda(lab: Lab) -> None:
    read_bindings(lab.context()).netrc_login("host.example")


def _netrc(lab: Lab) -> None:
    netrc_login(lab.context(), "host.example")
    _conda(lab)


def _certificates(lab: Lab) -> None:
    for each in read_certificates(lab.context().bindings.all("ca-certificates")):
        each.warnings()


def _of_binding(kind: str, file: str, read: Callable[[Lab], object], name: str = "") -> Format:
    folder = f"/platform/bindings/{kind}"
    return Format(
        name or file,
        read,
        {**_SIX, f"{folder}/type": kind},
        f"{folder}/{file}",
    )


FORMATS = (
    Format("vcap", _vcap),
    _of_binding("policy", "policy.toml", phases(Policy)),
    _of_binding("labels", "labels.toml", phases(Labels)),
    _of_binding("pip", "pip.conf", _sources),
    _of_binding("pypi", "url", _sources, "address-of-an-index"),
    _of_binding("netrc", ".netrc", _netrc, "netrc"),
    _of_binding("poetry", "auth.toml", lambda lab: poetry_logins(lab.context())),
    _of_binding("conda", ".condarc", _conda, "condarc"),
    _of_binding("ca-certificates", "ca.pem", _certificates),
)
