"""Where specification and lifecycle disagree: what the lifecycle does, and what cnbkit makes of it.

Each test is one row of the list in the project's fact sheet; a new lifecycle that behaves
differently fails it, and then the SDK has to follow.
"""

from __future__ import annotations

import json
import tomllib
from typing import TYPE_CHECKING, Any

import pytest

from cnbkit import BuildpackFault, Layer
from cnbkit.errors import InvalidDocument
from cnbkit.spec.buildpack import (
    BuildpackDescriptor,
    BuildpackInfo,
    TargetEntry,
    notes,
)
from cnbkit.spec.launch import Launch, Process
from cnbkit_engine.spec.lifecycle_files import SystemFile

if TYPE_CHECKING:
    import subprocess

    from tests.sdk.spec.conftest import Lab

WEB = '[[processes]]\ntype = "web"\ncommand = ["/bin/true"]\ndefault = true\n'


def _target(arch: str, variant: str = "", distro: str = "") -> str:
    """analyzed.toml of a run image for that."""
    lines = ['[run-image]\nreference = "run"\n[run-image.target]\nos = "linux"', f'arch = "{arch}"']
    lines += [f'arch-variant = "{variant}"'] if variant else []
    if distro:
        name, version = distro.split()
        lines.append(f'[run-image.target.distro]\nname = "{name}"\nversion = "{version}"')
    return "\n".join(lines) + "\n"


def _made(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 0, done.stdout
    return done.stdout


def _label(lab: Lab, name: str) -> Any:
    return json.loads(lab.image()["config"]["Labels"][f"io.buildpacks.{name}"])


def test_01_exec_env_of_a_buildpack_is_a_list(lab: Lab) -> None:
    """Specification: `[[buildpack.exec-env]] name=`. The lifecycle cannot decode that."""
    lab.env["CNB_EXEC_ENV"] = "test"
    table = '[[buildpack.exec-env]]\nname = "test"'
    folder = lab.buildpack("a", info=table)
    assert "incompatible types" in lab.detect().stdout

    read = BuildpackDescriptor.loads((folder / "buildpack.toml").read_bytes())
    (folder / "buildpack.toml").write_text(read.dumps())
    _made(lab.detect())
    assert lab.group() == ["a"]


def test_02_exec_env_of_an_order_and_of_a_layer_has_no_effect(lab: Lab) -> None:
    """Specification: both limit. The lifecycle joins the buildpack and exports the layer."""
    layer = '[types]\\nlaunch = true\\n[metadata]\\nexec-env = ["test"]\\n'
    lab.buildpack(
        "a",
        build=f"mkdir $CNB_LAYERS_DIR/x; printf '{layer}' > $CNB_LAYERS_DIR/x.toml",
        entry={"exec-env": ["test"]},
    )
    _made(lab.create())
    [buildpack] = _label(lab, "lifecycle.metadata")["buildpacks"]
    assert list(buildpack["layers"]) == ["x"]


def test_03_a_required_buildpack_for_another_exec_env_is_left_out_silently(lab: Lab) -> None:
    """Specification: silent on it. The group goes on without the buildpack."""
    lab.buildpack("a", info='exec-env = ["test"]')
    lab.buildpack("b")
    _made(lab.detect())
    assert lab.group() == ["b"]


@pytest.mark.parametrize(
    ("key", "joins"), [("variant", ["a"]), ("arch-variant", [])], ids=["ours", "lifecycle's"]
)
def test_04_the_variant_of_a_target_is_not_read(lab: Lab, key: str, joins: list[str]) -> None:
    """Specification and pack: `variant`. The lifecycle looks for `arch-variant`."""
    lab.analyzed = _target("arm64", "v8")
    lab.buildpack("a", rest=f'[[targets]]\nos = "linux"\narch = "arm64"\n{key} = "v9"')
    done = lab.detect()
    assert (lab.group() if done.returncode == 0 else []) == joins
    assert "variant" in TargetEntry(variant="v9").to_plain()
    with pytest.raises(InvalidDocument, match="did you mean variant"):
        TargetEntry.parse({"arch-variant": "v9"})


def test_05_an_optional_buildpack_for_another_target_joins(lab: Lab) -> None:
    """Specification: it must be compatible. So a detect has to look at its target itself."""
    lab.analyzed = _target("amd64")
    lab.buildpack("a")
    lab.buildpack("windows", rest='[[targets]]\nos = "windows"', entry={"optional": True})
    _made(lab.detect())
    assert lab.group() == ["a", "windows"]


def test_06_of_one_buildpacks_layers_the_last_is_found_first(lab: Lab) -> None:
    """Specification: layers in ascending order. PATH has them the other way round."""
    lab.buildpack(
        "a",
        build="for l in x y; do mkdir -p $CNB_LAYERS_DIR/$l/bin; "
        "printf '[types]\\nbuild = true\\n' > $CNB_LAYERS_DIR/$l.toml; done",
    )
    lab.buildpack("b", build='echo "seen=$PATH"')
    path = _made(lab.create()).partition("seen=")[2].split("\n")[0]
    layers = lab.root / "layers" / "a"
    assert path.split(":")[:2] == [f"{layers}/y/bin", f"{layers}/x/bin"]


def test_07_exec_d_runs_layer_by_layer(lab: Lab) -> None:
    """Specification: all generic programs first, then those of the process."""
    root = lab.root
    said = root / "said"
    for layer in "xy":
        for at in ("", "web/"):
            program = root / "layers" / "a" / layer / "exec.d" / at / "p"
            program.parent.mkdir(parents=True, exist_ok=True)
            program.write_text(f"#!/bin/sh\necho {layer}/{at}p >> {said}\n")
            program.chmod(0o755)
    (root / "layers" / "config").mkdir()
    (root / "layers" / "config" / "metadata.toml").write_text(
        '[[processes]]\ntype = "web"\ncommand = ["/bin/true"]\ndirect = true\nbuildpack-id = "a"\n'
        '[[buildpacks]]\nid = "a"\napi = "0.12"\n'
    )
    lab.env.update(CNB_LAYERS_DIR=str(root / "layers"), CNB_APP_DIR=str(root / "app"))
    (lab.root / "web").symlink_to(lab.lifecycle / "launcher")
    lab.lifecycle = lab.root
    _made(lab.run("web"))
    assert said.read_text().split() == ["x/p", "x/web/p", "y/p", "y/web/p"]


@pytest.mark.parametrize(
    ("mode", "works", "warns"),
    [("silent", True, True), ("warn", True, True), ("quiet", True, False), ("error", False, False)],
)
def test_08_the_experimental_mode_is_quiet_not_silent(
    lab: Lab, mode: str, works: bool, warns: bool
) -> None:
    """Specification: `silent`. The lifecycle knows quiet, warn and error; all else warns."""
    lab.env["CNB_EXPERIMENTAL_MODE"] = mode
    lab.buildpack("a")
    done = lab.create()
    assert (done.returncode == 0) == works, done.stdout
    assert ("requested experimental feature" in done.stdout and works) == warns


def test_09_an_image_is_not_marked_rebasable(lab: Lab) -> None:
    """Specification: the exporter says true or false. Without extensions it says nothing."""
    lab.buildpack("a")
    _made(lab.create())
    assert "io.buildpacks.rebasable" not in lab.image()["config"]["Labels"]


def test_10_the_exec_env_of_an_image_is_a_label_of_its_own(lab: Lab) -> None:
    """Specification: a key in the lifecycle's metadata."""
    lab.env["CNB_EXEC_ENV"] = "test"
    lab.buildpack("a")
    _made(lab.create())
    assert lab.image()["config"]["Labels"]["io.buildpacks.exec-env"] == "test"
    assert "exec-env" not in _label(lab, "lifecycle.metadata")


def test_11_the_buildpack_api_is_not_in_the_images_metadata(lab: Lab) -> None:
    """Specification: `buildpacks[].api` in build.metadata."""
    lab.buildpack("a")
    _made(lab.create())
    [buildpack] = _label(lab, "build.metadata")["buildpacks"]
    assert "api" not in buildpack


def test_12_a_system_buildpack_is_never_optional(lab: Lab) -> None:
    """Specification: `optional` counts. The lifecycle does not read it."""
    lab.buildpack("sys", detect="exit 100")
    [entry] = lab._ids
    lab._ids.clear()
    lab.buildpack("a")
    system = {"pre": {"buildpacks": [{**entry, "optional": True}]}}
    lab.system = SystemFile.parse({"system": system}).dumps()
    assert lab.detect().returncode == 20
    lab._ids.append({**entry, "optional": True})  # there already: the system's is passed over
    _made(lab.detect())
    assert lab.group() == ["a"]


def test_13_without_targets_any_architecture_is_meant(lab: Lab) -> None:
    """Specification and lifecycle: any linux. pack: linux/amd64. So cnbkit wants them named."""
    lab.analyzed = _target("s390x")
    folder = lab.buildpack("a")
    _made(lab.detect())
    assert lab.group() == ["a"]
    [note] = notes(tomllib.loads((folder / "buildpack.toml").read_text()))
    assert "no [[targets]]" in note


def test_14_generate_is_not_told_the_exec_env(lab: Lab) -> None:
    """Specification: every phase is. So an extension sees `production`, whatever it is for."""
    lab.env["CNB_EXEC_ENV"] = "test"
    lab.buildpack("a", detect='echo "detect=$CNB_EXEC_ENV"')
    lab.extension("e", generate='echo "generate=<$CNB_EXEC_ENV>"')
    said = _made(lab.detect())
    assert "detect=test" in said
    assert "generate=<>" in said


@pytest.mark.parametrize(("arch", "code"), [("amd64", 0), ("arm64", 21)])
def test_15_the_bionic_stack_means_amd64(lab: Lab, arch: str, code: int) -> None:
    """platform.md says arm64, buildpack.md amd64; the lifecycle agrees with the latter."""
    lab.analyzed = _target(arch, distro="ubuntu 18.04")
    lab.buildpack("a", api="0.10", rest='[[stacks]]\nid = "io.buildpacks.stacks.bionic"')
    assert lab.detect().returncode == code


def test_16_a_layer_with_a_dot_loses_its_sbom_so_it_is_refused(lab: Lab) -> None:
    """Specification: any name. The lifecycle cuts an SBOM file's name at the first dot."""
    lab.buildpack(
        "a",
        info='sbom-formats = ["application/spdx+json"]',
        build="for l in py3.11 py311; do mkdir $CNB_LAYERS_DIR/$l; "
        "printf '[types]\\nlaunch = true\\n' > $CNB_LAYERS_DIR/$l.toml; "
        "echo '{}' > $CNB_LAYERS_DIR/$l.sbom.spdx.json; done",
    )
    _made(lab.create())
    [buildpack] = _label(lab, "lifecycle.metadata")["buildpacks"]
    assert sorted(buildpack["layers"]) == ["py3.11", "py311"]
    kept = {path.parent.name for path in lab.root.rglob("sbom.spdx.json")}
    assert kept == {"py311"}
    with pytest.raises(BuildpackFault):
        Layer.launch("py3.11")


def test_17_a_required_buildpack_for_another_target_is_an_error(lab: Lab) -> None:
    """Specification: its group fails (exit 20). The lifecycle reports an error (21)."""
    lab.analyzed = _target("amd64")
    lab.buildpack("a", rest='[[targets]]\nos = "linux"\narch = "arm64"')
    assert lab.detect().returncode == 21


def test_what_the_sdk_writes_is_what_the_lifecycle_reads(lab: Lab) -> None:
    """The other side of the list: a full descriptor and launch.toml go through as they are."""
    launch = Launch(
        processes=[
            Process(
                type="web", command=["/bin/true"], args=["x"], default=True, working_dir="/tmp",
                exec_env=["production"],
            )
        ]
    )  # fmt: skip
    folder = lab.buildpack("a", build=f"cat > $CNB_LAYERS_DIR/launch.toml <<'E'\n{launch.dumps()}E")
    (folder / "buildpack.toml").write_text(
        BuildpackDescriptor(
            api="0.12",
            buildpack=BuildpackInfo(
                id="a", version="1.0.0", exec_env=["production"], sbom_formats=[], clear_env=True
            ),
            targets=[TargetEntry(os="linux")],
        ).dumps()
    )
    _made(lab.create())
    [process] = _label(lab, "build.metadata")["processes"]
    assert process["command"] == ["/bin/true"]
    assert (process["args"], process["working-dir"]) == (["x"], "/tmp")
    assert process["exec-env"] == ["production"]
    assert lab.image()["config"]["Entrypoint"] == ["/cnb/process/web"]
