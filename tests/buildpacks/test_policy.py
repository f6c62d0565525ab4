from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from cnbkit import Buildpack, CnbkitError, phase
from cnbkit_policy import Policy, PolicyInstalled
from cnbkit_policy.osv import _in_range

if TYPE_CHECKING:
    from tests.buildpacks.conftest import Phases, Ran

ROOT = Path(__file__).parents[2]
LOCK = """
lock-version = "1.0"
created-by = "test"
[[packages]]
name = "requests"
version = "2.30.0"
index = "https://pypi.example.com/simple"
wheels = [{url = "https://pypi.example.com/r.whl", hashes = {sha256 = "aa"}}]
[[packages]]
name = "Py_Crypto"
version = "2.6.1"
index = "https://other.example.com/simple"
sdist = {url = "https://other.example.com/p.tar.gz", hashes = {}}
[[packages]]
name = "own"
directory = {path = "."}
"""
REQUESTS = "Name: requests\nVersion: 2.30.0\n"
VULNERABILITY: dict[str, Any] = {
    "id": "GHSA-1",
    "aliases": ["CVE-2026-1"],
    "summary": "Leaks a header",
    "database_specific": {"severity": "MODERATE"},
    "affected": [
        {
            "package": {"ecosystem": "PyPI", "name": "Requests"},
            "ranges": [
                {"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "2.31.0"}]},
                {"type": "GIT", "events": [{"introduced": "0"}]},
            ],
        }
    ],
}


class Company:
    """A build under a policy."""

    def __init__(self, phases: Phases) -> None:
        self.phases = phases
        self.bindings = Path(phases.env["CNB_PLATFORM_DIR"]) / "bindings"
        phases.write("requirements.txt", "# ours\nrequests>=2\nPy.Crypto\n")
        lock = phases.layers.parent / "pylock.toml"
        lock.write_text(LOCK)
        phases.env.update(
            CNBKIT_LOCK=str(lock),
            CNBKIT_INPUT="requirements.txt",
            CNBKIT_PYTHON="3.11.2 /usr/bin/python3",
        )

    def bind(self, kind: str, files: dict[str, str]) -> Path:
        folder = self.bindings / kind
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in {"type": kind, **files}.items():
            (folder / name).write_text(text)
        return folder

    def installed(self, licenses: dict[str, str]) -> None:
        """As pip leaves it: a record, and packages in layers beside."""
        layers = self.phases.layers.parent / "pip"
        (layers / "lock").mkdir(parents=True, exist_ok=True)
        record = [{"name": "requests", "version": "2.30.0"}, {"name": "numpy", "version": "2.0"}]
        (layers / "lock" / "packages.json").write_text(json.dumps(record))
        for name, metadata in licenses.items():
            folder = layers / "wheels" / "site-packages" / f"{name}.dist-info"
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "METADATA").write_text(metadata)
        self.phases.env["CNBKIT_PACKAGES"] = str(layers / "lock" / "packages.json")

    def build(self, policy: str, buildpack: type[Buildpack] = Policy) -> Ran:
        self.bind("policy", {"policy.toml": policy})
        return self.phases.build(buildpack())

    def refused(self, policy: str, buildpack: type[Buildpack] = Policy) -> list[str]:
        ran = self.build(policy, buildpack)
        assert ran.code == 65, ran.out
        assert ran.fault is not None
        return (ran.fault.detail or "").splitlines()


@pytest.fixture
def company(phases: Phases) -> Company:
    return Company(phases)


def test_only_a_binding_makes_it_join_and_detect_starts_no_python(phases: Phases) -> None:
    assert phases.detect(Policy()).code == 100
    Company(phases).bind("policy", {})
    assert phases.detect(Policy()).code == 0
    assert Policy.detect is PolicyInstalled.detect is Buildpack.detect


def test_an_empty_policy_finds_nothing(company: Company) -> None:
    ran = company.build("")
    assert ran.code == 0, ran.fault
    assert "  Policy of the binding policy: 3 packages, nothing found\n" in ran.out


def test_everything_that_is_not_allowed_is_told_at_once_with_its_place(company: Company) -> None:
    company.phases.write("prepare.sh", "")
    company.phases.env["BP_PRE_BUILD"] = "prepare.sh"
    company.bind("osv", {"one.json": json.dumps(VULNERABILITY)})
    policy = """
        hashes = true
        hooks = false
        contact = "security@example.com"
        [packages.deny]
        "pycrypto" = "not this one: its name is another"
        "py-crypto" = "unmaintained since 2014"
        "requests<2.30" = "too old"
        [indexes]
        allow = ["https://pypi.example.com/"]
        [python]
        minimum = "3.12"
    """
    ran = company.build(policy)
    assert ran.fault is not None
    assert ran.fault.what == "the policy does not allow 6 things in this image"
    assert "ask security@example.com for an exception" in str(ran.fault)
    assert sorted((ran.fault.detail or "").splitlines()) == [
        "Python: python: Python 3.11.2 is older than 3.12",
        "prepare.sh: hooks: prepare.sh is code that runs in the build",
        (
            "requirements.txt:2: vulnerability: requests 2.30.0 has GHSA-1 (moderate): "
            "Leaks a header; fixed in 2.31.0"
        ),
        "requirements.txt:3: hash: py-crypto 2.6.1 is locked without hashes",
        "requirements.txt:3: index: py-crypto 2.6.1 comes from https://other.example.com/simple",
        (
            "requirements.txt:3: package: py-crypto 2.6.1 is denied (py-crypto): "
            "unmaintained since 2014"
        ),
    ]


@pytest.mark.parametrize(
    ("denied", "told"),
    [
        ("requests<2.31", True),
        ("requests>=2.31", False),
        ("Requests", True),
        ("requests==2.30.*", True),
        ("request", False),
    ],
)
def test_versions_are_denied_by_ranges(company: Company, denied: str, told: bool) -> None:
    ran = company.build(f'[packages.deny]\n"{denied}" = "why"\n')
    assert (ran.code == 65) is told


def test_if_some_are_allowed_others_are_not(company: Company) -> None:
    [told] = company.refused('[packages]\nallow = ["requests>=2", "own"]\n')
    assert "py-crypto 2.6.1 is not among those that are allowed" in told


def test_an_index_with_the_same_beginning_is_another(company: Company) -> None:
    told = company.refused('[indexes]\nallow = ["https://pypi.example"]\n')
    assert len(told) == 2


def test_licences_are_judged_once_they_can_be_seen(company: Company) -> None:
    policy = '[licenses]\ndeny = ["GPL-3.0*", "GNU General*"]\nunknown = false\n'
    assert company.build(policy).code == 0, "nothing is installed yet"
    company.installed(
        {
            "requests": f"{REQUESTS}License-Expression: MIT OR GPL-3.0-only\n",
            "numpy": "Name: NumPy\nVersion: 2.0\nLicense: BSD\n",
        }
    )
    [told] = company.refused(policy, PolicyInstalled)
    assert told == (
        "requirements.txt:2: license: requests 2.30.0 has the licence MIT OR GPL-3.0-only"
    )
    company.installed({"requests": "Name: requests\nVersion: 2.30.0\n"})
    [told] = company.refused(policy, PolicyInstalled)
    assert "does not say its licence" in told
    company.installed(
        {"requests": "Name: requests\nVersion: 2.30.0\nClassifier: License :: OSI Approved :: X\n"}
    )
    [told] = company.refused('[licenses]\nallow = ["BSD"]\n', PolicyInstalled)
    assert "has the licence X, which is not among the allowed" in told
    assert company.build('[licenses]\nallow = ["b*", "x"]\n', PolicyInstalled).code == 0


def test_a_licence_that_cannot_be_seen_is_not_taken_for_a_good_one(company: Company) -> None:
    company.installed({"requests": "Name: requests\nVersion: 2.30.0\nLicense: MIT\n"})
    policy = '[licenses]\ndeny = ["GPL*"]\n'
    [told] = company.refused(policy, PolicyInstalled)
    assert "the licence of numpy 2.0 cannot be seen" in told
    company.installed({"numpy": "Name: numpy\nVersion: 2.0\nLicense: BSD\n"})
    assert company.build(policy, PolicyInstalled).code == 0
    # Later their layers are re-used, and not there: what was seen is kept.
    for path in (company.phases.layers.parent / "pip").rglob("METADATA"):
        path.unlink()
    assert company.build(policy + "# changed\n", PolicyInstalled).code == 0


@pytest.mark.parametrize(
    ("day", "told"), [("2026-10-31", False), ("2026-11-01", True), ("2030-01-01", True)]
)
def test_a_python_without_fixes_is_told(
    company: Company, monkeypatch: pytest.MonkeyPatch, day: str, told: bool
) -> None:
    monkeypatch.setattr("time.strftime", lambda *_: day)
    company.phases.env["CNBKIT_PYTHON"] = "3.10.4 /usr/bin/python3"
    assert (company.build("").code == 65) is told
    assert company.build("[python]\nend-of-life = false\n").code == 0


def test_an_exception_holds_until_its_last_day(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    company.bind("osv", {"one.json": json.dumps(VULNERABILITY)})
    policy = """
        [[exceptions]]
        rule = "vulnerability"
        package = "Requests"
        id = "CVE-2026-1"
        until = 2026-12-31
        reason = "we send no such header"
    """
    monkeypatch.setattr("time.strftime", lambda *_: "2026-12-31")
    ran = company.build(policy)
    assert ran.code == 0
    assert "(allowed until 2026-12-31: we send no such header)" in ran.out
    monkeypatch.setattr("time.strftime", lambda *_: "2027-01-01")
    [told] = company.refused(policy)
    assert told.endswith("(an exception ended on 2026-12-31)")
    for other in ('id = "CVE-2026-2"', 'package = "numpy"', 'rule = "license"'):
        name = other.partition(" =")[0]
        lines = [other if line.strip().startswith(f"{name} =") else line.strip()
                 for line in policy.splitlines()]  # fmt: skip
        monkeypatch.setattr("time.strftime", lambda *_: "2026-12-31")
        assert len(company.refused("\n".join(lines))) == 1, other


def test_modes_warn_or_are_silent_by_rule(company: Company) -> None:
    company.bind("osv", {"one.json": json.dumps(VULNERABILITY)})
    deny = '[packages.deny]\nrequests = "why"\n'
    assert len(company.refused(f'modes = {{vulnerability = "warn"}}\n{deny}')) == 1
    ran = company.build(f'mode = "warn"\nmodes = {{vulnerability = "off"}}\n{deny}')
    assert ran.code == 0
    assert ran.err.count("Warning: ") == 1
    assert "requests 2.30.0 is denied (requests): why" in ran.err


@pytest.mark.parametrize(
    ("least", "severity", "told"),
    [
        ("high", "MODERATE", False),
        ("moderate", "MODERATE", True),
        ("critical", None, True),
        ("high", "CRITICAL", True),
    ],
)
def test_vulnerabilities_count_from_a_severity_on_and_always_if_not_rated(
    company: Company, least: str, severity: str | None, told: bool
) -> None:
    entry = {**VULNERABILITY, "database_specific": {"severity": severity}}
    company.bind("osv", {"list.json": json.dumps([entry])})
    ran = company.build(f'[vulnerabilities]\nat-least = "{least}"\n')
    assert (ran.code == 65) is told


def test_a_dump_may_be_an_archive_and_what_was_withdrawn_is_none(company: Company) -> None:
    folder = company.bind("osv", {})
    with zipfile.ZipFile(folder / "all.zip", "w") as archive:
        archive.writestr("a.json", json.dumps(VULNERABILITY))
        archive.writestr("b.json", json.dumps({**VULNERABILITY, "id": "B", "withdrawn": "2026"}))
        archive.writestr("c.json", json.dumps({**VULNERABILITY, "id": "C", "affected": []}))
        npm = {"package": {"ecosystem": "npm", "name": "requests"}, "versions": ["2.30.0"]}
        archive.writestr("d.json", json.dumps({**VULNERABILITY, "id": "D", "affected": [npm]}))
        archive.writestr("README", "not JSON")
    assert len(company.refused("")) == 1


@pytest.mark.parametrize("dump", ["", "{", "[1]", '{"affected": 1}', "null"])
def test_what_is_no_dump_is_told(company: Company, dump: str) -> None:
    company.bind("osv", {"dump.json": dump})
    fault = company.build("").fault
    assert "dump.json of the binding osv is no OSV dump" in str(fault)


@pytest.mark.parametrize(
    ("version", "events", "affected"),
    [
        ("1.0", [{"introduced": "0"}], True),
        ("1.0", [{"introduced": "0"}, {"fixed": "1.0"}], False),
        ("1.0rc1", [{"introduced": "0"}, {"fixed": "1.0"}], True),
        ("1.0", [{"introduced": "0"}, {"last_affected": "1.0"}], True),
        ("1.0.1", [{"introduced": "0"}, {"last_affected": "1.0"}], False),
        ("2.5", [{"introduced": "1"}, {"fixed": "2"}, {"introduced": "2.4"}, {"fixed": "3"}], True),
        (
            "2.2",
            [{"introduced": "1"}, {"fixed": "2"}, {"introduced": "2.4"}, {"fixed": "3"}],
            False,
        ),
        ("1.10", [{"introduced": "1.9"}, {"fixed": "1.11"}], True),
        ("not a version", [{"introduced": "0"}], False),
    ],
)
def test_ranges_are_read_by_the_schema_s_algorithm(
    version: str, events: list[dict[str, str]], affected: bool
) -> None:
    assert _in_range(version, events) is affected


def test_reports_are_written_whether_it_fails_or_not(company: Company, tmp_path: Path) -> None:
    company.phases.env["BP_POLICY_REPORT"] = str(tmp_path / "out")
    company.bind("osv", {"one.json": json.dumps(VULNERABILITY)})
    company.refused('[packages.deny]\n"py-crypto" = "old"\n')
    document = json.loads((tmp_path / "out" / "policy.json").read_text())
    assert (document["failed"], document["packages"]) == (True, 3)
    assert [each["rule"] for each in document["findings"]] == ["package", "vulnerability"]
    sarif = json.loads((tmp_path / "out" / "policy.sarif").read_text())
    [run] = sarif["runs"]
    assert [each["ruleId"] for each in run["results"]] == ["package", "vulnerability"]
    assert run["results"][0]["level"] == "error"
    assert run["results"][0]["locations"][0]["physicalLocation"] == {
        "artifactLocation": {"uri": "requirements.txt"},
        "region": {"startLine": 3},
    }
    company.phases.env["BP_POLICY_REPORT"] = "/proc/none"
    assert company.build("").code == 69


def test_every_fault_of_a_policy_is_told(company: Company) -> None:
    fault = company.build(
        'mode = "no"\nother = 1\n[[exceptions]]\nrule = "x"\nuntil = "soon"\n[vulnerabilities]\n'
        'at-least = "bad"\n'
    ).fault
    told = str(fault)
    for part in ("other", "'no' is none of fail, warn, off", "'x' is none of", "reason", "'soon'"):
        assert part in told, told
    assert "is no requirement" in str(company.build('[packages.deny]\n"a b" = "x"\n').fault)
    assert "is not TOML" in str(company.build("[").fault)


def test_a_binding_without_a_policy_is_told(company: Company) -> None:
    company.bind("policy", {})
    assert "the binding policy has no policy.toml" in str(company.phases.build(Policy()).fault)


def test_without_a_lock_it_is_left_to_the_second_look(company: Company) -> None:
    del company.phases.env["CNBKIT_LOCK"]
    ran = company.build('[packages.deny]\nrequests = "x"\n')
    assert ran.code == 0
    assert "Policy of the binding policy: no lock yet, nothing found\n" in ran.out
    company.installed({})
    [told] = company.refused('[packages.deny]\nrequests = "x"\n', PolicyInstalled)
    assert told.startswith("requirements.txt:2: package: requests 2.30.0 is denied")


def test_the_same_day_the_same_is_not_judged_again_and_imports_nothing_heavy(
    company: Company,
) -> None:
    assert company.build('mode = "warn"\n[packages.deny]\nrequests = "x"\n').code == 0
    code = (
        "import os, sys; from cnbkit import phase; from cnbkit_policy import Policy; "
        "phase.build(Policy(), os.environ); print(*sys.modules, file=sys.stderr)"
    )
    env = {**company.phases.env, "PYTHONPATH": f"{ROOT}/sdk/src:{ROOT}/buildpacks/policy"}
    done = subprocess.run(
        [sys.executable, "-S", "-c", code],
        check=True, cwd=company.phases.app, env=env, capture_output=True, text=True,
    )  # fmt: skip
    assert "Unchanged: 3 packages, 1 findings that end no build" in done.stdout
    assert "requests 2.30.0 is denied" in done.stdout
    heavy = {"typing", "re", "pathlib", "tomllib", "json", "pydantic", "packaging", "subprocess"}
    assert heavy & set(done.stderr.split()) == set()


@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    policy=st.one_of(
        st.text(alphabet='[]={}"\'\\n abcmodefail', max_size=40),
        st.builds(
            "{} = {}\n".format,
            st.sampled_from(["mode", "modes", "hashes", "packages.deny", "licenses.allow",
                             "python.minimum", "exceptions", "indexes.allow"]),
            st.sampled_from(["1", "true", "'x'", "[]", "['*[']", "{}", "{x = 'y'}", "[{}]",
                             "{'a>1' = 'b'}", "2026-01-01"]),
        ),
    )
)  # fmt: skip
@example(policy="python.minimum = 'x'\n")
def test_any_policy_gives_a_verdict_or_a_clear_fault(phases: Phases, policy: str) -> None:
    company = Company(phases)
    company.bind("policy", {"policy.toml": policy})
    try:
        code = phase.build(Policy(), phases.env)
    except CnbkitError as fault:
        code = fault.exit_code
    assert code in (0, 65)
