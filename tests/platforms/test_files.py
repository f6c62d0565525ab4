"""platforms/ is what `cnbkit ci` writes, and what each platform's own rules accept."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import check_jsonschema  # type: ignore[import-untyped]
import pytest
from click.testing import CliRunner
from ruamel.yaml import YAML

from cnbkit.errors import UserFault
from cnbkit_engine.base.recipe import RECIPES
from cnbkit_engine.ci.files import PLATFORMS, rendered
from cnbkit_engine.cli.group import cnbkit

from . import groovy

if TYPE_CHECKING:
    from .conftest import Judge

ROOT = Path(__file__).resolve().parents[2]
FILES = ROOT / "platforms"
REGISTRY = "registry.example.com/ml"

SCHEMAS = {
    "gitlab/auto-devops.gitlab-ci.yml": "gitlab-ci",
    "gitlab/builder.gitlab-ci.yml": "gitlab-ci",
    "gitlab/cnbkit.gitlab-ci.yml": "gitlab-ci",
    "github/.github/workflows/image.yml": "github-workflows",
    "github/.github/workflows/pack.yml": "github-workflows",
    "circleci/.circleci/config.yml": "circle-ci",
    "circleci/orb.yml": "circle-ci",
}
# What the checks below must find; without, they might be passing everything.
BROKEN = {
    "gitlab/builder.gitlab-ci.yml": ("build-image:", "image:"),
    "github/.github/workflows/image.yml": ("runs-on:", "run-on:"),
    "circleci/.circleci/config.yml": ("version: 2.1", "version: 9"),
}


@pytest.mark.parametrize("kind", PLATFORMS)
def test_the_files_here_are_what_the_command_writes(kind: str) -> None:
    there = {
        path.relative_to(FILES / kind).as_posix(): path.read_text()
        for path in (FILES / kind).rglob("*")
        if path.is_file()
    }
    assert there == rendered(kind, registry=REGISTRY)


def test_every_platform_has_files_and_all_are_judged_below() -> None:
    assert {path.name for path in FILES.iterdir() if path.is_dir()} == set(PLATFORMS)
    judged = {*SCHEMAS, *JENKINSFILES, *(f"kpack/{name}" for name in KPACK)}
    judged |= {f"tekton/{name}" for name in TEKTON}
    assert {
        path.relative_to(FILES).as_posix()
        for path in FILES.rglob("*")
        if path.is_file() and path.name != "README.md"
    } == judged


KPACK = ("access.yaml", "cluster.yaml", "image.yaml")
TEKTON = ("access.yaml", "pipeline.yaml", "run.yaml")


@pytest.mark.parametrize(
    "options",
    [
        {"registry": REGISTRY},
        {
            "registry": "127.0.0.1:5000",
            "builder": f"127.0.0.1:5000/b/c@sha256:{'0' * 64}",
            "app": "churn",
            "git": "git@git.example.com:ml/churn.git",
        },
    ],
    ids=["defaults", "others"],
)
def test_kpacks_own_types_take_its_files(
    judge: Judge, tmp_path: Path, options: dict[str, str]
) -> None:
    code, lines = judge("kpack", *_written(tmp_path, "kpack", options))
    assert code == 0, lines
    assert len(lines) == 9
    assert all(line.endswith(": ok") for line in lines)


def test_kpacks_own_types_refuse_what_kpack_refuses(judge: Judge, tmp_path: Path) -> None:
    text = (FILES / "kpack" / "image.yaml").read_text()
    breaks = {
        "secret": ('value: "3.13"', "valueFrom: {secretKeyRef: {name: a, key: b}}"),
        "typo": ("    registry:\n      tag:", "    registri:\n      tag:"),
        "tag": (f"tag: {REGISTRY}/my-app  #", "tag: Not/An/Image  #"),
    }
    for name, (before, after) in breaks.items():
        assert before in text
        (tmp_path / name).write_text(text.replace(before, after))
        code, lines = judge("kpack", tmp_path / name)
        assert code == 1, (name, lines)
        assert not lines[0].endswith(": ok")


def test_the_nodes_can_pull_the_builder_with_the_secret_that_kpack_pushes_with() -> None:
    documents = _documents(FILES / "kpack" / "access.yaml")
    secrets = {each["metadata"]["name"]: each for each in documents if each["kind"] == "Secret"}
    [account] = [each for each in documents if each["kind"] == "ServiceAccount"]
    [pulls] = account["imagePullSecrets"]
    # The kubelet reads no other type (Kubernetes, "Pull an Image from a Private Registry").
    assert secrets[pulls["name"]]["type"] == "kubernetes.io/dockerconfigjson"
    config = json.loads(secrets[pulls["name"]]["stringData"][".dockerconfigjson"])
    assert list(config["auths"]) == [REGISTRY.partition("/")[0]]
    assert {each["name"] for each in account["secrets"]} == set(secrets)
    assert secrets["git"]["metadata"]["annotations"] == {"kpack.io/git": "https://git.example.com"}
    assert rendered("kpack", registry=REGISTRY, git="git@git.example.com:ml/a.git")[
        "access.yaml"
    ].count("kpack.io/git: git.example.com\n")


def test_the_builder_of_kpack_names_what_its_store_and_stack_have() -> None:
    documents = _documents(FILES / "kpack" / "cluster.yaml")
    stack = next(each for each in documents if each["kind"] == "ClusterStack")["spec"]["id"]
    for kind in ("build", "run"):
        dockerfile = (RECIPES / f"{kind}-{stack.removeprefix('cnbkit.')}.Dockerfile").read_text()
        assert f'io.buildpacks.stack.id="{stack}"' in dockerfile
    builder = next(each for each in documents if each["kind"] == "ClusterBuilder")["spec"]
    [entry] = builder["order"][0]["group"]
    composite = (ROOT / "builder" / "ml" / "buildpack.toml").read_text()
    assert f'id = "{entry["id"]}"' in composite
    names = {(each["kind"], each["metadata"]["name"]) for each in documents}
    for part in ("lifecycle", "stack", "store"):
        assert (builder[part]["kind"], builder[part]["name"]) in names


@pytest.mark.parametrize(
    "options", [{"registry": REGISTRY}, {"registry": "localhost:5000", "app": "churn"}]
)
def test_tektons_own_types_take_its_files(
    judge: Judge, tmp_path: Path, options: dict[str, str]
) -> None:
    code, lines = judge("tekton", *_written(tmp_path, "tekton", options))
    assert code == 0, lines
    assert len(lines) == 3


def test_tektons_own_types_refuse_what_tekton_refuses(judge: Judge, tmp_path: Path) -> None:
    text = (FILES / "tekton" / "pipeline.yaml").read_text()
    breaks = {
        "unknown-parameter": ("$(params.subpath)", "$(params.subpaths)"),
        "unknown-task": ("runAfter: [fetch]", "runAfter: [fetched]"),
        "typo": ("runAfter:", "runafterwards:"),
    }
    for name, (before, after) in breaks.items():
        assert before in text
        (tmp_path / name).write_text(text.replace(before, after))
        code, lines = judge("tekton", tmp_path / name)
        assert code == 1, (name, lines)


def test_the_run_gives_the_pipeline_what_it_asks_for() -> None:
    [pipeline] = _documents(FILES / "tekton" / "pipeline.yaml")
    [run] = _documents(FILES / "tekton" / "run.yaml")
    given = {each["name"] for each in run["spec"]["params"]}
    asked = {each["name"]: "default" in each for each in pipeline["spec"]["params"]}
    assert {name for name, has_default in asked.items() if not has_default} <= given <= set(asked)
    assert run["spec"]["pipelineRef"]["name"] == pipeline["metadata"]["name"]
    assert {each["name"] for each in run["spec"]["workspaces"]} == {
        each["name"] for each in pipeline["spec"]["workspaces"]
    }


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_published_schema_takes_it(name: str) -> None:
    code, output = _by_schema(SCHEMAS[name], FILES / name)
    assert code == 0, output


@pytest.mark.parametrize("name", BROKEN)
def test_the_published_schema_refuses_it_when_broken(name: str, tmp_path: Path) -> None:
    before, after = BROKEN[name]
    text = (FILES / name).read_text()
    assert before in text
    broken = tmp_path / "broken.yml"
    broken.write_text(text.replace(before, after))
    code, output = _by_schema(SCHEMAS[name], broken)
    assert code == 1
    assert "Schema validation errors" in output


JENKINSFILES = ("jenkins/Jenkinsfile", "jenkins/cnbBuild.Jenkinsfile")


def test_the_pipeline_for_jenkins_has_the_sections_jenkins_asks_for() -> None:
    tree = groovy.blocks((FILES / JENKINSFILES[0]).read_text())
    assert [block.name for block in tree] == ["pipeline"]
    sections = {block.name for block in tree[0].inner}
    assert {"agent", "stages"} <= sections <= groovy.SECTIONS
    stages = next(block for block in tree[0].inner if block.name == "stages").inner
    assert stages
    for stage in stages:
        assert stage.name == "stage"
        assert [inner.name for inner in stage.inner] == ["steps"]


def test_the_step_for_jenkins_gets_parameters_it_has() -> None:
    text = (FILES / JENKINSFILES[1]).read_text()
    assert [block.name for block in groovy.blocks(text)] == ["node"]
    parameters = groovy.named_arguments(text, "cnbBuild")
    assert parameters.keys() <= groovy.CNB_BUILD
    assert {"containerImageTag", "containerRegistryUrl"} <= parameters.keys()  # compulsory
    assert "/" not in parameters["containerRegistryUrl"]  # a host only


@pytest.mark.parametrize("break_", [("{", ""), ("'''", ""), (")", "")])
def test_a_broken_pipeline_for_jenkins_is_found(break_: tuple[str, str]) -> None:
    text = (FILES / JENKINSFILES[0]).read_text()
    with pytest.raises(ValueError, match="line"):
        groovy.blocks(text.replace(*break_, 1))


def test_every_shell_script_in_the_files_is_one(tmp_path: Path) -> None:
    scripts = {
        f"{path.relative_to(FILES)} {number}": script
        for path in sorted(FILES.rglob("*"))
        if path.is_file()
        for number, script in enumerate(_scripts(path))
    }
    assert len(scripts) >= 10
    for name, script in scripts.items():
        file = tmp_path / "script"
        file.write_text(script)
        done = subprocess.run(["bash", "-n", file], capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{name}: {done.stderr}\n{script}"


def test_files_are_written_and_never_overwritten(tmp_path: Path) -> None:
    runner = CliRunner()
    arguments = ["ci", "gitlab", "--registry", REGISTRY, "--output", str(tmp_path / "ci")]
    first = runner.invoke(cnbkit, arguments)
    assert first.exit_code == 0, first.output
    assert (tmp_path / "ci" / "builder.gitlab-ci.yml").is_file()
    (tmp_path / "ci" / "builder.gitlab-ci.yml").write_text("mine\n")
    second = runner.invoke(cnbkit, arguments)
    assert isinstance(second.exception, UserFault)
    assert "builder.gitlab-ci.yml" in str(second.exception)
    assert (tmp_path / "ci" / "builder.gitlab-ci.yml").read_text() == "mine\n"


def test_values_that_would_break_the_files_are_all_named() -> None:
    with pytest.raises(UserFault) as caught:
        rendered(
            "kpack",
            registry="https://registry.example.com",
            builder="builder\n- x",
            app="My_App",
            git="not an address",
        )
    detail = (caught.value.detail or "").splitlines()
    assert [line.split()[0] for line in detail] == ["--registry", "--builder", "--app", "--git"]


def test_no_word_is_left_in_any_file() -> None:
    for kind in PLATFORMS:
        for name, text in rendered(kind, registry="r.example.com", app="x1").items():
            assert "@{" not in text, name
            assert "registry.example.com" not in text, name


def _written(folder: Path, kind: str, options: dict[str, str]) -> list[Path]:
    files = rendered(kind, **options)
    for name, text in files.items():
        (folder / name).write_text(text)
    return [folder / name for name in files]


def _documents(path: Path) -> list[dict[str, Any]]:
    return [each for each in YAML(typ="safe").load_all(path.read_text()) if each]


def _by_schema(schema: str, path: Path) -> tuple[int, str]:
    arguments = ["--builtin-schema", f"vendor.{schema}", str(path)]
    if schema == "gitlab-ci":
        arguments += ["--data-transform", "gitlab-ci"]
    done = CliRunner().invoke(check_jsonschema.main, arguments)
    return done.exit_code, done.output


def _scripts(path: Path) -> list[str]:
    """The shell scripts in a file; what CI services put in before the shell sees it becomes `X`."""
    if path.name.endswith("Jenkinsfile"):
        return groovy.scripts(path.read_text())
    found: list[str] = []

    def walk(node: object) -> None:
        if isinstance(node, dict):
            for key, value in node.items():
                if key in ("script", "before_script") and isinstance(value, list):
                    found.append("\n".join(value))
                elif key in ("run", "command") and isinstance(value, str):
                    found.append(value)
                else:
                    walk(value)
        elif isinstance(node, list):
            for value in node:
                walk(value)

    for document in _documents(path) if path.suffix in (".yml", ".yaml") else ():
        walk(document)
    return [re.sub(r"\$\{\{.*?\}\}|<<.*?>>", "X", script) for script in found]
