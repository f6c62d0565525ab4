from __future__ import annotations

from typing import TYPE_CHECKING

from company_buildpack import Company

if TYPE_CHECKING:
    from cnbkit.testing import BuildpackRun

TEAM = 'owner = "ml-platform"\ncost-center = "0420"\n'


def test_the_team_is_on_the_image(buildpack_run: BuildpackRun) -> None:
    result = buildpack_run(Company, app={"team.toml": TEAM, "requirements.txt": "flask==3.1\n"})
    assert result.labels == {
        "com.example.owner": "ml-platform",
        "com.example.cost-center": "0420",
    }


def test_every_build_is_meant(buildpack_run: BuildpackRun) -> None:
    result = buildpack_run(Company)
    assert result.detected
    assert (result.code, result.fault and result.fault.where) == (65, "team.toml")


def test_what_is_wrong_with_team_toml_is_told_at_once(buildpack_run: BuildpackRun) -> None:
    result = buildpack_run(Company, app={"team.toml": 'owners = "x"\n'})
    assert result.code == 65
    assert "cost-center: is required" in result.log
    assert "owners: unknown key; did you mean owner?" in result.log


def test_a_forbidden_package_stops_the_build(buildpack_run: BuildpackRun) -> None:
    requirements = "flask\nPyCrypto==2.6.1\n# telnetlib3\ntelnetlib3>=2\n"
    result = buildpack_run(Company, app={"team.toml": TEAM, "requirements.txt": requirements})
    assert result.code == 65
    assert result.fault is not None
    assert (result.fault.detail or "").splitlines() == [
        "requirements.txt:2: pycrypto is not allowed: it is no longer maintained; use pycryptodome",
        "requirements.txt:4: telnetlib3 is not allowed: nothing here speaks telnet",
    ]
