"""The harness against the real lifecycle: a buildpack finds the same, and comes to the same."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from cnbkit.testing import BuildpackRun
    from cnbkit_engine.testing import LifecycleBuild

PACK = """
import json, os, shutil
from pathlib import Path
from cnbkit import *

class Pack(Buildpack):
    def detect(self, ctx):
        print("seen", json.dumps([dict(os.environ), os.getcwd()]))
        if ctx.app.has("skip"):
            return ctx.skip("told to")
        return ctx.join("always", Plan().provides("x").requires("x", a=1))

    def build(self, ctx):
        seen = [dict(os.environ), os.getcwd(), [entry.to_plain() for entry in ctx.plan.entries]]
        print("seen", json.dumps(seen))
        for name in ("b", "a", "a-b"):
            with ctx.layer(Layer(name, launch=True, build=True)) as layer:
                for folder in ("bin", "lib", "include"):
                    (layer.path / folder).mkdir()
                for changes in (layer.env, layer.env.launch, layer.env.process("web")):
                    changes.append("BOTH", name, delim=":")
                layer.env.prepend("PATH", "/" + name, delim=":")
                layer.env.build.default("BUILD", name)
        if gone := ctx.settings.get("BP_GONE"):
            shutil.rmtree(Path(ctx.env["CNB_LAYERS_DIR"], gone))
        for sbom in ctx.settings.get("BP_SBOM").split():
            Path(ctx.env["CNB_LAYERS_DIR"], sbom).touch()
        for toml in ctx.settings.get("BP_TOML").split(";"):
            name, _, text = toml.partition(":")
            if name:
                Path(ctx.env["CNB_LAYERS_DIR"], f"{name}.toml").write_text(text.replace("/", "\\n"))
        return BuildResult(Process(type="web", command=["env"], default=True))
"""

LATER = {
    "buildpack.toml": 'api = "0.12"\n[buildpack]\nid = "acme/later"\nversion = "1.0.0"\n'
    "clear-env = true\n",
    "bin/detect": "#!/bin/sh\n",
    "bin/build": "#!/bin/sh\necho later PATH=$PATH BUILD=$BUILD CPATH=$CPATH BOTH=$BOTH\n",
}


def _folder(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)
    return root


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    module = "acme_pack_" + tmp_path.name.replace("-", "_")
    return _folder(
        tmp_path / "pack",
        {
            "buildpack.toml": 'api = "0.12"\n[buildpack]\nid = "acme/pack"\nversion = "1.0.0"\n'
            'sbom-formats = ["application/spdx+json"]\n'
            f'[metadata.cnbkit]\nentry = "{module}:Pack"\n',
            f"{module}.py": PACK,
        },
    )


def _seen(log: str) -> list[list[object]]:
    lines = [line for line in log.splitlines() if line.startswith("seen ")]
    return [json.loads(line.removeprefix("seen ")) for line in lines]


@pytest.fixture(autouse=True)
def _proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    """The lifecycle passes this session's proxies on, each by its name, and no other's."""
    monkeypatch.setenv("FTP_PROXY", "ftp.example")


ENV = {"BP_X": " a b\n", "LD_LIBRARY_PATH": "/mine", "HOME": "/root"}


def test_detect_has_the_environment_the_lifecycle_gives_it(
    buildpack_run: BuildpackRun, lifecycle_build: LifecycleBuild, pack: Path
) -> None:
    ours = buildpack_run(pack, app={"skip": ""}, env=ENV)
    real = lifecycle_build.build({"skip": ""}, buildpacks=[pack], env=ENV, code=20)
    assert _without_places(_seen(ours.log)) == _without_places(_seen(real.log))


def test_build_has_the_environment_and_the_plan_the_lifecycle_gives_it(
    buildpack_run: BuildpackRun, lifecycle_build: LifecycleBuild, pack: Path
) -> None:
    ours = buildpack_run(pack, env=ENV)
    real = lifecycle_build.build({}, buildpacks=[pack], env=ENV)
    assert _without_places(_seen(ours.log)[-1:]) == _without_places(_seen(real.log)[-1:])


def _without_places(seen: list[list[object]]) -> object:
    """Variables by name, and those by value that do not say where something is."""
    assert seen
    found = []
    for environment, _, *rest in seen:
        assert isinstance(environment, dict)
        values = {
            name: value
            for name, value in environment.items()
            # The shell that starts Python adds PWD; the target is this machine's, and so is /tmp.
            if not name.startswith(("PWD", "TMPDIR", "CNB_TARGET_DISTRO", "PYTHON", "LC_CTYPE"))
        }
        for name in ("PATH", "HOME", "CNB_TARGET_ARCH", *values):
            if name in values and "/" in values[name] and name != "LD_LIBRARY_PATH":
                values[name] = "a place"
        found.append([values, *rest])
    return found


def test_processes_and_later_buildpacks_have_the_environment_the_result_says(
    buildpack_run: BuildpackRun, lifecycle_build: LifecycleBuild, pack: Path, tmp_path: Path
) -> None:
    ours = buildpack_run(pack)
    later = _folder(tmp_path / "later", LATER)
    real = lifecycle_build.build({}, buildpacks=[pack, later])
    place = str(ours.layers_dir)

    base = {"PATH": "/usr/bin:/bin"}
    expected = {
        name: value.replace(place, "/layers/acme_pack")
        for name, value in ours.launch_env("web", base).items()
    }
    printed = dict(line.partition("=")[::2] for line in real.run("web", env=base).splitlines())
    assert {name: printed[name] for name in expected} == expected
    assert expected["BOTH"] == "a:a:a:a-b:a-b:a-b:b:b:b"

    path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    env = ours.build_env({"PATH": path})
    line = " ".join(f"{name}={env[name]}" for name in ("PATH", "BUILD", "CPATH", "BOTH"))
    assert f"later {line.replace(place, '/layers/acme_pack')}" in real.log


@pytest.mark.parametrize(
    ("env", "code"),
    [
        ({}, 0),
        ({"BP_TOML": "x:[types]/cache=true"}, 0),
        ({"BP_TOML": "x:[types]/cache=true/launch=true"}, 62),
        ({"BP_TOML": "x:[types]/launch=true"}, 62),
        ({"BP_TOML": "x:[types]/launch=true/build=true"}, 62),
        ({"BP_TOML": "x:[types]/build=true"}, 0),
        ({"BP_TOML": "x:[types];y:[metadata]"}, 0),
        ({"BP_SBOM": "launch.sbom.spdx.json"}, 0),
        ({"BP_SBOM": "launch.sbom.cdx.json"}, 52),
        ({"BP_SBOM": "a.sbom.syft.json"}, 52),
        ({"BP_SBOM": "a.sbom.other.json"}, 52),
        ({"BP_SBOM": "a.sbom.xml"}, 0),
    ],
    ids=str,
)
def test_what_the_lifecycle_refuses_after_build_is_a_fault_in_the_harness(
    buildpack_run: BuildpackRun,
    lifecycle_build: LifecycleBuild,
    pack: Path,
    env: dict[str, str],
    code: int,
) -> None:
    lifecycle_build.build({}, buildpacks=[pack], env=env, code=code)
    ours = buildpack_run(pack, env=env)
    assert bool(ours.fault) == bool(code), ours.log


def test_a_layer_of_the_previous_image_needs_no_contents_in_the_next(
    buildpack_run: BuildpackRun, lifecycle_build: LifecycleBuild, pack: Path
) -> None:
    gone = {"BP_GONE": "a"}
    lifecycle_build.build({}, buildpacks=[pack]).rebuild(env=gone)
    first = buildpack_run(pack)
    assert first.rebuild(env=gone).code == 0
    assert first.rebuild(env=gone, image=False).code == 70
