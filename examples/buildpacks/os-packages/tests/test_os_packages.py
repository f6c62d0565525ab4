from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from os_packages_buildpack import OsPackages, images_with

from cnbkit import UserFault

if TYPE_CHECKING:
    from cnbkit.testing import BuildpackRun


def test_an_app_with_packages_txt_gets_them(buildpack_run: BuildpackRun) -> None:
    result = buildpack_run(OsPackages, app={"packages.txt": ""}, phases=["detect"])
    assert result.reason == "found packages.txt"
    assert not buildpack_run(OsPackages, phases=["detect"]).detected


def test_both_images_have_the_packages() -> None:
    generated = images_with("libgl1\n\nlibglib2.0-0\n")
    for file in ("build.Dockerfile", "run.Dockerfile"):
        assert "-recommends libgl1 libglib2.0-0\n" in generated.dockerfiles[file]


def test_what_is_no_name_is_refused_with_its_line() -> None:
    with pytest.raises(UserFault) as caught:
        images_with("libgl1\nrm -rf /\n")
    assert caught.value.where == "packages.txt:2"
