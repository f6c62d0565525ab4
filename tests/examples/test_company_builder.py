"""A company's builder: its own buildpacks, its rules on every app, and the image of it."""

from __future__ import annotations

import json
import shutil
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from cnbkit_engine.lint import check
from cnbkit_engine.testing import free_port

if TYPE_CHECKING:
    from tests.examples.conftest import Engine

    from cnbkit.testing import BuildpackRun

COMPANY = Path(__file__).parents[2] / "examples" / "company-builder"
BUILDER = COMPANY / "builder.toml"
OWNERS = COMPANY / "buildpacks" / "owners"
RULES = COMPANY / "buildpacks" / "rules"


def test_there_is_nothing_to_tell_of_it() -> None:
    assert check(COMPANY) == []


def test_settings_are_defaults_and_the_log_names_the_rules(buildpack_run: BuildpackRun) -> None:
    bindings = {"policy": {"type": "policy", "policy.toml": ""}}
    result = buildpack_run(RULES, env={"BP_EXAMPLE_TIME_ZONE": "CET"}, bindings=bindings)
    assert result.launch_env()["TZ"] == "CET"
    assert result.launch_env(env={"LOG_FORMAT": "text"})["LOG_FORMAT"] == "text"
    assert "Rules and credentials for this build: policy (policy.toml)" in result.log
    assert result.rebuild().layer("settings").state == "reuse"
    changed = result.rebuild(env={"BP_EXAMPLE_TIME_ZONE": None})
    assert "TZ=UTC" in changed.log
    assert changed.layer("settings").state == "rebuild"


@pytest.mark.parametrize(
    ("file", "text", "owner"),
    [
        ("CODEOWNERS", "* @example/vision # all\ndocs/ @ann\n", "vision"),
        (".github/CODEOWNERS", "* @example/old\n* @example/new\n", "new"),
    ],
)
def test_who_owns_everything_answers_for_the_image(
    buildpack_run: BuildpackRun, file: str, text: str, owner: str
) -> None:
    result = buildpack_run(OWNERS, app={file: text})
    assert result.labels == {"com.example.owner": owner}


@pytest.mark.parametrize(
    ("text", "where", "what"),
    [
        (None, "CODEOWNERS", "nobody answers for this app"),
        ("docs/ @example/docs\n", "CODEOWNERS:1", "no line says who owns `*`"),
        ("# x\n* @ann\n", "CODEOWNERS:2", "@ann is not a team of ours"),
        ("*\n", "CODEOWNERS:1", "nobody is not a team of ours"),
    ],
)
def test_an_app_that_nobody_owns_is_refused(
    buildpack_run: BuildpackRun, text: str | None, where: str, what: str
) -> None:
    result = buildpack_run(OWNERS, app={"CODEOWNERS": text})
    assert result.code == 65
    assert result.fault is not None
    assert (result.fault.where, what in result.fault.what) == (where, True)
    assert "* @example/your-team" in (result.fault.remedy or "")


def test_apps_are_built_by_the_rules_or_not_at_all(engine: Engine) -> None:
    shutil.copytree(COMPANY / "app", engine.app, dirs_exist_ok=True)
    built = engine.build(builder=BUILDER)
    assert "Rules and credentials for this build: labels (labels.toml), policy" in built
    expected = {
        "com.example.company": "Example Inc.",
        "com.example.owner": "recommendations",
        "cost-center": "0420",
        "data-class": "internal",
    }
    assert {key: engine.labels().get(key) for key in expected} == expected
    port = free_port()
    with engine.start({"PORT": str(port), "LOG_FORMAT": "text"}) as container:
        assert container.http_get(port) == "six 1.17.0, logs as text\n"
    image = engine.digest()

    # Rule, package, file and line, and who may grant an exception; before anything is installed.
    engine.write({"requirements.txt": "six==1.17.0\npycrypto==2.6.1\ndjango==3.2\n"})
    refused = engine.build(builder=BUILDER, code=51)
    assert "requirements.txt:2: package: pycrypto 2.6.1 is denied" in refused
    # The exception has ended.
    assert "requirements.txt:3: package: django 3.2 is denied" in refused
    assert "ask security@example.com for an exception" in refused
    assert "Resolving" not in refused
    assert engine.digest() == image

    # The app, and whoever starts the build, cannot have others.
    engine.write(
        {
            "requirements.txt": "six==1.17.0\n",
            "business-tags.yaml": "com.example.security.level: low\ndata-class: secret\n",
        }
    )
    refused = engine.build("--env", "SERVICE_BINDING_ROOT=/tmp", builder=BUILDER, code=51)
    for line in (
        (
            "business-tags.yaml:1: cost-center is required (rule of binding labels): "
            "finance@example.com knows yours"
        ),
        "business-tags.yaml:1: com.example.security.level: keys beginning with",
        (
            "business-tags.yaml:2: data-class is 'secret', "
            "which is not one of public, internal, personal"
        ),
    ):
        assert line in refused
    assert engine.digest() == image


def test_an_app_that_chooses_its_buildpacks_leaves_out_no_rule(engine: Engine) -> None:
    group = "".join(
        f'[[io.buildpacks.group]]\nid = "cnbkit/{name}"\n' for name in ("python", "pip", "start")
    )
    shutil.copytree(COMPANY / "app", engine.app, dirs_exist_ok=True)
    engine.write({"project.toml": f'[_]\nschema-version = "0.2"\n{group}'})
    built = engine.build(builder=BUILDER)
    assert "policy 0.1.0" not in built.replace("policy-installed 0.1.0", "")
    assert engine.labels()["com.example.company"] == "Example Inc."
    image = engine.digest()
    engine.write({"requirements.txt": "six==1.17.0\ndjango==3.2\n"})
    refused = engine.build(builder=BUILDER, code=51)
    assert "django 3.2 is denied" in refused
    assert engine.digest() == image


def test_the_builder_image_has_the_company_s_buildpacks_and_its_rules(
    engine: Engine, tmp_path: Path
) -> None:
    run_image = "registry.example.com/platform/run:1"
    folder = tmp_path / "builder"
    engine.cnbkit("builder", str(BUILDER), "--run-image", run_image, "--output", f"oci:{folder}")
    index = json.loads((folder / "index.json").read_text())
    manifest = _blob(folder, index["manifests"][0]["digest"])
    files: dict[str, bytes] = {}
    for layer in manifest["layers"]:
        with tarfile.open(folder / "blobs" / layer["digest"].replace(":", "/")) as tar:
            for each in tar:
                found = tar.extractfile(each) if each.isfile() else None
                if found and ("/bindings/" in each.name or "/build-config/" in each.name):
                    files[each.name.lstrip("/")] = found.read()
    root = files["cnb/build-config/env/SERVICE_BINDING_ROOT.override"].decode().lstrip("/")
    for name in ("policy/policy.toml", "policy/type", "labels/labels.toml", "labels/type"):
        assert files[f"{root}/{name}"] == (RULES / "bindings" / name).read_bytes()
    config = _blob(folder, manifest["config"]["digest"])
    labels = config["config"]["Labels"]
    names = [each["id"] for each in json.loads(labels["io.buildpacks.buildpack.order"])[0]["group"]]
    assert {"example/owners", "cnbkit/policy"} <= {*names}
    system = json.loads(labels["io.buildpacks.buildpack.system"])
    around = {side: [each["id"] for each in system[side]["buildpacks"]] for side in system}
    assert around == {
        "pre": ["example/rules"],
        "post": ["cnbkit/policy-installed", "cnbkit/labels"],
    }


def _blob(folder: Path, digest: str) -> Any:
    return json.loads((folder / "blobs" / digest.replace(":", "/")).read_text())
