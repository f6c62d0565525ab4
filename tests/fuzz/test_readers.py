"""Every module that reads a format others write is run by a fuzz target, or it is said why not."""

from __future__ import annotations

import ast
import csv
import json
import sys
import tarfile
import tomllib
import zipfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml  # type: ignore[import-untyped]

from cnbkit.errors import CnbkitError

from .formats import FORMATS, corpus
from .lab import Lab

if TYPE_CHECKING:
    from types import FrameType

# Of libraries that Poetry and PDM import.
pytestmark = [
    pytest.mark.filterwarnings("ignore:open_text is deprecated:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:open_binary is deprecated:DeprecationWarning"),
]

_ROOT = Path(__file__).parents[2]
_SOURCES = ("sdk/src", "engine/src", "buildpacks")
# What reads, by how it is called.
_READERS = {
    *("json.load", "json.loads", "tomllib.load", "tomllib.loads", "ast.parse", "csv.reader"),
    *("yaml.load", "yaml.compose", "tarfile.open", "zipfile.ZipFile"),
}
_CODES = {
    each.__code__
    for each in (
        *(json.load, json.loads, tomllib.load, tomllib.loads, ast.parse, yaml.load, yaml.compose),
        *(tarfile.open.__func__, zipfile.ZipFile.__init__),  # type: ignore[attr-defined]
    )
}

# Modules that no target runs: why, or which test runs them with what others may have written.
_NOT_RUN = {
    "reads what cnbkit has written where nobody else can write": (
        "buildpacks/conda/cnbkit_conda/python.py",
        "buildpacks/pip/cnbkit_pip/provided.py",
        "buildpacks/pip/cnbkit_pip/resolution/kept.py",
        "engine/src/cnbkit_engine/base/gpu.py",
        "engine/src/cnbkit_engine/base/layer.py",
        "engine/src/cnbkit_engine/build/no_change.py",
        "engine/src/cnbkit_engine/build/rebase.py",
        "engine/src/cnbkit_engine/builder/image.py",
        "engine/src/cnbkit_engine/builder/run_images.py",
        "engine/src/cnbkit_engine/buildpack/package.py",
        "engine/src/cnbkit_engine/ci/files.py",
        "engine/src/cnbkit_engine/extend/extender.py",
        "engine/src/cnbkit_engine/lifecycle/named.py",
        "engine/src/cnbkit_engine/lifecycle/phases.py",
        "engine/src/cnbkit_engine/oci/export_place.py",
        "engine/src/cnbkit_engine/oci/push.py",
        "engine/src/cnbkit_engine/state/tree_record.py",
        "engine/src/cnbkit_engine/testing/lifecycle.py",
        "engine/src/cnbkit_engine/testing/startable.py",
        "sdk/src/cnbkit/dry_run.py",
        "sdk/src/cnbkit/sbom/check.py",
        "sdk/src/cnbkit/testing/_restore.py",
        "sdk/src/cnbkit/testing/exec_d.py",
        "sdk/src/cnbkit/testing/result.py",
        "sdk/src/cnbkit/testing/source.py",
    ),
    "only writes": (
        "engine/src/cnbkit_engine/extend/apply.py",
        "engine/src/cnbkit_engine/oci/export.py",
        "engine/src/cnbkit_engine/oci/layer.py",
        "sdk/src/cnbkit/testing/export.py",
    ),
    "reads what a program says that no stranger has written": (
        "buildpacks/common/cnbkit_python_inputs/target.py",
        "buildpacks/uv/cnbkit_uv/export.py",
        "engine/src/cnbkit_engine/buildpack/source.py",
        "engine/src/cnbkit_engine/lint/probe.py",
        "engine/src/cnbkit_engine/sandbox/ports.py",
        "engine/src/cnbkit_engine/sandbox/sandbox.py",
    ),
    "unpacks what has its checksum": (
        "buildpacks/tpu/cnbkit_tpu/edgetpu.py",
        "engine/src/cnbkit_engine/buildpack/standalone.py",
        "engine/src/cnbkit_engine/lifecycle/archive.py",
        "engine/src/cnbkit_engine/tools/download.py",
    ),
    "reads what the same build has parsed before": (
        "buildpacks/common/cnbkit_python_inputs/project.py",
        "buildpacks/conda/cnbkit_conda/locks.py",
        "buildpacks/pip/cnbkit_pip/diagnosis/stated.py",
        "buildpacks/pip/cnbkit_pip/diagnosis/survey.py",
        "buildpacks/pip/cnbkit_pip/layers/poetry_backend.py",
        "engine/src/cnbkit_engine/builder/asked_extensions.py",
        "sdk/src/cnbkit/spec/positions.py",
    ),
    "tests/engine/oci/test_hostile_registry.py": (
        "engine/src/cnbkit_engine/attest/attach.py",
        "engine/src/cnbkit_engine/oci/manifests.py",
        "engine/src/cnbkit_engine/oci/remote.py",
    ),
    "tests/engine/oci/test_token_service.py": ("engine/src/cnbkit_engine/oci/token_service.py",),
    "tests/engine/oci/test_referrers.py": (
        "engine/src/cnbkit_engine/attest/provenance.py",
        "engine/src/cnbkit_engine/cli/attestation.py",
        "engine/src/cnbkit_engine/oci/referrers.py",
    ),
    "tests/engine/oci/test_docker_config.py": (
        "engine/src/cnbkit_engine/oci/credential_helper.py",
    ),
    "tests/engine/oci/test_store_damage.py": ("engine/src/cnbkit_engine/build/doctor.py",),
    "tests/engine/base/test_base_fetched.py": ("engine/src/cnbkit_engine/base/fetched.py",),
    "tests/engine/buildpack/test_hostile_package.py": (
        "engine/src/cnbkit_engine/buildpack/locator.py",
    ),
    "tests/engine/lifecycle/test_handover.py": (
        "engine/src/cnbkit_engine/build/plan.py",
        "engine/src/cnbkit_engine/lifecycle/prebuilt_layers.py",
    ),
    "tests/engine/build/test_plan.py": ("engine/src/cnbkit_engine/build/decided.py",),
    "tests/engine/build/test_predecessor.py": ("engine/src/cnbkit_engine/build/standing.py",),
    "tests/e2e/test_zstd.py": ("engine/src/cnbkit_engine/lifecycle/outgoing.py",),
    "tests/e2e/test_extensions.py": (
        "engine/src/cnbkit_engine/extend/inside.py",
        "engine/src/cnbkit_engine/extend/workshop.py",
    ),
    "tests/buildpacks/test_conda.py": (
        "buildpacks/conda/cnbkit_conda/activation.py",
        "buildpacks/conda/cnbkit_conda/bill.py",
        "buildpacks/conda/cnbkit_conda/install.py",
    ),
    "tests/buildpacks/test_pip_slim.py": ("buildpacks/pip/cnbkit_pip/layers/slim.py",),
    "tests/buildpacks/test_policy.py": ("buildpacks/common/cnbkit_policy/subject.py",),
    "tests/buildpacks/test_python.py": ("buildpacks/python/cnbkit_python/exported.py",),
    "tests/buildpacks/test_start_check.py": (
        "buildpacks/start/cnbkit_start/check/libraries.py",
        "buildpacks/start/cnbkit_start/inline.py",
    ),
}


def _modules_that_read() -> set[str]:
    found = set()
    for top in _SOURCES:
        for path in (_ROOT / top).rglob("*.py"):
            nodes = ast.walk(ast.parse(path.read_text()))
            if _READERS & {ast.unparse(each.func) for each in nodes if isinstance(each, ast.Call)}:
                found.add(path.relative_to(_ROOT).as_posix())
    return found


def _modules_run(folder: Path) -> set[str]:
    """Those that call a reader while the corpus is read."""
    found: set[str] = set()

    def look(frame: FrameType, event: str, argument: object) -> None:
        if event == "call" and frame.f_code in _CODES and frame.f_back is not None:
            found.add(frame.f_back.f_code.co_filename)
        elif event == "c_call" and argument is csv.reader:
            found.add(frame.f_code.co_filename)

    for number, (name, target) in enumerate(FORMATS.items()):
        lab = Lab(folder / str(number))
        for data in corpus(name):
            target.write(lab, data)
            sys.setprofile(look)
            try:
                with suppress(CnbkitError):
                    target.read(lab)
            finally:
                sys.setprofile(None)
    inside = (Path(each) for each in found if Path(each).is_relative_to(_ROOT))
    return {each.relative_to(_ROOT).as_posix() for each in inside}


@pytest.mark.full
def test_every_module_that_reads_is_run_by_a_target_or_it_is_said_why_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    lacking = _modules_that_read() - _modules_run(tmp_path)
    assert lacking == {module for modules in _NOT_RUN.values() for module in modules}


def test_tests_that_run_the_others_are_there() -> None:
    named = [each for each in _NOT_RUN if each.startswith("tests/")]
    assert [each for each in named if not (_ROOT / each).is_file()] == []
