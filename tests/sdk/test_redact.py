"""What must not be shown is not, whichever way it leaves."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import pytest

from cnbkit import (
    BuildContext,
    Buildpack,
    BuildResult,
    CnbkitError,
    CommandFailed,
    Layer,
    LayerKey,
    UserFault,
    key,
)
from cnbkit.redact import Secrets
from cnbkit.runtime import guarded

if TYPE_CHECKING:
    from pathlib import Path

    from cnbkit.testing import BuildpackRun

ADDRESS = "https://ann:p%40ssw0rd@index.example/simple"


def _redacted(text: str, *hidden: str) -> str:
    secrets = Secrets()
    for each in hidden:
        secrets.hide(each)
    return secrets.redacted(text)


def test_the_longest_secret_goes_first_and_short_ones_are_none() -> None:
    hidden = ("secret", "secret-and-more", "abc", "machine\nlogin\n")
    assert _redacted("abc secret-and-more secret", *hidden) == "abc [redacted] [redacted]"
    assert _redacted("the machine's login", *hidden) == "the machine's login"


@pytest.mark.parametrize(
    ("hidden", "text", "shown"),
    [
        (ADDRESS, f"{ADDRESS}/flask", "https://ann:[redacted]@index.example/simple/flask"),
        (ADDRESS, "as p@ssw0rd", "as [redacted]"),
        ("https://hooks.example/T0/B1", "to https://hooks.example/T0/B1", "to [redacted]"),
        ("password=hunter22", "hunter22", "[redacted]"),
        ("s3cret\n", "s3cret.", "[redacted]."),
    ],
    ids=["login of an address", "as the program decodes it", "no login", "pair", "newline"],
)
def test_a_text_is_hidden_with_the_passwords_in_it(hidden: str, text: str, shown: str) -> None:
    assert _redacted(text, hidden) == shown


class _Tells(Buildpack):
    """Lets a secret out in the way the environment says."""

    reported = ""

    def build(self, ctx: BuildContext) -> BuildResult:
        ctx.hide(ctx.settings.get("BP_INDEX"))
        ctx.log.info(f"from {ctx.settings.get('BP_INDEX')}")
        ctx.run("echo", "p%40ssw0rd")
        how = ctx.settings.get("BP_HOW")
        if how == "command":
            ctx.run("sh", "-c", "echo p%40ssw0rd; exit 1", quiet=True)
        elif how == "fault":
            raise UserFault("cannot log in with p@ssw0rd", where=ADDRESS, detail="p@ssw0rd")
        elif how == "crash":
            raise ValueError(ADDRESS)
        elif how == "exit":
            sys.exit("p@ssw0rd")
        elif how == "wrong":
            return ADDRESS  # type: ignore[return-value]
        return BuildResult()

    def on_error(self, error: CnbkitError) -> None:
        self.reported = str(error)
        raise RuntimeError(ADDRESS)


@pytest.mark.parametrize("how", ["", "command", "fault", "crash", "exit", "wrong"])
def test_a_hidden_text_shows_nowhere(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], how: str
) -> None:
    for name in ("layers", "platform"):
        (tmp_path / name).mkdir()
    (tmp_path / "plan").touch()
    env = {
        "PATH": "/usr/bin:/bin",
        "CNB_LAYERS_DIR": str(tmp_path / "layers"),
        "CNB_PLATFORM_DIR": str(tmp_path / "platform"),
        "CNB_BP_PLAN_PATH": str(tmp_path / "plan"),
        "BP_INDEX": ADDRESS,
        "BP_HOW": how,
        "BP_TRACE_DIR": str(tmp_path / "trace"),
    }
    pack = _Tells()
    code = guarded(pack, "build", env, [], "x 1.2.3")
    assert bool(code) == bool(how) == bool(pack.reported)
    [trace] = (tmp_path / "trace").iterdir()
    assert json.loads(trace.read_text())["resourceSpans"]
    shown = "".join(capfd.readouterr()) + pack.reported + trace.read_text()
    assert "  from https://ann:[redacted]@index.example/simple" in shown
    assert "p%40ssw0rd" not in shown
    assert "p@ssw0rd" not in shown


def test_a_fault_of_a_program_is_clean_even_where_it_is_caught(tmp_path: Path) -> None:
    from cnbkit.command import Runner

    secrets = Secrets()
    secrets.hide("hunter22")
    run = Runner(lambda: {"PATH": "/usr/bin:/bin"}, str(tmp_path), lambda _: None, secrets)
    with pytest.raises(CommandFailed) as caught:
        run("sh", "-c", "echo hunter22; exit 3")
    assert caught.value.output == "hunter22"
    assert "hunter22" not in str(caught.value)


class _Keeps(Buildpack):
    """Puts a secret where everybody who has the image can read it."""

    def build(self, ctx: BuildContext) -> BuildResult:
        ctx.hide("p4ssw0rd-of-ann")
        ctx.hide("true")
        layer = Layer.launch("site") if ctx.settings.get("BP_IN_IMAGE") else Layer.cached("site")
        with ctx.layer(layer, _Where(url="https://ann:p4ssw0rd-of-ann@host")) as site:
            site.env.launch.override("INDEX", "https://ann:p4ssw0rd-of-ann@host")
        if ctx.settings.get("BP_IN_IMAGE"):
            return BuildResult(labels={"index": "p4ssw0rd-of-ann", "harmless": "true"})
        return BuildResult(labels={"harmless": "true"})


class _Where(LayerKey):
    url: str = key("index")


@pytest.mark.parametrize("in_image", [True, False])
def test_a_secret_in_the_image_is_warned_of(buildpack_run: BuildpackRun, *, in_image: bool) -> None:
    result = buildpack_run(_Keeps, env={"BP_IN_IMAGE": "1" if in_image else ""})
    warnings = [line.strip() for line in result.log.splitlines() if "Warning" in line]
    assert result.code == 0
    end = "holds a secret, and becomes part of the image"
    assert warnings == [
        f"Warning: {what} {end}"
        for what in (
            "the environment of the layer site",
            "the metadata of the layer site",
            "launch.toml (processes, labels)",
        )
        if in_image
    ]


def test_what_the_authors_code_prints_shows_no_secret(buildpack_run: BuildpackRun) -> None:
    class Prints(Buildpack):
        def build(self, ctx: BuildContext) -> BuildResult:
            token = ctx.bindings.first("git").text("token")  # type: ignore[union-attr]
            print("token", token, f"in {token}", sep=": ")
            print(token, file=sys.stderr)
            sys.stdout.writelines([token, "\n"])
            sys.stderr.flush()
            assert sys.stdout.writable()
            return BuildResult()

    before = sys.stdout, sys.stderr
    result = buildpack_run(Prints, bindings={"b": {"type": "git", "token": "s3cret-token"}})
    assert (sys.stdout, sys.stderr) == before
    assert result.code == 0
    assert "s3cret-token" not in result.log
    assert "token: [redacted]: in [redacted]\n[redacted]\n[redacted]\n" in result.log
