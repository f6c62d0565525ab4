"""`cnbkit check` finds what is wrong, and where, without building."""

from __future__ import annotations

import json
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import tomli_w
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cnbkit.errors import UserFault
from cnbkit_engine.cli.check import command
from cnbkit_engine.lifecycle.install import LIFECYCLE_VERSION
from cnbkit_engine.lint import check

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).resolve().parents[3]
# What an import of it brings, besides what an empty program has.
PATHLIB = "pathlib" if sys.version_info >= (3, 13) else "pathlib, urllib"
TOML = """\
api = "0.12"

[buildpack]
id = "{id}"
version = "{version}"

[[buildpack.licenses]]
type = "Apache-2.0"

[[targets]]
os = "linux"

[metadata.cnbkit]
entry = "pack:Pack"
"""
TOML_WITH_DEPENDENCIES = (
    TOML.format(id="a/b", version="1.0.0")
    + """
[[metadata.dependencies]]
id = "node"
uri = "https://x/node"
sha256 = "%s"
[[metadata.dependencies]]
uri = "https://x/other"
checksum = "md5:1"
"""
    % ("a" * 64)
)
PACK = """\
from cnbkit import Buildpack, BuildResult, Plan, Triggers


class Pack(Buildpack):
    triggers = Triggers("hello.txt")

    def build(self, ctx):
        return BuildResult()
"""
DYNAMIC = """\
from cnbkit import Buildpack, BuildResult, Plan, Triggers


class Pack(Buildpack):
    triggers = Triggers("hello.txt")

    def detect(self, ctx):
        {detect}

    def build(self, ctx):
        return BuildResult()
"""


def write(folder: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def buildpack(
    folder: Path,
    files: Mapping[str, str] | None = None,
    *,
    name: str = "a/b",
    version: str = "1.0.0",
) -> Path:
    toml = TOML.format(id=name, version=version)
    write(folder, {"buildpack.toml": toml, "pack.py": PACK, "README.md": "", **(files or {})})
    return folder


def found(path: Path) -> list[str]:
    """`file:line rule what`, files by their last name."""
    return [
        f"{Path(each.file).name}:{each.line} {each.severity} {each.rule}: {each.what}"
        for each in check(path)
    ]


def test_a_sound_buildpack_has_no_findings(tmp_path: Path) -> None:
    assert found(buildpack(tmp_path)) == []


def test_our_own_buildpacks_have_no_findings() -> None:
    assert found(ROOT / "builder") == []


FAULTS = {
    "every fault of the descriptor": (
        {"buildpack.toml": 'api = "0.2"\n[buildpack]\nid = "a b"\nversion = "1"\nnmae = "x"\n'},
        [
            "buildpack.toml:1 error descriptor: api: Buildpack API '0.2' is older than 0.10",
            "buildpack.toml:1 error entry: buildpack.toml does not say which class",
            "buildpack.toml:1 warning descriptor: no [[targets]]",
            "buildpack.toml:2 warning licence: no licence is named",
            "buildpack.toml:3 error descriptor: buildpack.id: an id may hold",
            "buildpack.toml:4 error descriptor: buildpack.version: a version is X.Y.Z",
            "buildpack.toml:5 error descriptor: buildpack.nmae: unknown key; did you mean name",
        ],
    ),
    "not TOML": ({"buildpack.toml": "\n= 1\n"}, ["buildpack.toml:2 error descriptor: not TOML"]),
    "an entry that is not there": (
        {"pack.py": "x = 1\n"},
        ["buildpack.toml:14 error entry: cannot import pack:Pack: AttributeError"],
    ),
    "an entry that is not a buildpack": (
        {"pack.py": "\nclass Pack:\n    pass\n"},
        ["pack.py:2 error entry: pack:Pack is not a class derived from cnbkit.Buildpack"],
    ),
    "an entry without build": (
        {"pack.py": PACK.partition("    def build")[0]},
        ["pack.py:4 error entry: Pack has no build of its own"],
    ),
    "an import that fails": (
        {"pack.py": f"import surely_absent\n{PACK}"},
        [
            "pack.py:1 error entry: cannot import pack:Pack: ModuleNotFoundError",
            "pack.py:1 error import: surely_absent is imported, and no build has it",
        ],
    ),
    "a syntax error": (
        {"pack.py": f"{PACK}\ndef (:\n"},
        ["pack.py:10 error entry: cannot import pack:Pack: SyntaxError"],
    ),
    "an import that ends Python": (
        {"pack.py": "import os\nos._exit(3)\n"},
        ["buildpack.toml:14 error entry: cannot import pack:Pack: Python ended early"],
    ),
    "a trigger that leads out of the app": (
        {"pack.py": PACK.replace("hello.txt", "../hello.txt")},
        ["pack.py:5 error entry: cannot import pack:Pack: ValueError"],
    ),
    "a trigger in a folder that is left out": (
        {"pack.py": PACK.replace("hello.txt", ".git/config")},
        ["pack.py:5 error trigger: the trigger .git/config never matches"],
    ),
    "a trigger in another pattern language": (
        {"pack.py": PACK.replace("hello.txt", "*.{yml,yaml}")},
        ["pack.py:5 error trigger: the trigger '*.{yml,yaml}' never matches"],
    ),
    "a trigger that is not a BP_ variable": (
        {"pack.py": PACK.replace('"hello.txt"', 'settings=("PORT",)')},
        ["pack.py:5 warning setting: the trigger PORT is not a BP_* variable"],
    ),
    "nothing that decides": (
        {"pack.py": PACK.replace('"hello.txt"', "")},
        ["pack.py:4 warning trigger: Pack takes part in every build"],
    ),
    "a heavy import": (
        {"pack.py": "import tomllib\n" + DYNAMIC.format(detect='return ctx.skip("no")')},
        ["pack.py:1 warning heavy: detect loads tomllib"],
    ),
    "too many modules": (
        {
            "pack.py": "import json, glob, csv, bz2, calendar, difflib, textwrap, colorsys\n"
            + DYNAMIC.format(detect='return ctx.skip("no")')
        },
        ["pack.py:5 warning heavy: detect loads "],
    ),
    "a name of cnbkit's that detect has no use for": (
        {
            "pack.py": "from cnbkit import Component\n"
            + DYNAMIC.format(detect='return ctx.skip("")')
        },
        ["pack.py:1 warning heavy: this line loads dataclasses, inspect in detect"],
    ),
    "dependencies that cannot be fetched": (
        {"buildpack.toml": TOML_WITH_DEPENDENCIES},
        [
            "buildpack.toml:16 error dependency: dependencies[0].version: is required beside id",
            "buildpack.toml:20 error dependency: dependencies[1]: 'md5:1' is not a checksum",
        ],
    ),
    "a path in detect": (
        {"pack.py": DYNAMIC.format(detect='return ctx.skip(str(ctx.app.path / "x"))')},
        [f"pack.py:8 warning heavy: this line loads {PATHLIB} in detect"],
    ),
    "a variable among the files": (
        {"pack.py": PACK.replace("hello.txt", "BP_HELLO")},
        ["pack.py:5 warning trigger: the trigger BP_HELLO is the name of a file"],
    ),
    "a variable's pattern that nothing can match": (
        {"pack.py": PACK.replace('"hello.txt"', 'settings=("BP_*_GREETING",)')},
        ["pack.py:5 error entry: cannot import pack:Pack: ValueError: 'BP_*_GREETING' is no"],
    ),
    "a detect that fails on an empty file": (
        {"pack.py": DYNAMIC.format(detect='return ctx.app.text("hello.txt")[0]')},
        ["pack.py:8 error detect: detect fails on an empty file: IndexError"],
    ),
    "a detect that says what is wrong": (
        {"pack.py": DYNAMIC.format(detect='return ctx.join(ctx.app.text("absent.txt"))')},
        [],
    ),
    "a setting in small letters": (
        {"pack.py": f'{PACK}\nNAME = "BP_hello"\n'},
        ["pack.py:10 error setting: BP_hello cannot be set everywhere"],
    ),
    "a setting the README does not know": (
        {"pack.py": f'{PACK}\nNAME = "BP_HELLO"\nTEXT = "set BP_OTHER"\n', "README.md": "# B\n"},
        ["README.md:0 warning readme: README.md does not know BP_HELLO, which pack.py:10 reads"],
    ),
    "an example no CI service passes on": (
        {"README.md": "Set `BP_X=1`,\nor `BP_X=a=b;c`.\n"},
        ["README.md:2 warning setting: the example for BP_X has = or ;"],
    ),
    "a lock without hashes or pins": (
        {
            "requirements.lock": "# made by uv\n--index-url https://example.com\n"
            "a==1 \\\n    --hash=sha256:00\nb==1\nc>=1 --hash=sha256:00\n"
            "d @ https://example.com/d.whl --hash=sha256:00\ne==1 \\\n"
        },
        [
            "requirements.lock:2 error lock: --index-url has no place in a lock",
            "requirements.lock:5 error lock: b has no hash",
            "requirements.lock:6 error lock: c is not pinned to one version",
            "requirements.lock:8 error lock: e has no hash",
        ],
    ),
}


@pytest.mark.parametrize(("files", "expected"), FAULTS.values(), ids=FAULTS.keys())
def test_what_is_wrong_with_a_buildpack(
    tmp_path: Path, files: dict[str, str], expected: list[str]
) -> None:
    told = found(buildpack(tmp_path, files))
    assert len(told) == len(expected), told
    for line, start in zip(told, expected, strict=True):
        assert line.startswith(start)


OPTIONS = """\
from cnbkit import Buildpack, BuildResult, Config, Option, Triggers


class Settings(Config):
    depth = Option.number("BP_DEPTH", default=3, help="How deep to look")


class Pack(Buildpack):
    triggers = Triggers("hello.txt")
    config = Settings

    def build(self, ctx):
        return BuildResult()
"""


def test_the_table_of_settings_is_kept_in_step(tmp_path: Path) -> None:
    place = "# B\n\n<!-- settings: begin -->\n<!-- settings: end -->\n\nEnd.\n"
    buildpack(tmp_path, {"pack.py": OPTIONS, "README.md": place})
    told = "README.md:4 warning readme: the table of settings says something else than the code"
    assert found(tmp_path) == [told]
    assert check(tmp_path, fix=True) == []
    assert (
        "| `BP_DEPTH` | number | `3` | How deep to look |" in (tmp_path / "README.md").read_text()
    )
    assert (tmp_path / "README.md").read_text().endswith("\n\nEnd.\n")
    assert found(tmp_path) == []
    (tmp_path / "README.md").write_text("BP_DEPTH is how deep to look.\n")
    assert found(tmp_path) == [
        "README.md:0 warning readme: README.md has no place for the settings"
    ]
    dynamic = OPTIONS.replace(
        "    def build", "    def detect(self, ctx):\n        return ctx.skip('')\n\n    def build"
    )
    buildpack(tmp_path, {"pack.py": dynamic, "README.md": f"BP_DEPTH {place}"})
    assert [line for line in found(tmp_path) if "README" in line] == [told]


def test_another_buildpack_below_is_not_its_code(tmp_path: Path) -> None:
    buildpack(tmp_path, {"README.md": "# B\n"})
    buildpack(tmp_path / "other", {"more.py": 'NAME = "BP_OTHER"\n'})
    write(tmp_path, {"tests/test_pack.py": 'NAME = "BP_TESTED"\n', "own/more.py": 'N = "BP_OWN"\n'})
    assert found(tmp_path) == [
        "README.md:0 warning readme: README.md does not know BP_OWN, which more.py:1 reads"
    ]


def test_a_missing_readme_is_told(tmp_path: Path) -> None:
    (buildpack(tmp_path) / "README.md").unlink()
    assert found(tmp_path) == ["README.md:0 warning readme: there is no README.md"]


def test_programs_in_other_languages_have_to_be_there_and_executable(tmp_path: Path) -> None:
    toml = TOML.format(id="a/b", version="1.0.0").partition("[metadata")[0]
    write(tmp_path, {"buildpack.toml": toml, "README.md": "", "bin/detect": ""})
    assert found(tmp_path) == [
        "build:0 error program: there is no bin/build",
        "detect:0 error program: bin/detect is not executable",
    ]


def builder(root: Path, packs: Mapping[str, str], group: str, more: str = "") -> Path:
    """A builder of buildpacks with these plans, and one group: `name` or `name?`."""
    lines = []
    for name, plan in packs.items():
        code = PACK.replace('Triggers("hello.txt")', f'Triggers("hello.txt")\n    plan = {plan}')
        buildpack(root / name, {"pack.py": code}, name=f"a/{name}")
        lines.append(f'[[buildpacks]]\nuri = "{name}"')
    lines.append(f"{more}\n[[order]]")
    for entry in group.split():
        name, optional = entry.rstrip("?"), str(entry.endswith("?")).lower()
        lines.append(f'[[order.group]]\nid = "a/{name}"\noptional = {optional}')
    write(root, {"builder.toml": "\n".join(lines)})
    return root


PLANS = {
    "met": ({"one": 'Plan().provides("x")', "two": 'Plan().requires("x")'}, "one two", []),
    "the wrong way round": (
        {"one": 'Plan().provides("x")', "two": 'Plan().requires("x")'},
        "two one",
        [
            "a/two can never take part in group 1: a/one, which provides x, stands after it, so",
            "a/one can never take part in group 1: a/two, which requires x, stands before it, so",
        ],
    ),
    "a circle": (
        {
            "one": 'Plan().provides("x").requires("y")',
            "two": 'Plan().provides("y").requires("x")',
        },
        "one two",
        [
            "a/one can never take part in group 1: a/two provides y and requires x of it: a circle",
            "a/two can never take part in group 1: a/one requires y and provides x for it: a circl",
        ],
    ),
    "optional": (
        {"one": 'Plan().provides("x")', "two": "Plan()"},
        "one? two",
        ["warning plan: a/one can never take part in group 1: nothing after it requires x"],
    ),
    "by itself": ({"one": 'Plan().provides("x").requires("x")'}, "one", []),
    "by its second choice": ({"one": 'Plan().provides("x") | Plan()'}, "one", []),
    "twice": ({"one": "None"}, "one one", ["error order: a/one is in group 1 twice"]),
    "absent": ({"one": "None"}, "one two", ["error order: a/two is not a buildpack named here"]),
    "unused": ({"one": "None", "two": "None"}, "one", ["warning order: a/two is in no group"]),
}


@pytest.mark.parametrize(("packs", "group", "expected"), PLANS.values(), ids=PLANS.keys())
def test_what_is_wrong_with_an_order(
    tmp_path: Path, packs: dict[str, str], group: str, expected: list[str]
) -> None:
    told = found(builder(tmp_path, packs, group))
    assert len(told) == len(expected), told
    for line, part in zip(told, expected, strict=True):
        assert line.startswith("builder.toml:")
        assert part in line


def test_what_pack_writes_for_a_new_buildpack_has_no_errors(tmp_path: Path) -> None:
    text = (
        'api = "0.8"\nWithWindowsBuild = false\nWithLinuxBuild = false\n\n[buildpack]\n'
        '  id = "acme/hello"\n  version = "1.0.0"\n\n[[targets]]\n  os = "linux"\n'
    )
    write(tmp_path, {"buildpack.toml": text, "README.md": "", "bin/detect": "", "bin/build": ""})
    for name in ("detect", "build"):
        (tmp_path / "bin" / name).chmod(0o755)
    told = found(tmp_path)
    assert len(told) >= 3
    assert [line for line in told if " error " in line] == []
    # What no lifecycle runs is an error there too.
    for before, after in (("0.8", "0.5"), ("1.0.0", "one")):
        (tmp_path / "buildpack.toml").write_text(text.replace(before, after))
        assert [line for line in found(tmp_path) if " error " in line]


def test_a_lifecycle_that_is_not_here_is_told(tmp_path: Path) -> None:
    asks = '[lifecycle]\nversion = "{}"\n'
    builder(tmp_path, {"one": "None"}, "one", asks.format(LIFECYCLE_VERSION))
    assert found(tmp_path) == []
    builder(tmp_path, {"one": "None"}, "one", asks.format("0.17.0"))
    [told] = found(tmp_path)
    assert "warning lifecycle: cnbkit has lifecycle" in told
    assert "not 0.17.0, which pack downloads" in told


def test_what_runs_around_every_group_is_in_use_and_has_to_be_there(tmp_path: Path) -> None:
    around = '[[system.{}.buildpacks]]\nid = "a/{}"\n'
    builder(tmp_path, {"one": "None", "two": "None"}, "one", around.format("post", "two"))
    assert found(tmp_path) == []
    more = around.format("pre", "three") + around.format("post", "two") + "optional = true\n"
    builder(tmp_path, {"one": "None", "two": "None"}, "one", more)
    told = found(tmp_path)
    assert len(told) == 2, told
    assert "error order: a/three is not a buildpack named here" in told[0]
    assert "error order: a/two is optional in system.post, which the lifecycle ignores" in told[1]


def test_names_only_code_knows_are_told_where_they_stand(tmp_path: Path) -> None:
    detect = 'return ctx.join("yes", Plan().provides("x").requires("y", a=1))'
    builder(tmp_path, {"one": "None"}, "one")
    buildpack(tmp_path / "one", {"pack.py": DYNAMIC.format(detect=detect)}, name="a/one")
    told = found(tmp_path)
    assert [line for line in told if "heavy" not in line] == [
        "pack.py:8 warning plan: a/one may provide x, which no buildpack of the order requires",
        "pack.py:8 warning plan: a/one may require y, which no buildpack of the order provides",
    ]


def test_nothing_is_told_of_plans_where_a_foreign_buildpack_may_meet_them(tmp_path: Path) -> None:
    builder(
        tmp_path,
        {"one": 'Plan().requires("x")'},
        "one",
        '[[buildpacks]]\nuri = "docker://example/a"',
    )
    [told] = found(tmp_path)
    assert told.startswith("builder.toml:6 error plan: a/one can never take part in group 1")
    foreign = ROOT / "tests" / "examples" / "foreign" / "motd"
    builder(tmp_path, {"one": 'Plan().requires("motd")'}, "", f'[[buildpacks]]\nuri = "{foreign}"')
    entries = "".join(f'[[order.group]]\nid = "{name}"\n' for name in ("samples/motd", "a/one"))
    with (tmp_path / "builder.toml").open("a") as file:
        file.write(f"\n{entries}")
    assert [line for line in found(tmp_path) if "plan" in line] == []


def test_versions_and_folders_of_a_builder(tmp_path: Path) -> None:
    buildpack(tmp_path / "one", name="a/one")
    text = """
        [[buildpacks]]
        uri = "one"
        version = "2.0.0"
        [[buildpacks]]
        uri = "two"
        [[order]]
        [[order.group]]
        id = "a/one"
        version = "3.0.0"
        """
    write(tmp_path, {"company.toml": textwrap.dedent(text).lstrip()})
    assert found(tmp_path / "company.toml") == [
        "company.toml:1 error order: one has the version 1.0.0, not 2.0.0",
        f"company.toml:4 error missing: {tmp_path}/two holds no buildpack",
        "company.toml:7 error order: a/one is there in version 1.0.0, not 3.0.0",
    ]
    write(tmp_path, {"company.toml": "orders = 1\n"})
    assert found(tmp_path / "company.toml")[0].startswith("company.toml:0 error descriptor")
    write(tmp_path, {"company.toml": '[[buildpacks]]\nuri = "one"\n'})
    assert "there is no order" in found(tmp_path / "company.toml")[0]


COMPOSITE = """\
api = "0.12"
[buildpack]
id = "a/all"
version = "1.0.0"
[[buildpack.licenses]]
type = "MIT"
[[order]]
[[order.group]]
id = "a/one"
version = "1.0.0"
[[order.group]]
id = "a/two"
version = "1.0.0"
optional = true
"""


def test_a_composite_is_checked_against_its_package(tmp_path: Path) -> None:
    write(tmp_path, {"buildpack.toml": COMPOSITE, "README.md": ""})
    assert found(tmp_path) == [
        "package.toml:0 warning package: there is no package.toml to package it with"
    ]
    buildpack(tmp_path / "one", name="a/one", version="1.1.0")
    package = '[buildpack]\nuri = "."\n[[dependencies]]\nuri = "one"\n'
    write(tmp_path, {"package.toml": package})
    assert found(tmp_path) == [
        "buildpack.toml:8 error order: a/one is there in version 1.1.0, not 1.0.0",
        "buildpack.toml:11 error order: a/two is not a buildpack named here",
    ]
    buildpack(tmp_path / "one", name="a/one")
    write(tmp_path, {"package.toml": f'{package}[[dependencies]]\nuri = "docker://a/two"\n'})
    assert found(tmp_path) == []
    write(tmp_path, {"package.toml": "x = 1\n"})
    assert all(line.startswith("package.toml:") for line in found(tmp_path))


def test_a_composite_in_a_builder_does_what_its_buildpacks_do(tmp_path: Path) -> None:
    builder(
        tmp_path,
        {"one": 'Plan().provides("x")', "two": "None", "last": 'Plan().requires("x")'},
        "all last",
        '[[buildpacks]]\nuri = "all"',
    )
    write(tmp_path / "all", {"buildpack.toml": COMPOSITE, "README.md": ""})
    assert [line for line in found(tmp_path) if "package.toml" not in line] == []


EXTENSION = """\
api = "0.12"
[extension]
id = "a/ext"
version = "1.0.0"
[[extension.licenses]]
type = "MIT"
[[targets]]
os = "linux"
[metadata.cnbkit]
entry = "pack:Pack"
"""
GENERATES = """\
from cnbkit import Buildpack, GenerateResult, Plan


class Pack(Buildpack):
    plan = Plan().provides("x")

    def generate(self, ctx):
        return GenerateResult()
"""


def test_an_extension_generates_and_provides_to_buildpacks(tmp_path: Path) -> None:
    write(tmp_path / "ext", {"extension.toml": EXTENSION, "pack.py": GENERATES, "README.md": ""})
    assert found(tmp_path / "ext") == []
    more = '[[extensions]]\nuri = "ext"\n[[order-extensions]]\n[[order-extensions.group]]\nid = "a/'
    builder(tmp_path, {"one": 'Plan().requires("x")'}, "one", f'{more}ext"')
    assert found(tmp_path) == []
    builder(tmp_path, {"one": 'Plan().requires("x")'}, "one", f'{more}other"')
    assert found(tmp_path) == [
        "builder.toml:1 warning order: a/ext is in no group of the order",
        "builder.toml:6 error order: a/other is not a buildpack named here",
    ]
    write(tmp_path / "ext", {"pack.py": GENERATES.partition("    def")[0]})
    assert found(tmp_path / "ext") == ["pack.py:4 error entry: Pack has no generate of its own"]
    write(tmp_path / "ext", {"extension.toml": EXTENSION.partition("[metadata")[0]})
    assert found(tmp_path / "ext") == [
        "extension.toml:1 error entry: extension.toml does not say which class is the buildpack"
    ]


def test_a_folder_with_nothing_to_check_is_the_callers_mistake(tmp_path: Path) -> None:
    with pytest.raises(UserFault, match="nothing to check"):
        check(tmp_path)


def test_findings_are_printed_for_people_and_machines(tmp_path: Path) -> None:
    runner = CliRunner()
    sound = buildpack(tmp_path / "sound")
    result = runner.invoke(command, [str(sound)])
    assert (result.exit_code, result.output) == (0, "no errors, no warnings\n")

    odd = buildpack(tmp_path / "odd")
    (odd / "README.md").unlink()
    result = runner.invoke(command, [str(odd), str(sound)])
    assert result.exit_code == 0
    assert result.output == (
        f"{odd}/README.md: warning: there is no README.md\n"
        "    to do: say what it looks for, what it does and which settings it has\n"
        "no errors, 1 warning\n"
    )
    assert runner.invoke(command, ["--strict", str(odd)]).exit_code == 65

    (odd / "buildpack.toml").write_text("= 1")
    result = runner.invoke(command, ["--json", str(odd)])
    assert result.exit_code == 65
    told = json.loads(result.output)
    assert (told["errors"], told["warnings"]) == (1, 0)
    [finding] = told["findings"]
    assert finding["rule"] == "descriptor"
    assert (finding["file"], finding["line"]) == (f"{odd}/buildpack.toml", 1)
    assert finding["remedy"] == "correct the file"


JSON = st.recursive(
    st.one_of(st.booleans(), st.integers(-9, 9), st.text("ab/.-", max_size=4)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=2),
        st.dictionaries(st.sampled_from(["group", "id", "uri", "version", "cnbkit"]), inner),
    ),
    max_leaves=6,
)
KEYS = [
    *("api", "buildpack", "buildpacks", "dependencies", "extension", "extensions", "metadata"),
    *("order", "order-extensions", "stacks", "targets"),
]


@pytest.mark.parametrize("name", ["buildpack.toml", "extension.toml", "builder.toml"])
@given(content=st.one_of(st.binary(max_size=60), st.dictionaries(st.sampled_from(KEYS), JSON)))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
def test_any_descriptor_gives_findings_and_no_traceback(
    tmp_path: Path, name: str, content: bytes | dict[str, object]
) -> None:
    data = content if isinstance(content, bytes) else tomli_w.dumps(content).encode()
    (tmp_path / name).write_bytes(data)
    found = check(tmp_path / name)
    assert "error" in {each.severity for each in found}
    assert [each for each in found if not (each.remedy and each.what)] == []


@given(
    lock=st.binary(max_size=80).map(lambda data: b"\xff" + data),
    readme=st.binary(max_size=80),
    code=st.one_of(st.binary(max_size=40), st.text("'\"\\BP_=\n ()", max_size=30).map(str.encode)),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=15)
def test_any_lock_readme_and_code_give_findings_and_no_traceback(
    tmp_path: Path, lock: bytes, readme: bytes, code: bytes
) -> None:
    buildpack(tmp_path)
    (tmp_path / "requirements.lock").write_bytes(lock)
    (tmp_path / "README.md").write_bytes(readme)
    (tmp_path / "more.py").write_bytes(code)
    found = check(tmp_path)
    assert "requirements.lock" in {Path(each.file).name for each in found}
    assert [each for each in found if not (each.remedy and each.what)] == []
