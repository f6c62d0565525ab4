from __future__ import annotations

import json
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from cnbkit import Buildpack, CnbkitError, runtime
from cnbkit_policy import Policy, PolicyInstalled
from cnbkit_policy.licenses import acceptable
from cnbkit_policy.osv import _in_range

from .told import telling

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
        self.lock = lock
        self.tell(
            lock=str(lock),
            inputs=["requirements.txt"],
            python="/usr/bin/python3",
            python_version="3.11.2",
        )

    def tell(self, **fields: Any) -> None:
        """What earlier buildpacks tell, besides what they do already."""
        self.phases.env |= telling(self.phases.env, **fields)

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
        self.tell(packages=str(layers / "lock" / "packages.json"))

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
            "requests": f"{REQUESTS}License-Expression: MIT AND GPL-3.0-only\n",
            "numpy": "Name: NumPy\nVersion: 2.0\nLicense: BSD\n",
        }
    )
    [told] = company.refused(policy, PolicyInstalled)
    assert told == (
        "requirements.txt:2: license: requests 2.30.0 has the licence MIT AND GPL-3.0-only"
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


def test_conda_s_and_debian_s_packages_are_judged(company: Company) -> None:
    company.installed(
        {"requests": f"{REQUESTS}License: MIT\n", "numpy": "Name: numpy\nVersion: 2.0\n"}
    )
    components = [
        {"purl": "pkg:conda/readline@8.2", "name": "readline", "version": "8.2",
         "licenses": [{"expression": "GPL-3.0-only"}]},
        {"purl": "pkg:deb/debian/ffmpeg@7%3A5.1", "name": "ffmpeg", "version": "7:5.1~x",
         "licenses": [{"license": {"id": "GPL-2.0-only"}}, {"license": {"name": "Expat"}}]},
        {"purl": "pkg:pypi/requests@2.30.0", "name": "requests", "version": "2.30.0",
         "licenses": [{"expression": "GPL-3.0-only"}]},
        {"purl": "pkg:conda/zlib@1.3", "name": "zlib", "version": "1.3",
         "licenses": [{"expression": "Zlib"}]},
    ]  # fmt: skip
    folder = company.phases.layers.parent / "conda"
    folder.mkdir()
    (folder / "env.sbom.cdx.json").write_text(json.dumps({"components": components}))
    (folder / "broken.sbom.cdx.json").write_text("[" * 10_000)
    told = company.refused('[licenses]\ndeny = ["GPL*"]\n', PolicyInstalled)
    assert told == [
        "conda packages: license: readline 8.2 has the licence GPL-3.0-only",
        "Debian packages: license: ffmpeg 7:5.1~x has the licence GPL-2.0-only; Expat",
    ]
    [told_one] = company.refused('[packages.deny]\nffmpeg = "patents"\n', PolicyInstalled)
    assert told_one.startswith("Debian packages: package: ffmpeg 7:5.1~x is denied")
    assert company.build('[packages]\nallow = ["requests", "numpy"]\n', PolicyInstalled).code == 0
    # Before anything is installed there is nothing of them.
    assert company.build('[licenses]\ndeny = ["GPL*"]\n').code == 0


@pytest.mark.parametrize(
    ("expression", "allow", "deny", "good"),
    [
        ("MIT AND GPL-3.0-only", ["MIT"], [], False),
        ("MIT OR GPL-3.0-only", ["MIT"], [], True),
        ("MIT OR GPL-3.0-only", [], ["GPL*"], True),
        ("MIT AND GPL-3.0-only", [], ["GPL*"], False),
        ("GPL-2.0-only OR GPL-3.0-only", [], ["GPL*"], False),
        ("(MIT OR Apache-2.0) AND BSD-3-Clause", ["MIT", "BSD*"], [], True),
        ("(MIT OR Apache-2.0) AND BSD-3-Clause", ["MIT"], [], False),
        ("MIT OR GPL-3.0-only", ["MIT", "GPL*"], ["MIT"], True),
        ("GPL-2.0-only WITH Classpath-exception-2.0", ["GPL-2.0-only"], [], True),
        ("GPL-2.0-only WITH Classpath-exception-2.0", [], ["GPL-2.0*"], False),
        ("Apache Software License", ["Apache*"], [], True),
        ("BSD License; GNU General Public License", [], ["GNU General*"], False),
        ("mit and gpl-3.0-only", ["MIT"], [], False),
        ("LicenseRef-Acme", ["MIT"], [], False),
        ("((((", ["MIT"], [], False),
    ],
)
def test_licences_are_expressions(
    expression: str, allow: list[str], deny: list[str], good: bool
) -> None:
    assert acceptable(expression, allow, deny) is good


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
    company.tell(python_version="3.10.4")
    assert (company.build("").code == 65) is told
    assert company.build("[python]\nend-of-life = false\n").code == 0


def _it_is(day: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.gmtime", lambda *_: time.strptime(day, "%Y-%m-%d"))


def test_an_exception_holds_until_its_last_day(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    company.bind("osv", {"one.json": json.dumps(VULNERABILITY)})
    policy = """
        [[exceptions]]
        rule = "vulnerability"
        package = "Requests"
        id = "CVE-2026-1"
        until = 2026-11-30
        reason = "we send no such header"
    """
    _it_is("2026-11-30", monkeypatch)
    ran = company.build(policy)
    assert ran.code == 0
    assert "(allowed until 2026-11-30: we send no such header)" in ran.out
    _it_is("2026-12-01", monkeypatch)
    [told] = company.refused(policy)
    assert told.endswith("(an exception ended on 2026-11-30)")
    for other in ('id = "CVE-2026-2"', 'package = "numpy"', 'rule = "license"'):
        name = other.partition(" =")[0]
        lines = [other if line.strip().startswith(f"{name} =") else line.strip()
                 for line in policy.splitlines()]  # fmt: skip
        _it_is("2026-11-30", monkeypatch)
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
    assert "dump.json of the binding osv is not an OSV dump" in str(fault)


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
    for part in (
        "other",
        "'no' is not one of fail, warn, off",
        "'x' is not one of",
        "reason",
        "'soon'",
    ):
        assert part in told, told
    assert "is not a requirement" in str(company.build('[packages.deny]\n"a b" = "x"\n').fault)
    assert "is not TOML" in str(company.build("[").fault)


def test_a_binding_without_a_policy_is_told(company: Company) -> None:
    company.bind("policy", {})
    assert "the binding policy has no policy.toml" in str(company.phases.build(Policy()).fault)


REQUIREMENTS = """
-r more/other.txt
-c held.txt
--index-url https://user:s3cret-word@other.example.com/simple
requests>=2  # not fixed here
six == 1.16.0 ; python_version >= "3"
gone==1 ; sys_platform == "win32"
old==1 ; python_version < "3.10"
own @ ./own
tool @ git+https://git.example.com/tool@v1
git+https://git.example.com/nameless
-e .
"""


def test_what_requirements_name_is_judged_before_it_is_resolved(company: Company) -> None:
    company.tell(lock="")
    (company.phases.app / "more").mkdir()
    company.phases.write("requirements.txt", REQUIREMENTS)
    company.phases.write("more/other.txt", "\n\nPy.Crypto\n")
    company.phases.write("held.txt", "requests==2.30.0\nnever==1\n")
    company.bind("osv", {"one.json": json.dumps(VULNERABILITY)})
    policy = """
        hashes = true
        [packages.deny]
        pycrypto = "another name"
        py-crypto = "unmaintained"
        "six<1.17" = "old"
        gone = "not for this platform"
        old = "not for this Python"
        never = "nothing asks for it"
        own = "a folder has a name, too"
        [indexes]
        allow = ["https://pypi.example.com/"]
    """
    assert sorted(company.refused(policy)) == [
        "more/other.txt:3: hash: py-crypto has no hash in the app's files",
        "more/other.txt:3: package: py-crypto is denied (py-crypto): unmaintained",
        "requirements.txt:10: index: tool comes from git+https://git.example.com/tool@v1",
        "requirements.txt:11: index: packages may come from git+https://git.example.com/nameless",
        "requirements.txt:4: index: packages may come from https://other.example.com/simple",
        "requirements.txt:5: hash: requests 2.30.0 has no hash in the app's files",
        (
            "requirements.txt:5: vulnerability: requests 2.30.0 has GHSA-1 (moderate): "
            "Leaks a header; fixed in 2.31.0"
        ),
        "requirements.txt:6: hash: six 1.16.0 has no hash in the app's files",
        "requirements.txt:6: package: six 1.16.0 is denied (six<1.17): old",
        "requirements.txt:9: package: own is denied (own): a folder has a name, too",
    ]
    allowed = '[indexes]\nallow = ["https://other.example.com", "https://git.example.com"]\n'
    allowed = f'modes.vulnerability = "off"\n{allowed}'
    ran = company.build(allowed)
    assert ran.code == 0, ran.fault
    assert (
        "5 packages that requirements.txt names (what they need is judged once it is installed), "
        "nothing found"
    ) in ran.out


def test_hashes_in_requirements_are_enough_and_those_of_the_index_are_not(company: Company) -> None:
    company.tell(lock="")
    company.installed({})
    beside = company.phases.layers.parent / "pip" / "lock" / "pylock.toml"
    beside.write_text(LOCK)
    [one] = company.refused("hashes = true\n", PolicyInstalled)
    assert one == "requirements.txt:2: hash: requests 2.30.0 has no hash in the app's files"
    pinned = f"requests==2.30.0 \\\n  --hash=sha256:{'a' * 64}\n"
    company.phases.write("requirements.txt", pinned)
    for buildpack in (Policy, PolicyInstalled):
        ran = company.build("hashes = true\n", buildpack)
        assert ran.code == 0, ran.fault


PROJECT = """
[project]
name = "app"
dependencies = ["requests==2.30.0"]
optional-dependencies = {gpu = ["six==1.16.0"], docs = ["never"]}
[dependency-groups]
train = ["numpy", {include-group = "base"}]
base = ["pandas==2.0"]
lint = ["never"]
[tool.uv]
extra-index-url = ["https://other.example.com/simple"]
[tool.uv.sources]
numpy = {git = "https://git.example.com/numpy"}
[[tool.uv.index]]
url = "https://pypi.example.com/simple"
"""


def test_a_project_without_a_lock_is_judged_with_the_groups_that_are_wanted(
    company: Company,
) -> None:
    company.tell(lock="")
    company.phases.write("pyproject.toml", PROJECT)
    company.tell(inputs=["pyproject.toml"])
    company.phases.env.update(BP_PYTHON_GROUPS="train", BP_PYTHON_EXTRAS="gpu")
    policy = """
        packages.allow = ["numpy"]
        indexes.allow = ["https://pypi.example.com/"]
    """
    where = "pyproject.toml"
    assert sorted(company.refused(policy)) == [
        f"{where}:11: index: packages may come from https://other.example.com/simple",
        f"{where}:13: index: packages may come from https://git.example.com/numpy",
        f"{where}:4: package: requests 2.30.0 is not among those that are allowed",
        f"{where}:5: package: six 1.16.0 is not among those that are allowed",
        f"{where}:8: package: pandas 2.0 is not among those that are allowed",
    ]
    company.phases.env["BP_PYTHON_GROUPS"] = "no"
    assert "has no dependency group no" in str(company.build(policy).fault)


def test_a_lock_of_the_app_itself_is_judged_by_what_of_it_is_for_this_image(
    company: Company,
) -> None:
    company.tell(lock="")
    company.tell(inputs=["pylock.toml"])
    lock = LOCK.replace('"requests"', '"requests"\nmarker = "python_version < \'3.10\'"')
    lock += (
        '[[packages]]\nname = "tool"\nvcs = {type = "git", url = "https://git.example.com/t"}\n'
        '[[packages]]\nname = "more"\nversion = "1"\nmarker = "\'train\' in dependency_groups"\n'
    )
    company.phases.write("pylock.toml", lock)
    policy = """
        hashes = true
        indexes.allow = ["https://pypi.example.com/"]
        packages.deny = {requests = "x", more = "y"}
    """
    company.installed({})
    told = [
        "pylock.toml:11: hash: py-crypto 2.6.1 is locked without hashes",
        "pylock.toml:11: index: py-crypto 2.6.1 comes from https://other.example.com/simple",
        "pylock.toml:19: index: tool comes from https://git.example.com/t",
    ]
    assert sorted(company.refused(policy)) == sorted(told)
    company.phases.env["BP_PYTHON_GROUPS"] = "train"
    assert len(company.refused(policy)) == len(told) + 2


def test_what_is_resolved_is_left_to_the_second_look(company: Company) -> None:
    company.tell(lock="")
    policy = '[packages.deny]\nnumpy = "x"\n"requests<2.31" = "y"\n'
    assert company.build(policy).code == 0
    company.installed({})
    told = company.refused(policy, PolicyInstalled)
    assert told[0] == "requirements.txt: package: numpy 2.0 is denied (numpy): x"
    assert told[1].startswith("requirements.txt:2: package: requests 2.30.0 is denied")


@pytest.mark.parametrize(
    ("allowed", "told"),
    [
        ("debian", ""),
        ("debian 12", ""),
        ("Debian 12.5", ""),
        ("debian 1", "its distribution is debian 12.5; allowed: ubuntu, debian 1"),
        ("debian 12.5.1", "its distribution is debian 12.5; "),
        ("debian 11", "its distribution is debian 12.5; "),
    ],
)
def test_only_some_distributions_are_allowed(company: Company, allowed: str, told: str) -> None:
    company.phases.env.update(CNB_TARGET_DISTRO_NAME="debian", CNB_TARGET_DISTRO_VERSION="12.5")
    policy = f'[image]\ndistros = ["ubuntu", "{allowed}"]\n'
    if told:
        [line] = company.refused(policy)
        assert line.startswith(f"run image: base: {told}")
    else:
        assert company.build(policy).code == 0
    del (
        company.phases.env["CNB_TARGET_DISTRO_NAME"],
        company.phases.env["CNB_TARGET_DISTRO_VERSION"],
    )
    [line] = company.refused(policy)
    assert "unknown: the platform does not say" in line


@pytest.mark.parametrize(
    ("analyzed", "told"),
    [
        ('image = "reg.example.com/base/run:12"\nreference = "sha256:ab"', ""),
        ('reference = "reg.example.com/base/run@sha256:ab"', ""),
        ('image = "store.localhost:5095/cnbkit/run:bookworm"', ""),
        ('image = "docker.io/base/run:12"', "it is docker.io/base/run:12; allowed: "),
        ('image = "reg.example.com.evil.io/base/run:12"', "it is reg.example.com.evil.io/base"),
        ('image = ""', "unknown: the platform does not say; allowed: "),
        ("image", "unknown: the platform does not say; allowed: "),
    ],
)
def test_only_some_run_images_are_allowed(company: Company, analyzed: str, told: str) -> None:
    path = company.phases.layers.parent / "analyzed.toml"
    path.write_text(f"[run-image]\n{analyzed}\n")
    policy = '[image]\nbase = ["reg.example.com/base/*", "cnbkit/run:*"]\n'
    if told:
        [line] = company.refused(policy)
        assert line.startswith(f"run image: base: {told}")
    else:
        assert company.build(policy).code == 0
    path.unlink()
    [line] = company.refused(policy)
    assert "unknown: the platform does not say" in line


def test_an_image_may_be_too_large_by_what_is_seen_or_was_seen_last_time(company: Company) -> None:
    layers = company.phases.layers.parent / "pip"
    company.installed({})
    for name, types in (("heavy", "launch = true"), ("unused", "build = true")):
        (layers / name).mkdir()
        (layers / name / "data").write_bytes(bytes(3_000_000))
        (layers / f"{name}.toml").write_text(f"[types]\n{types}\n[metadata]\nkey = 1\n")
    company.phases.write("model.bin", bytes(2_000_000))
    policy = '[image]\nmax-size = "{}"\n'.format
    assert company.build(policy("5.1 MB"), PolicyInstalled).code == 0
    [told] = company.refused(policy("5000 KB"), PolicyInstalled)
    assert told == (
        "image: size: 5.00 MB without the run image, 5.00 MB are allowed: "
        "pip:heavy 3.00 MB, the app 2.00 MB"
    )
    # The app has grown, nothing else: judged again.
    company.phases.write("model.bin", bytes(2_500_000))
    assert "the app 2.50 MB" in company.refused(policy("5.1 MB"), PolicyInstalled)[0]
    company.phases.write("model.bin", bytes(2_000_000))
    assert company.build(policy("5.1 MB"), PolicyInstalled).code == 0
    # As the lifecycle has it when the layer is re-used.
    (layers / "heavy" / "data").unlink()
    (layers / "heavy").rmdir()
    assert "pip:heavy 3.00 MB" in company.refused(policy("4 MB"), PolicyInstalled)[0]
    # Another one, of which nothing was seen.
    (layers / "heavy.toml").write_text("[types]\nlaunch = true\n[metadata]\nkey = 2\n")
    [told] = company.refused(policy("4 MB"), PolicyInstalled)
    assert told.startswith("image: size: the size of the layer pip:heavy cannot be seen")


def test_a_lock_that_is_too_large_is_refused_before_it_is_downloaded(company: Company) -> None:
    company.lock.write_text(LOCK.replace("{url =", "{size = 7000000, url ="))
    [told] = company.refused('[image]\nmax-size = "6 MiB"\n')
    assert told.startswith(
        "image: size: 14.00 MB without the run image, 6.29 MB are allowed: "
        "packages to download 14.00 MB"
    )


@pytest.mark.parametrize(
    ("locked", "judged"), [(True, "3 packages"), (False, "2 packages that requirements.txt names")]
)
def test_the_same_day_the_same_is_not_judged_again_and_imports_nothing_heavy(
    company: Company, locked: bool, judged: str
) -> None:
    if not locked:
        company.tell(lock="")
    assert company.build('mode = "warn"\n[packages.deny]\nrequests = "x"\n').code == 0
    code = (
        "import os, sys; from cnbkit import runtime; from cnbkit_policy import Policy; "
        "runtime.build(Policy(), os.environ); print(*sys.modules, file=sys.stderr)"
    )
    env = {
        **company.phases.env,
        "PYTHONPATH": f"{ROOT}/sdk/src:{ROOT}/buildpacks/common:{ROOT}/buildpacks/policy",
    }
    done = subprocess.run(
        [sys.executable, "-S", "-c", code],
        check=True, cwd=company.phases.app, env=env, capture_output=True, text=True,
    )  # fmt: skip
    assert f"Unchanged: {judged}" in done.stdout
    assert ", 1 findings that end no build" in done.stdout
    assert " is denied (requests): x" in done.stdout
    heavy = {"typing", "re", "pathlib", "tomllib", "json", "pydantic", "packaging", "subprocess"}
    assert heavy & set(done.stderr.split()) == set()


@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    policy=st.one_of(
        st.binary(max_size=40),
        st.text(alphabet='[]={}"\'\\n abcmodefail', max_size=40).map(str.encode),
        st.builds(
            "{} = {}\n".format,
            st.sampled_from(["mode", "modes", "hashes", "packages.deny", "licenses.allow",
                             "python.minimum", "exceptions", "indexes.allow",
                             "image.base", "image.distros", "image.max-size"]),
            st.sampled_from(["1", "true", "'x'", "[]", "['*[']", "{}", "{x = 'y'}", "[{}]",
                             "{'a>1' = 'b'}", "2026-01-01", "'1.5 GB'"]),
        ).map(str.encode),
    )
)  # fmt: skip
@example(policy=b"python.minimum = 'x'\n")
def test_any_policy_gives_a_verdict_or_a_clear_fault(phases: Phases, policy: bytes) -> None:
    company = Company(phases)
    (company.bind("policy", {}) / "policy.toml").write_bytes(policy)
    try:
        code = runtime.build(Policy(), phases.env)
    except CnbkitError as fault:
        code = fault.exit_code
    assert code in (0, 65)


LINES = st.lists(
    st.sampled_from(
        ["six==1", "six==1.*", "six===x", "a b", "-r requirements.txt", "-c requirements.txt",
         "--index-url", "-i http://u:p@[", "-e git+https://x/y", "https://x/y.whl", "x @ ", "=",
         "x @ file:///y", "x;python_version<'y'", "x ; extra == 'y'", "x==1 --hash=sha256:0",
         "x==1 \\", "-e", "${A}", "[project]", "dependencies = ['x', 1]", "dependencies = 1",
         "[tool.uv]", "index = [1, {url = 1}]", "sources = {x = [{git = 'y'}]}", "\x00"]
    ),
    max_size=4,
).map(lambda lines: "\n".join(lines).encode())  # fmt: skip


@settings(max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    content=st.one_of(LINES, st.binary(max_size=30)),
    name=st.sampled_from(["requirements.txt", "pyproject.toml"]),
)
def test_whatever_is_declared_there_is_a_verdict_or_a_clear_fault(
    phases: Phases, content: bytes, name: str
) -> None:
    company = Company(phases)
    company.bind("policy", {"policy.toml": "hashes = true\nindexes.allow = ['x']\n"})
    phases.write(name, content)
    company.tell(inputs=[name], lock="")
    try:
        code = runtime.build(Policy(), phases.env)
    except CnbkitError as fault:
        code = fault.exit_code
    assert code in (0, 65)
