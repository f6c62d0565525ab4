"""What packages, indexes and channels bring: others wrote it, and a build installs or reads it."""

from __future__ import annotations

import json
import os
import shutil
from contextlib import suppress
from typing import TYPE_CHECKING

from cnbkit import Binding, bill_of_materials, scan_components
from cnbkit.archive import unpack
from cnbkit_apt.alternatives import link_alternatives
from cnbkit_apt.bill import _licences as licences_of_debian
from cnbkit_conda.bill import _component
from cnbkit_conda.provided import describe_installed
from cnbkit_cuda.installed import Installation
from cnbkit_elf.facts import Facts
from cnbkit_elf.optional import _import_may_fail
from cnbkit_elf_files import MACHINES, read_elf
from cnbkit_pip.diagnosis.answer import _is_list
from cnbkit_pip.layers.contents import Shelf
from cnbkit_pip.layers.installed import Installed, Record
from cnbkit_policy.osv import vulnerabilities
from cnbkit_policy.others import others
from cnbkit_policy.package import Package
from cnbkit_policy.subject import _licenses

from ..buildpacks.told import telling
from .lab import Format, Lab

__all__ = ["FORMATS"]

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_SITE = "/layers/x/lib/python3.11/site-packages"
_INFO = f"{_SITE}/demo-1.dist-info"
_METADATA = "Metadata-Version: 2.1\nName: demo\nVersion: 1\n"


def _site(lab: Lab) -> str:
    return f"{lab.root}{_SITE}"


def _installed(lab: Lab) -> None:
    Installed.read(_site(lab))
    _licenses(str(lab.layers))
    describe_installed(_site(lab), f"{lab.root}/described")
    bill_of_materials(scan_components(lab.layers))


def _record(lab: Lab) -> None:
    _installed(lab)
    Facts.update([b""], {f"{lab.layers}/x": "d"}, "amd64")


def _scanned(lab: Lab) -> None:
    bill_of_materials(scan_components(lab.layers))


def _conda(lab: Lab) -> None:
    _scanned(lab)
    with suppress(ValueError, RecursionError):
        record = json.loads((lab.root / "layers/x/conda-meta/six.json").read_bytes())
        # The installer has read these before.
        known = isinstance(record, dict) and {"name", "version", "build", "subdir"} <= {*record}
        if known and all(isinstance(each, str) for each in record.values()):
            _component(record, "https://x")


def _elf(lab: Lab) -> None:
    for machine in MACHINES.values():
        read_elf(f"{lab.app}/elf", machine)


def _archive(lab: Lab) -> None:
    shutil.rmtree(lab.root / "unpacked", ignore_errors=True)
    unpack(f"{lab.app}/archive", f"{lab.root}/unpacked")
    _stays_inside(lab.root / "unpacked")


def _stays_inside(root: Path) -> None:
    for place, folders, files in os.walk(root):
        for each in (*folders, *files):
            assert os.path.realpath(f"{place}/{each}").startswith(f"{os.path.realpath(root)}/")


def _page(lab: Lab) -> None:
    _is_list((lab.app / "page").read_bytes())


def _source(lab: Lab) -> None:
    _import_may_fail(str(lab.app), "_speedups")


def _kept(read: Callable[[str], object], name: str) -> Callable[[Lab], None]:
    def look(lab: Lab) -> None:
        read(f"{lab.app}/{name}")

    return look


def _packages(lab: Lab) -> None:
    """What the installer has written down, of names and versions that are not its own."""
    told = telling(lab.env, packages=f"{lab.app}/packages.json")
    Installation.read(lab.context(told)).cuda()


def _osv(lab: Lab) -> None:
    vulnerabilities(Binding(str(lab.platform / "bindings/osv")), [Package("six", "1.16.0")])


def _bills(lab: Lab) -> None:
    others(str(lab.root / "layers"))


def _scripts(lab: Lab) -> None:
    shutil.rmtree(lab.root / "alternatives", ignore_errors=True)
    layer = lab.root / "alternatives/debs"
    (layer / "usr/bin").mkdir(parents=True)
    (layer / "usr/bin/vim.tiny").touch()
    text = (lab.app / "postinst").read_text(errors="replace")
    link_alternatives(str(layer), [text])
    assert [*layer.parent.iterdir()] == [layer]


FORMATS = (
    Format("METADATA", _installed, place=f"{_INFO}/METADATA"),
    Format("RECORD", _record, {f"{_INFO}/METADATA": _METADATA}, f"{_INFO}/RECORD"),
    Format("conda-meta", _conda, place="/layers/x/conda-meta/six.json"),
    Format("package.json", _scanned, place="/layers/x/node_modules/y/package.json"),
    Format("dpkg-status", _scanned, place="/layers/x/var/lib/dpkg/status"),
    Format("jar", _scanned, place="/layers/x/y.jar"),
    Format("elf", _elf),
    Format("archive-of-a-buildpack", _archive, place="archive"),
    Format("index-page", _page, place="page"),
    Format("source-of-a-package", _source, place="_speedups.py"),
    Format("packages.json", _packages),
    Format("kept-packages", _kept(Record, "kept.json"), place="kept.json"),
    Format("kept-contents", _kept(Shelf, "kept.json"), place="kept.json"),
    Format("osv", _osv, {"/platform/bindings/osv/type": "osv"}, "/platform/bindings/osv/all.json"),
    Format("bill-of-a-buildpack", _bills, place="/layers/x/y.sbom.cdx.json"),
    Format("postinst", _scripts),
    Format("copyright", lambda lab: licences_of_debian(f"{lab.app}/copyright"), place="copyright"),
)
