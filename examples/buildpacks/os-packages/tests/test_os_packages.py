from __future__ import annotations

from typing import TYPE_CHECKING

from os_packages_buildpack import OsPackages

if TYPE_CHECKING:
    from cnbkit.testing import BuildpackRun


def test_an_app_without_packages_txt_is_left_alone(buildpack_run: BuildpackRun) -> None:
    assert not buildpack_run(OsPackages).detected


def test_both_images_have_the_packages(buildpack_run: BuildpackRun) -> None:
    result = buildpack_run(OsPackages, app={"packages.txt": "libgl1\n\nlibglib2.0-0\n"})
    assert "-recommends libgl1 libglib2.0-0 && rm" in result.dockerfiles["build"]
    assert result.dockerfiles["run"] == result.dockerfiles["build"]


def test_what_is_no_name_is_refused_with_its_line(buildpack_run: BuildpackRun) -> None:
    result = buildpack_run(OsPackages, app={"packages.txt": "libgl1\nrm -rf /\n"})
    assert result.code == 65
    assert result.fault is not None
    assert result.fault.where == "packages.txt:2"
