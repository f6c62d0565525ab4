from gaudi import INDEX, Gaudi

from cnbkit import PackageRequest
from cnbkit.testing import BuildpackRun


def test_the_wheels_are_asked_for_and_the_device_is_looked_for(buildpack_run: BuildpackRun) -> None:
    built = buildpack_run(Gaudi, app={"hardware.txt": "hpu\n"})
    assert built.code == 0
    assert built.plan
    (entry,) = built.plan.document().requires
    request = PackageRequest.parse(entry.metadata["request"])
    assert request.indexes[0].url == INDEX
    assert built.labels["com.acme.hardware"] == "gaudi"
    assert "Intel Gaudi" in built.log


def test_a_version_that_does_not_exist_is_told_with_its_line(buildpack_run: BuildpackRun) -> None:
    built = buildpack_run(Gaudi, app={"hardware.txt": "# ours\ngaudi:9\n"})
    assert built.code != 0
    assert "there is no gaudi '9'" in built.log
    assert "hardware.txt:2" in built.log


def test_other_hardware_is_left_to_others(buildpack_run: BuildpackRun) -> None:
    assert buildpack_run(Gaudi, app={"hardware.txt": "cuda\n"}).code == 100
