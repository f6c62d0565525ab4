"""Options: declared once, read, checked, logged and documented."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnbkit import (
    BuildContext,
    Buildpack,
    BuildpackFault,
    BuildResult,
    Config,
    DetectContext,
    DetectResult,
    GenerateContext,
    GenerateResult,
    Option,
    UserFault,
)
from cnbkit.config import table
from cnbkit.runtime import build, generate
from cnbkit.settings import Settings
from cnbkit_engine.buildpack.readme import BEGIN, END, rendered

if TYPE_CHECKING:
    from pathlib import Path

    from cnbkit.testing import BuildpackRun


def _upper(text: str) -> str:
    if not text.isupper():
        raise ValueError("which is not in upper case")
    return text


class Options(Config):
    engine = Option.choice("BP_ENGINE", "uv", "pip", help="What installs")
    index = Option.text("BP_INDEX", help="Index | mirror", secret=True)
    loud = Option.text("BP_LOUD", default="X", check=_upper)
    refresh = Option.flag("BP_REFRESH", help="Resolve again")
    jobs = Option.number("BP_JOBS", default=4, at_least=1, at_most=64)
    any_number = Option.number("BP_ANY")
    groups = Option.words("BP_GROUPS", default=("main",))


class More(Options):
    extra = Option.flag("BP_EXTRA", default=True)


class Pack(Buildpack):
    config = Options

    def build(self, ctx: BuildContext) -> BuildResult:
        config = self.config.read(ctx.settings)
        jobs: int = config.jobs
        ctx.log.info(f"{config.engine} with {jobs} jobs from {config.index}")
        return BuildResult()


class Extends(Buildpack):
    config = Options

    def generate(self, ctx: GenerateContext) -> GenerateResult:
        ctx.log.debug("nothing to change")
        return GenerateResult()


def _read(**env: str) -> Options:
    return Options.read(Settings(env, ""))


def test_what_is_not_set_has_its_default() -> None:
    config = More.read(Settings({}, ""))
    assert (config.engine, config.index, config.loud) == ("uv", "", "X")
    assert (config.refresh, config.extra) == (False, True)
    assert (config.jobs, config.any_number, config.groups) == (4, 0, ("main",))
    assert config.changed() == []


def test_each_kind_reads_what_it_means() -> None:
    config = _read(
        BP_ENGINE=" PIP ", BP_INDEX="https://x", BP_LOUD="A", BP_REFRESH="yes", BP_JOBS="64",
        BP_ANY="-7", BP_GROUPS="a, b c",
    )  # fmt: skip
    assert (config.engine, config.index, config.loud) == ("pip", "https://x", "A")
    assert (config.refresh, config.jobs, config.any_number) == (True, 64, -7)
    assert config.groups == ("a", "b", "c")
    assert config.changed() == [
        "BP_ENGINE=pip",
        "BP_INDEX=[redacted]",
        "BP_LOUD=A",
        "BP_REFRESH=true",
        "BP_JOBS=64",
        "BP_ANY=-7",
        "BP_GROUPS=a,b,c",
    ]


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("BP_ENGINE", "conda", "BP_ENGINE is 'conda', which is not one of uv, pip"),
        ("BP_LOUD", "low", "BP_LOUD is 'low', which is not in upper case"),
        ("BP_REFRESH", "maybe", "BP_REFRESH is 'maybe', which is neither yes nor no"),
        ("BP_JOBS", "0", "BP_JOBS is '0', which is out of 1…64"),
        ("BP_JOBS", "9" * 5000, "which is out of 1…64"),
        ("BP_ANY", "1.5", "BP_ANY is '1.5', which is not a whole number"),
        ("BP_ANY", "\u0663", "which is not a whole number"),
    ],
)
def test_a_value_an_option_cannot_have_is_the_users_fault(name: str, value: str, said: str) -> None:
    with pytest.raises(UserFault) as caught:
        _read(**{name: value})
    assert said in caught.value.what
    assert caught.value.where == name


def test_all_that_is_wrong_is_told_at_once() -> None:
    with pytest.raises(UserFault) as caught:
        _read(BP_ENGINE="x", BP_JOBS="y")
    assert caught.value.what == "2 invalid settings"
    assert caught.value.detail is not None
    assert len(caught.value.detail.splitlines()) == 2


@given(
    st.dictionaries(st.sampled_from(["BP_ENGINE", "BP_JOBS", "BP_REFRESH", "BP_ANY"]), st.text())
)
def test_any_text_is_read_or_refused(env: dict[str, str]) -> None:
    with suppress(UserFault):
        Options.read(Settings(env, ""))


def test_an_option_outside_of_the_convention_is_refused() -> None:
    with pytest.raises(BuildpackFault, match="has no prefix"):
        Option.flag("PIP_X")


def test_build_reads_and_logs_the_options_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "plan").touch()
    env = {
        "CNB_LAYERS_DIR": str(tmp_path),
        "CNB_PLATFORM_DIR": str(tmp_path),
        "CNB_BP_PLAN_PATH": str(tmp_path / "plan"),
        "BP_ENGINE": "pip",
        "BP_INDEX": "https://geheim",
    }
    build(Pack(), env, identity="x 1.2.3")
    assert capsys.readouterr().out.splitlines() == [
        "x 1.2.3",
        "  Settings: BP_ENGINE=pip, BP_INDEX=[redacted]",
        "  pip with 4 jobs from [redacted]",
    ]
    with pytest.raises(UserFault):
        build(Pack(), {**env, "BP_JOBS": "none"})


def test_generate_reads_and_logs_them_as_build_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "plan").touch()
    env = {
        "CNB_EXTENSION_DIR": str(tmp_path),
        "CNB_OUTPUT_DIR": str(tmp_path),
        "CNB_PLATFORM_DIR": str(tmp_path),
        "CNB_BP_PLAN_PATH": str(tmp_path / "plan"),
        "BP_ENGINE": "pip",
    }
    generate(Extends(), env, identity="x 1.2.3")
    assert capsys.readouterr().out.splitlines() == ["x 1.2.3", "  Settings: BP_ENGINE=pip"]
    with pytest.raises(UserFault):
        generate(Extends(), {**env, "BP_JOBS": "none"})


TABLE = """\
| Variable | Takes | Default | Meaning |
|---|---|---|---|
| `BP_ENGINE` | uv or pip | `uv` | What installs |
| `BP_INDEX` | text | none | Index \\| mirror |
| `BP_LOUD` | text | `X` |  |
| `BP_REFRESH` | true or false | `false` | Resolve again |
| `BP_JOBS` | 1…64 | `4` |  |
| `BP_ANY` | number | `0` |  |
| `BP_GROUPS` | list, with commas | `main` |  |
"""


def test_the_readme_gets_a_table_and_is_then_in_step() -> None:
    assert table(Options) == TABLE
    readme = f"# x\n\n{BEGIN}\nold\n{END}\n\nmore\n"
    assert rendered(readme, table(Options)) != readme
    new = rendered(readme, table(Options))
    assert new == f"# x\n\n{BEGIN}\n\n{TABLE}\n{END}\n\nmore\n"
    assert rendered(new, table(Options)) == new
    assert "No settings." in rendered(readme, table(Config))


@pytest.mark.parametrize("readme", ["", BEGIN, f"{END}{BEGIN}", f"{BEGIN}{END}{END}"])
def test_a_readme_without_a_place_for_it_is_told(readme: str) -> None:
    with pytest.raises(BuildpackFault, match="no place for the settings"):
        rendered(readme, table(Options))


class _Others(Config):
    mode: Option[Literal["Fast", "exact"]] = Option.choice("BP_MODE", "Fast", "exact")
    size = Option.of("BP_SIZE", lambda text: int(text, 16), 10, help="In hex", kind="hex")
    variables = Option.prefix("BP_VAR_", help="For the program")
    secrets = Option.prefix("BP_SECRET_", secret=True)


def test_a_family_is_all_variables_with_a_prefix(tmp_path: Path) -> None:
    (tmp_path / "env").mkdir()
    (tmp_path / "env" / "BP_VAR_FILE").write_text("of the platform")
    (tmp_path / "env" / "BP_VAR_..data").write_text("of a mounted map")
    env = {"BP_VAR_B": " two ", "BP_VAR_A": "", "BP_VAR_": "nameless", "BP_SECRET_X": "s3cret-x"}
    settings = Settings(env, str(tmp_path))
    read = _Others.read(settings)
    assert read.variables == {"A": "", "B": " two ", "FILE": "of the platform"}
    assert read.secrets == {"X": "s3cret-x"}
    assert settings.secrets.redacted("s3cret-x") == "[redacted]"
    assert read.changed() == [
        "BP_VAR_A=",
        "BP_VAR_B= two ",
        "BP_VAR_FILE=of the platform",
        "BP_SECRET_X=[redacted]",
    ]
    assert "| `BP_VAR_*` | text each | none | For the program |" in table(_Others)


def test_a_function_reads_what_no_other_kind_does() -> None:
    assert _Others.read(Settings({}, "")).size == 10
    assert _Others.read(Settings({"BP_SIZE": "ff"}, "")).size == 255
    with pytest.raises(UserFault, match="BP_SIZE is 'x', invalid literal"):
        _Others.read(Settings({"BP_SIZE": "x"}, ""))


def test_words_are_as_declared_however_they_are_written() -> None:
    assert _Others.read(Settings({"BP_MODE": "fast"}, "")).mode == "Fast"
    assert _Others.read(Settings({"BP_MODE": "EXACT"}, "")).mode == "exact"


def test_a_phase_reads_the_options_once(buildpack_run: BuildpackRun) -> None:
    read: list[str] = []

    def length(text: str) -> int:
        read.append(text)
        return len(text)

    class Counted(Config):
        size = Option.of("BP_SIZE", length, 0)

    class Sized(Buildpack):
        config = Counted

        def detect(self, ctx: DetectContext[Counted]) -> DetectResult:
            return ctx.join(f"{ctx.config.size}")

        def build(self, ctx: BuildContext[Counted]) -> BuildResult:
            assert ctx.config is ctx.config
            return BuildResult(labels={"size": str(ctx.config.size)})

    result = buildpack_run(Sized, env={"BP_SIZE": "four"})
    assert (result.reason, result.labels) == ("4", {"size": "4"})
    assert read == ["four"] * 2  # a process each
    # The class can be named with its options without `from __future__ import annotations`, too.
    assert BuildContext[Counted] is BuildContext


def test_options_that_are_not_declared_are_told(buildpack_run: BuildpackRun) -> None:
    class Without(Buildpack):
        def build(self, ctx: BuildContext) -> BuildResult:
            return BuildResult(labels={"x": str(ctx.config)})

    result = buildpack_run(Without)
    assert result.code == 70
    assert result.fault is not None
    assert "config = Settings" in str(result.fault.remedy)
    assert str(result.fault.where).startswith(__file__)
