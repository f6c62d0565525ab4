from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml  # type: ignore[import-untyped]
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from cnbkit_labels import MAX_FILE, Labels, full, rules, simple
from cnbkit_labels.git import without_login

from .told import telling

if TYPE_CHECKING:
    from typing import Any

    from tests.buildpacks.conftest import Phases, Ran

ROOT = Path(__file__).parents[2]


def labels(ran: Ran) -> dict[str, str]:
    assert ran.code == 0, ran.fault
    return {label["key"]: label["value"] for label in ran.launch.get("labels", [])}


def faults(ran: Ran) -> list[str]:
    assert ran.code == 65
    assert ran.fault is not None
    assert ran.launch == {}
    return (ran.fault.detail or f"{ran.fault.where}: {ran.fault.what}").splitlines()


@pytest.mark.parametrize("name", ["business-tags.yaml", "business-tags.yml"])
def test_detect_joins_for_the_file_without_a_plan(phases: Phases, name: str) -> None:
    phases.write(name, "")
    ran = phases.detect(Labels())
    assert (ran.code, ran.plan) == (0, {})
    assert f"join: found {name}" in ran.out
    assert name in Labels.triggers.files


def test_detect_skips_without_the_file(phases: Phases) -> None:
    assert phases.detect(Labels()).code == 100


def test_nested_keys_are_joined_by_dots_and_lists_by_commas(phases: Phases) -> None:
    phases.write(
        "business-tags.yaml",
        "owner: ml-platform\nteam:\n  mail: ml@example.com\n  on-call:\n    - anna\n    - ben\n"
        "data: [internal, 'x y']\n",
    )
    ran = phases.build(Labels())
    assert labels(ran) == {
        "owner": "ml-platform",
        "team.mail": "ml@example.com",
        "team.on-call": "anna,ben",
        "data": "internal,x y",
    }
    assert "  4 labels from business-tags.yaml: data, owner, team.mail, team.on-call\n" in ran.out


@pytest.mark.parametrize("extra", ["", "quoted: 'x: y'\n"], ids=["simple", "full"])
@pytest.mark.parametrize(
    "value", ["no", "012", "1.10", "2026-01-01", "1e3", "0x1F", "true", "null", "1_000", "y"]
)
def test_values_stay_the_text_in_the_file(phases: Phases, value: str, extra: str) -> None:
    phases.write("business-tags.yaml", f"key: {value}\n{extra}")
    assert labels(phases.build(Labels()))["key"] == value


@pytest.mark.parametrize("prefix", ["com.example", "com.example."])
def test_a_prefix_goes_before_every_key(phases: Phases, prefix: str) -> None:
    phases.env["BP_LABELS_PREFIX"] = prefix
    phases.write("business-tags.yml", "owner: a\nteam: {mail: b}\n")
    assert labels(phases.build(Labels())) == {
        "com.example.owner": "a",
        "com.example.team.mail": "b",
    }


@pytest.mark.parametrize("prefix", [".x", "a b", "io.buildpacks", "é", "a" * 300])
def test_a_prefix_that_makes_no_good_labels_is_refused(phases: Phases, prefix: str) -> None:
    phases.env["BP_LABELS_PREFIX"] = prefix
    phases.write("business-tags.yaml", "owner: a\n")
    ran = phases.build(Labels())
    assert ran.code == 65
    assert ran.fault is not None
    assert ran.fault.where == "BP_LABELS_PREFIX"


def test_two_files_are_refused_by_name(phases: Phases) -> None:
    phases.write("business-tags.yaml", "owner: a\n")
    phases.write("business-tags.yml", "owner: a\n")
    [fault] = faults(phases.build(Labels()))
    assert "both business-tags.yaml and business-tags.yml are there" in fault


@pytest.mark.parametrize("content", ["", "# nothing yet\n", "---\n", "\ufeff"])
def test_an_empty_file_gives_no_labels(phases: Phases, content: str) -> None:
    phases.write("business-tags.yaml", content)
    ran = phases.build(Labels())
    assert labels(ran) == {}
    assert "no labels from business-tags.yaml\n" in ran.out


def test_an_empty_value_is_a_label_and_a_warning(phases: Phases) -> None:
    phases.write("business-tags.yaml", "a: b\nowner:\n")
    ran = phases.build(Labels())
    assert labels(ran) == {"a": "b", "owner": ""}
    assert "Warning: business-tags.yaml:2: owner has no value" in ran.err


def test_every_fault_is_told_at_once_with_its_line(phases: Phases) -> None:
    phases.write(
        "business-tags.yaml",
        "owner: a\n"
        "owner: b\n"
        "cost center: 1\n"
        "io.buildpacks.stack.id: mine\n"
        "team.mail: a\n"
        "team:\n"
        "  mail: b\n"
        "list: [[1]]\n"
        "<<: {a: b}\n"
        "[a]: b\n"
        "secret: !vault x\n"
        'control: "a\\0b"\n'
        'half: "\\ud800"\n'
        f"long: {'x' * 5000}\n"
        f"{'k' * 300}: x\n"
        "'': x\n"
        "a..b: x\n",
    )
    ran = phases.build(Labels())
    assert ran.fault is not None
    assert ran.fault.what == "business-tags.yaml has 14 faults"
    assert faults(ran) == [
        "business-tags.yaml:2: owner is there already, in line 1",
        (
            "business-tags.yaml:3: the key 'cost center' may hold letters, digits and . _ - / "
            "only; found ' '"
        ),
        (
            "business-tags.yaml:4: io.buildpacks.stack.id: keys beginning with io.buildpacks. are "
            "the lifecycle's own"
        ),
        "business-tags.yaml:7: team.mail is there already, in line 5",
        "business-tags.yaml:8: list: a list holds plain values only; this is a list",
        "business-tags.yaml:9: merge keys (<<) do not work here; write the keys out",
        "business-tags.yaml:10: a key must be plain text; this is a list",
        "business-tags.yaml:11: secret: the tag '!vault' has no meaning here",
        "business-tags.yaml:12: control: the value holds a control character",
        "business-tags.yaml:13: half: the value holds a control character",
        "business-tags.yaml:14: long: the value has 5000 characters; 4096 are allowed",
        f"business-tags.yaml:15: the key {'k' * 40}... has 300 characters; 255 are allowed",
        (
            "business-tags.yaml:16: the key '' must begin and end with a letter or digit, "
            "without `..` in it"
        ),
        (
            "business-tags.yaml:17: the key 'a..b' must begin and end with a letter or digit, "
            "without `..` in it"
        ),
    ]


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ("- a\n", "1: business-tags.yaml: it holds a list, not `key: value` lines"),
        ("a\n", "1: business-tags.yaml: it holds a single value, not `key: value` lines"),
        (
            "a: b\nurl: a: b\n",
            "2: business-tags.yaml: not YAML: mapping values are not allowed here",
        ),
        ("a: b\n\tc: d\n", "2: business-tags.yaml: not YAML: while scanning"),
        ("a: b\n---\nc: d\n", "2: business-tags.yaml: not YAML: expected a single document"),
        ("a: b\nc: \0\n", "2: business-tags.yaml: not YAML: the character '\\x00'"),
        ("a: *b\n", "1: business-tags.yaml: not YAML: found undefined alias 'b'"),
        ('a: "\\U99999999"\n', "1: business-tags.yaml: not YAML: "),
        (b"a: b\nc: caf\xe9\n", "2: business-tags.yaml is not UTF-8 (byte 0xe9)"),
        ("[" * MAX_FILE, "1: business-tags.yaml: more than 512 lists and mappings in brackets"),
        ("- " * 8000, "1: business-tags.yaml: nested too deeply"),
        ("a: &a {b: *a}\n", "is nested deeper than 16 levels"),
        ("x" * (MAX_FILE + 1), f"characters; {MAX_FILE} are allowed"),
        ("".join(f"k{n}: v\n" for n in range(257)), "257: business-tags.yaml: 257 labels"),
    ],
)
def test_a_file_that_is_no_tag_file_is_refused_with_its_line(
    phases: Phases, content: str | bytes, fault: str
) -> None:
    phases.write("business-tags.yaml", content)
    [told] = faults(phases.build(Labels()))
    assert fault in told


def test_aliases_work(phases: Phases) -> None:
    phases.write("business-tags.yaml", "a: &who {name: x, all: [y, z]}\nb: *who\n")
    assert labels(phases.build(Labels())) == {
        "a.name": "x",
        "a.all": "y,z",
        "b.name": "x",
        "b.all": "y,z",
    }


def test_aliases_that_multiply_are_stopped(phases: Phases) -> None:
    lines = ["a: &a {k0: x, k1: x, k2: x, k3: x, k4: x, k5: x, k6: x, k7: x, k8: x}"]
    for before, name in zip("abcdefgh", "bcdefghi", strict=True):
        uses = ", ".join(f"k{n}: *{before}" for n in range(9))
        lines.append(f"{name}: &{name} {{{uses}}}")
    phases.write("business-tags.yaml", "\n".join(lines))
    told = faults(phases.build(Labels()))
    assert "business-tags.yaml:1: more than 4096 values once aliases are followed" in told


def test_a_great_many_faults_are_cut_short(phases: Phases) -> None:
    phases.write("business-tags.yaml", "".join(f"a b{n}: x\n" for n in range(100)))
    told = faults(phases.build(Labels()))
    assert (len(told), told[-1]) == (51, "and 50 more")


def test_a_plain_file_is_built_without_a_yaml_library(phases: Phases) -> None:
    """Its import takes longer than all the rest of the build."""
    phases.write("business-tags.yaml", "owner: a\nteam:\n  mail: b@c\n")
    phases.write("pyproject.toml", '[project]\nname = "x"\n')
    (phases.app / ".git").mkdir()
    phases.write(".git/HEAD", "ref: refs/heads/main")
    code = (
        "import os, sys; from cnbkit import runtime; from cnbkit_labels import Labels; "
        "runtime.build(Labels(), os.environ); "
        "assert not {'yaml', 're', 'tomllib', 'typing', 'pathlib'} & {*sys.modules}"
    )
    env = {**phases.env, "PYTHONPATH": f"{ROOT}/sdk/src:{ROOT}/buildpacks/labels"}
    subprocess.run([sys.executable, "-S", "-c", code], check=True, cwd=phases.app, env=env)
    assert 'value = "b@c"' in (phases.layers / "launch.toml").read_text()


COMMIT = "0123456789abcdef0123456789abcdef01234567"
OCI = "org.opencontainers.image."


def oci(ran: Ran) -> dict[str, str]:
    return {key.removeprefix(OCI): value for key, value in labels(ran).items() if OCI in key}


def git(phases: Phases, *command: str) -> str:
    env = {
        "PATH": "/usr/bin:/bin",
        "HOME": str(phases.layers),
        **{f"GIT_{who}_{what}": "t@example.com" for who in ("AUTHOR", "COMMITTER")
           for what in ("NAME", "EMAIL")},
    }  # fmt: skip
    return subprocess.run(
        ["git", *command], cwd=phases.app, env=env, check=True, capture_output=True, text=True
    ).stdout.strip()


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("detached", [False, True])
def test_the_revision_is_git_s_without_git(phases: Phases, packed: bool, detached: bool) -> None:
    git(phases, "init", "-qb", "main")
    git(phases, "commit", "-q", "--allow-empty", "-m", "one")
    git(phases, "branch", "feature/main")
    git(phases, "remote", "add", "origin", "https://ann:s3cret@git.example.com/team/app.git")
    commit = git(phases, "rev-parse", "HEAD")
    if detached:
        git(phases, "checkout", "-q", commit)
    if packed:
        git(phases, "pack-refs", "--all")
    ran = phases.build(Labels())
    assert oci(ran) == {"revision": commit, "source": "https://git.example.com/team/app.git"}
    assert "2 more: org.opencontainers.image.revision, org.opencontainers.image.source\n" in ran.out


@pytest.mark.parametrize(
    "head", ["", "ref: refs/heads/none\n", "ref: ../../etc/passwd\n", "x" * 40, b"\xff\xfe", "ref:"]
)
def test_a_git_folder_that_tells_nothing_gives_no_revision(
    phases: Phases, head: str | bytes
) -> None:
    (phases.app / ".git").mkdir()
    phases.write(".git/HEAD", head)
    assert labels(phases.build(Labels())) == {}


@pytest.mark.parametrize(
    ("address", "source"),
    [
        ("git@git.example.com:team/app.git", "ssh://git.example.com/team/app.git"),
        ("ssh://git@git.example.com:22/app", "ssh://git.example.com:22/app"),
        ("https://token@git.example.com/app?access_token=x", "https://git.example.com/app"),
        ("/srv/git/app.git", ""),
        ("../app", ""),
        ("file:///srv/app", ""),
        ("ext::sh -c x", ""),
    ],
)
def test_a_source_is_an_address_for_everybody(address: str, source: str) -> None:
    assert without_login(address) == source


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        (
            {
                "GITHUB_SHA": COMMIT,
                "GITHUB_SERVER_URL": "https://github.example.com",
                "GITHUB_REPOSITORY": "team/app",
                "GITHUB_REF_TYPE": "tag",
                "GITHUB_REF_NAME": "v2.0",
            },
            {
                "revision": COMMIT,
                "source": "https://github.example.com/team/app",
                "version": "v2.0",
            },
        ),
        (
            {
                "CI_COMMIT_SHA": COMMIT,
                "CI_PROJECT_URL": "https://gitlab.example.com/team/app",
                "CI_COMMIT_TAG": "2.1",
                "CI_COMMIT_TIMESTAMP": "2026-01-02T03:04:05+01:00",
            },
            {
                "revision": COMMIT,
                "source": "https://gitlab.example.com/team/app",
                "version": "2.1",
                "created": "2026-01-02T03:04:05+01:00",
            },
        ),
        (
            {"GIT_COMMIT": COMMIT, "GIT_URL": "https://ann:token@git.example.com/app.git"},
            {"revision": COMMIT, "source": "https://git.example.com/app.git", "version": "1.2"},
        ),
        (
            {"BP_OCI_REVISION": "trunk-7", "SOURCE_DATE_EPOCH": "1700000000"},
            {"revision": "trunk-7", "created": "2023-11-14T22:13:20Z", "version": "1.2"},
        ),
    ],
    ids=["GitHub", "GitLab", "Jenkins", "other"],
)
def test_ci_variables_go_before_the_project_s_files(
    phases: Phases, variables: dict[str, str], told: dict[str, str]
) -> None:
    phases.write("pyproject.toml", '[project]\nname = "app"\nversion = "1.2"\n')
    assert phases.detect(Labels()).code == 100
    phases.env.update(variables, BP_LABELS_STANDARD="true")
    assert phases.detect(Labels()).code == 0
    assert oci(phases.build(Labels())) == {"title": "app", **told}


def test_without_a_time_that_the_source_has_there_is_none(phases: Phases) -> None:
    phases.env["GITHUB_SHA"] = COMMIT
    assert oci(phases.build(Labels())) == {"revision": COMMIT}
    phases.env["SOURCE_DATE_EPOCH"] = "yesterday"
    ran = phases.build(Labels())
    assert ran.fault is not None
    assert ran.fault.where == "SOURCE_DATE_EPOCH"


def test_the_project_s_files_give_title_version_and_source(phases: Phases) -> None:
    phases.write(
        "project.toml",
        '[_]\nschema-version = "0.2"\nname = "Shop"\n'
        'source-url = "https://git.example.com/shop"\n[[io.buildpacks.build.env]]\nname = "A"\n',
    )
    phases.write(
        "pyproject.toml",
        '[tool.x]\nname = "no"\n[project]\nname = "shop"\nversion = "1.0"  # ours\n'
        'description = \'Sells "things"\'\nreadme = {text = "x"}\n'
        '[project.urls]\nHomepage = "https://example.com"\nRepository = "https://u:p@example.com/r"\n',
    )
    expected = {
        "title": "Shop",
        "version": "1.0",
        "description": 'Sells "things"',
        "source": "https://git.example.com/shop",
    }
    assert oci(phases.build(Labels())) == expected
    (phases.app / "project.toml").unlink()
    assert oci(phases.build(Labels())) == {
        **expected,
        "title": "shop",
        "source": "https://example.com/r",
    }
    # The app's own word counts, and all of it can be left out.
    phases.write("business-tags.yaml", f"{OCI}title: Ours\n")
    assert oci(phases.build(Labels()))["title"] == "Ours"
    phases.env["BP_LABELS_STANDARD"] = "false"
    assert labels(phases.build(Labels())) == {f"{OCI}title": "Ours"}


def test_what_is_no_plain_text_is_left_out(phases: Phases) -> None:
    phases.write(
        "pyproject.toml",
        '[project]\nname = "a\\u0000b"\nversion = 1\ndescription = """\nlong"""\n',
    )
    assert labels(phases.build(Labels())) == {}


def test_the_version_of_python_is_a_label(phases: Phases) -> None:
    phases.env |= telling(python="/layers/python/bin/python3", python_version="3.12.4")
    assert labels(phases.build(Labels())) == {"io.cnbkit.python": "3.12.4"}


def test_what_the_platform_found_in_git_goes_behind_a_ci_service(phases: Phases) -> None:
    phases.write("pyproject.toml", '[project]\nname = "shop"\nversion = "1"\n')
    phases.env |= {
        "BP_OCI_REVISION": COMMIT,
        "BP_OCI_SOURCE": "git@git.example.com:shop.git",
        "BP_OCI_VERSION": "v2",
        "BP_OCI_MODIFIED": "true",
    }
    assert phases.detect(Labels()).code == 0
    ran = phases.build(Labels())
    assert oci(ran) == {
        "revision": COMMIT,
        "source": "ssh://git.example.com/shop.git",
        "title": "shop",
        "version": "v2",
    }
    assert labels(ran)["io.cnbkit.modified"] == "true"
    phases.env |= {"GITHUB_SHA": "1" * 40, "CI_COMMIT_TAG": "v3", "BP_OCI_MODIFIED": ""}
    ran = phases.build(Labels())
    assert (oci(ran)["revision"], oci(ran)["version"]) == ("1" * 40, "v3")
    assert "io.cnbkit.modified" not in labels(ran)


RULES = """
reserved = ["com.example.security."]
[defaults]
"com.example.company" = "Example"
tier = "batch"
[rules.owner]
required = true
allowed = ["vision", "language"]
[rules.cost-center]
required = true
pattern = "[0-9]{4}"
help = "see the wiki"
[rules.tier]
allowed = ["batch", "online"]
[rules.note]
max-length = 3
"""


def bind(phases: Phases, rules: str) -> None:
    binding = Path(phases.env["CNB_PLATFORM_DIR"]) / "bindings" / "rules"
    binding.mkdir(parents=True, exist_ok=True)
    (binding / "type").write_text("labels")
    (binding / "labels.toml").write_text(rules)


def test_an_organisation_gives_defaults_and_rules(phases: Phases) -> None:
    bind(phases, RULES)
    assert phases.detect(Labels()).code == 0
    phases.write("business-tags.yaml", "owner: vision\ncost-center: 0420\ntier: online\n")
    ran = phases.build(Labels())
    assert labels(ran) == {
        "owner": "vision",
        "cost-center": "0420",
        "tier": "online",
        "com.example.company": "Example",
    }
    assert "  1 more: com.example.company\n" in ran.out


def test_every_rule_that_is_broken_is_told_with_those_of_the_file(phases: Phases) -> None:
    bind(phases, RULES)
    phases.write(
        "business-tags.yaml",
        "owner: sales\nnote: long\ncom.example.security.level: 1\ncost center: 1\ntier: x\n",
    )
    assert faults(phases.build(Labels())) == [
        ("business-tags.yaml:1: cost-center is required (rule of binding rules): see the wiki"),
        (
            "business-tags.yaml:1: owner is 'sales', which is not one of vision, language "
            "(rule of binding rules)"
        ),
        "business-tags.yaml:2: note has 4 characters; 3 are allowed (rule of binding rules)",
        (
            "business-tags.yaml:3: com.example.security.level: keys beginning with "
            "com.example.security. are reserved (by binding rules)"
        ),
        (
            "business-tags.yaml:4: the key 'cost center' may hold letters, digits and . _ - / "
            "only; found ' '"
        ),
        (
            "business-tags.yaml:5: tier is 'x', which is not one of batch, online "
            "(rule of binding rules)"
        ),
    ]


def test_without_the_file_a_required_label_is_asked_for(phases: Phases) -> None:
    bind(phases, "[rules.owner]\nrequired = true\n")
    ran = phases.build(Labels())
    assert ran.fault is not None
    assert ran.fault.what == "business-tags.yaml: owner is required (rule of binding rules)"
    assert (ran.fault.remedy or "").startswith("add business-tags.yaml; ")
    phases.write("business-tags.yaml", "owner:\n")
    assert "owner is empty" in str(phases.build(Labels()).fault)


def test_every_fault_of_the_rules_is_told(phases: Phases) -> None:
    bind(
        phases,
        "other = 1\nreserved = 'x'\ndefaults = {a = 1}\n[rules]\na = 1\n[rules.b]\nneeded = true\n"
        "required = 1\nallowed = 'x'\npattern = '('\nmax-length = 'x'\nhelp = 1\n",
    )
    fault = phases.build(Labels()).fault
    assert fault is not None
    assert fault.what == "labels.toml of binding rules has 10 faults"
    assert "rules.b: pattern is not a regular expression: " in (fault.detail or "")
    bind(phases, "[")
    assert "labels.toml of binding rules is not TOML" in str(phases.build(Labels()).fault)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rules=st.one_of(
        st.text(alphabet="[rules.a]\n=\"'xd{}", max_size=40),
        st.builds(
            "[{}]\n{} = {}\n".format,
            st.sampled_from(["rules", "rules.owner", "defaults", "x", "rules.'a.b'"]),
            st.sampled_from(["required", "allowed", "pattern", "max-length", "owner", "help"]),
            st.sampled_from(["1", "true", "[]", "'('", "'a*'", "{}", "[1]", "-1", "1e9", "'\\0'"]),
        ),
    )
)
def test_any_rules_give_labels_or_a_user_fault(phases: Phases, rules: str) -> None:
    bind(phases, rules)
    phases.write("business-tags.yaml", "owner: a\n")
    assert phases.build(Labels()).code in (0, 65)


# Mostly what the simple reader understands, so that many examples stay within it.
TAG_LINES = st.builds(
    "{}{}{}{}".format,
    st.sampled_from(["", "", "", "", " ", "  "]),
    st.text(alphabet="abcdefg1._-/", min_size=1, max_size=4).map("k{}".format),
    st.tuples(st.integers(0, 3), st.text(alphabet="ab1 ._-/@+,", max_size=4)).map(
        lambda drawn: f": v{drawn[1]}" if drawn[0] else ":"
    ),
    st.sampled_from(["", "", "", "", " ", "\r"]),
)
ODD_LINES = st.builds(
    "{}{}{}{}{}".format,
    st.sampled_from(["", " ", "  ", "\t"]),
    st.sampled_from(["#", "- ", "", "---", "...", "? a", "é", "a", "a b", "&a a"]),
    st.sampled_from([":", ": ", ":  ", "", " : ", ":\t"]),
    st.text(alphabet="ab1 .-:#'&*!", max_size=6),
    st.sampled_from(["", " ", "  # x", "\t", "\r"]),
)


@settings(max_examples=400)
@given(text=st.lists(st.one_of(*[TAG_LINES] * 7, ODD_LINES), min_size=1, max_size=4).map("\n".join))
@example(text="a:\n  b: c\n# x\n  d: e\nf: g")
@example(text="a:\n  b: c\n d: e")
@example(text="a: b\n   # x\n  \nc: d\r\n")
@example(text="a:\nb: c")
def test_the_simple_reader_agrees_with_pyyaml_or_gives_up(text: str) -> None:
    entries = simple.read(text)
    if entries is not None:
        assert full.read(text) == (entries, [])


KEYS = st.text(alphabet="abcxyz019._-/", max_size=5).map("k{}k".format)
PLAIN = st.text(alphabet="ab1 ._-/@+,", max_size=6).map("v{}v".format)
MAPPINGS: st.SearchStrategy[Any] = st.recursive(
    st.dictionaries(KEYS, PLAIN, min_size=1, max_size=3),
    lambda inner: st.dictionaries(KEYS, st.one_of(PLAIN, inner), min_size=1, max_size=3),
    max_leaves=6,
)


def written(tree: dict[str, Any], indent: int, step: int) -> str:
    lines = ["# a comment\n"]
    for key, value in tree.items():
        if isinstance(value, dict):
            lines.append(f"{' ' * indent}{key}:\n\n{written(value, indent + step, step + 1)}")
        else:
            lines.append(f"{' ' * indent}{key}: {value}\n")
    return "".join(lines)


def paths(tree: dict[str, Any], prefix: str = "") -> list[str]:
    found = []
    for key, value in tree.items():
        found.append(prefix + key)
        if isinstance(value, dict):
            found += paths(value, f"{prefix}{key}.")
    return found


@settings(max_examples=300)
@given(tree=MAPPINGS, step=st.integers(1, 4))
def test_the_simple_reader_reads_what_people_write(tree: dict[str, Any], step: int) -> None:
    text = written(tree, 0, step)
    entries = simple.read(text)
    if len(set(paths(tree))) < len(paths(tree)):
        assert entries is None, "`a.b` beside `b` under `a` is for the full reader to explain"
    else:
        assert (entries, []) == full.read(text)


TREES: st.SearchStrategy[Any] = st.recursive(
    st.text(st.characters(codec="utf-8"), max_size=8),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.text(alphabet="abc._ ", max_size=4), inner, max_size=3),
    ),
    max_leaves=12,
)
CONTENT = st.one_of(
    st.binary(max_size=60),
    st.text(alphabet="ab: \n-[]{}&*!|>'\"\\#%@`?,~<\t\r\x85xU0", max_size=60).map(str.encode),
    TREES.map(lambda tree: yaml.safe_dump(tree, allow_unicode=True).encode()),
)


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=CONTENT)
def test_any_bytes_give_labels_by_the_rules_or_a_user_fault(phases: Phases, content: bytes) -> None:
    phases.write("business-tags.yaml", content)
    ran = phases.build(Labels())
    if ran.code:
        told = faults(ran)
        assert all(line.startswith("business-tags.yaml:") for line in told)
    else:
        assert not any(rules.key_problem(key) for key in labels(ran))
