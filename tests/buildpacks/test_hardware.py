"""Words for hardware: what they mean, what is refused, and what installers are asked for."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnbkit import PackageRequest, UserFault
from cnbkit_cuda import Cuda
from cnbkit_cuda.request import CUDA
from cnbkit_hardware import Hardware
from cnbkit_hardware.vocabulary import ACCELERATORS
from cnbkit_tpu import Tpu
from cnbkit_tpu.request import CLOUD, CORAL

from .hardware import BUILDPACKS, joined
from .told import telling

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.buildpacks.conftest import Phases, Unchanged

    from cnbkit import Buildpack
    from cnbkit.hardware import Accelerator
    from cnbkit.testing import BuildpackRun, DetectGroup, Result

ROOT = Path(__file__).parents[2]
CHECK = BUILDPACKS / "cuda" / "launch" / "cuda"


def asked(app: Path, text: str, *, arch: str = "amd64", **env: str) -> PackageRequest | None:
    (app / "hardware.txt").write_text(text)
    return joined(app, {"CNB_TARGET_OS": "linux", "CNB_TARGET_ARCH": arch, **env})


@pytest.mark.parametrize(
    ("text", "arch", "meaning"),
    [
        ("cpu", "amd64", "cpu"),
        ("# the big one\n\nCUDA:12.8   # A100\n", "amd64", "cuda:12.8"),
        ("aws\n", "amd64", "cuda"),
        ("cuda:13, amd64", "amd64", "cuda:13"),
        ("cuda\ncuda:12.6\n", "arm64", "cuda:12.6"),
        ("gcp-tpu", "amd64", "tpu"),
        ("trainium\ninf", "amd64", None),
        ("inferentia", "amd64", "neuron"),
        ("m1", "arm64", "cpu"),
        ("apple-silicon\n", "arm64", "cpu"),
        ("coral cpu", "amd64", "coral"),
        ("rocm:6.4", "amd64", "rocm:6.4"),
    ],
)
def test_words_mean_one_accelerator(
    tmp_path: Path, text: str, arch: str, meaning: str | None
) -> None:
    if meaning is None:
        with pytest.raises(UserFault, match="inf is not hardware known here"):
            asked(tmp_path, text, arch=arch)
        return
    request = asked(tmp_path, text, arch=arch)
    assert request is not None
    assert request.subject == meaning


def test_an_alias_is_explained_with_its_line(phases: Phases) -> None:
    phases.write("hardware.txt", "# ours\naws\n")
    assert (
        "cuda (NVIDIA GPUs), from hardware.txt:2; aws is cuda: the GPUs of AWS are NVIDIA's; "
        "`neuron` is Inferentia and Trainium"
    ) in phases.build(Cuda()).out


@pytest.mark.parametrize(
    ("text", "arch", "where", "what"),
    [
        ("cuda\ncorral\n", "amd64", "hardware.txt:2", "did you mean coral"),
        ("cudda", "amd64", "hardware.txt:1", "did you mean cuda"),
        ("quantum", "amd64", "hardware.txt:1", "(known: cpu, rocm,"),
        ("cuda:12.7", "amd64", "hardware.txt:1", "there is no cuda '12.7'; known: 11.8, 12.1"),
        ("cuda:", "amd64", "hardware.txt:1", "there is no cuda ''"),
        ("coral:2", "amd64", "hardware.txt:1", "coral has no versions"),
        ("m1:pro", "arm64", "hardware.txt:1", "m1 has no versions"),
        ("cuda\n\ncoral", "amd64", "hardware.txt:3", "cuda and coral exclude each other"),
        ("cuda:12.8\ncuda:12.6", "amd64", "hardware.txt:2", "asked for as 12.6 and as 12.8"),
        ("m1 amd64", "arm64", "hardware.txt:1", "arm64 and amd64 exclude each other"),
        ("cuda arm64", "amd64", "hardware.txt:1", "arm64 is for arm64, but this build is for"),
        ("tpu", "arm64", "hardware.txt:1", "tpu (Google Cloud TPU) is only for amd64"),
        ("jetson", "arm64", "hardware.txt:1", "JetPack"),
        ("mps", "arm64", "hardware.txt:1", "write `m1`"),
        ("# nothing\n", "amd64", "hardware.txt", "names no hardware"),
    ],
)
def test_what_cannot_be_is_refused_with_its_line(
    tmp_path: Path, text: str, arch: str, where: str, what: str
) -> None:
    with pytest.raises(UserFault) as caught:
        asked(tmp_path, text, arch=arch)
    assert caught.value.where == where
    assert what in str(caught.value)
    assert caught.value.remedy


def test_all_faults_of_a_file_are_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(UserFault) as caught:
        asked(tmp_path, "corral\njetson\ncuda:99\n")
    assert caught.value.detail is not None
    places = [line.split(": ")[0] for line in caught.value.detail.splitlines()]
    assert sorted([*places, str(caught.value.where)]) == [
        "hardware.txt:1",
        "hardware.txt:2",
        "hardware.txt:3",
    ]


def test_the_setting_goes_before_the_file_and_the_file_before_the_project(
    phases: Phases,
) -> None:
    phases.write("pyproject.toml", '[tool.cnbkit]\nhardware = ["tpu", "amd64"]\n')
    assert "tpu (Google Cloud TPU), from pyproject.toml" in phases.build(Tpu()).out
    phases.write("hardware.txt", "coral\n")
    assert phases.detect(Cuda()).code == 100
    assert "coral (Coral Edge TPU), from hardware.txt:1" in phases.build(Tpu()).out
    phases.env["BP_HARDWARE"] = "cuda:12.8,amd64"
    assert phases.detect(Tpu()).code == 100
    assert "cuda:12.8 (NVIDIA GPUs), from BP_HARDWARE" in phases.build(Cuda()).out


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ('[project]\nname = "a"\n', 100),
        ("[tool.cnbkit.processes]\nhardware = 1\n", 100),
        ("[tool.cnbkit]\nhardware = 7\n", 0),
        ('[tool.cnbkit]\nhardware = "cpu"\n', 0),
        ('tool.cnbkit.hardware = "cpu"\n', 0),
        ('[tool]\ncnbkit = { "hardware" = ["cpu"] }  # a comment\n', 0),
    ],
)
def test_a_project_without_the_word_is_left_alone(phases: Phases, text: str, code: int) -> None:
    phases.write("pyproject.toml", text)
    assert phases.detect(Hardware()).code == code
    assert phases.detect(Cuda()).code == 100
    if "= 7" in text:
        fault = phases.build(Hardware()).fault
        assert isinstance(fault, UserFault)
        assert "is 7, not text" in fault.what


def test_words_of_others_are_theirs_alone(phases: Phases) -> None:
    phases.env["CNB_BUILDPACK_DIR"] = str(BUILDPACKS / "hardware")
    for word in ("cuda", "tpu", "coral"):
        phases.write("hardware.txt", f"{word}\n")
        assert phases.detect(Hardware()).code == 100, word
    phases.write("hardware.txt", "rocm\n")
    assert phases.detect(Cuda()).code == phases.detect(Tpu()).code == 100
    assert phases.detect(Hardware()).code == 0


def test_a_word_whose_buildpack_is_not_in_the_builder_is_unknown(
    tmp_path: Path, phases: Phases
) -> None:
    for name in ("hardware", "acme-gaudi"):
        (tmp_path / name / "1.0").mkdir(parents=True)
    gaudi = tmp_path / "acme-gaudi" / "1.0" / "buildpack.toml"
    gaudi.write_text('[metadata.cnbkit]\nhardware = [\n  "gaudi",\n]\n')
    phases.env["CNB_BUILDPACK_DIR"] = str(tmp_path / "hardware" / "1.0")
    phases.write("hardware.txt", "gaudi\n")
    assert phases.detect(Hardware()).code == 100
    gaudi.unlink()
    assert phases.detect(Hardware()).code == 0
    fault = phases.build(Hardware()).fault
    assert isinstance(fault, UserFault)
    assert "gaudi is not hardware known here" in fault.what
    assert fault.where == "hardware.txt:1"


def test_the_image_is_labelled_and_its_driver_checked(phases: Phases) -> None:
    phases.write("hardware.txt", "aws\n")
    installed = phases.app.parent / "packages.json"
    packages = [{"name": "nvidia-cuda-runtime-cu12", "version": "12.8.90", "directory": "/l/py"}]
    installed.write_text(json.dumps(packages))
    phases.env |= telling(packages=str(installed))
    ran = phases.build(Cuda())
    assert ran.fault is None
    assert {each["key"]: each["value"] for each in ran.launch["labels"]} == {
        "io.cnbkit.hardware": "cuda",
        "io.cnbkit.cuda": "12.8",
        "io.cnbkit.cuda.driver": ">=525.60.13",
    }
    assert os.access(ran.layers / "device" / "exec.d" / "cuda", os.X_OK)
    env = ran.layers / "device" / "env.launch"
    assert (env / "CNBKIT_CUDA.override").read_text() == "12.8"
    assert "12=525.60.13" in (env / "CNBKIT_CUDA_DRIVERS.override").read_text()


def test_requests_arrive_at_whoever_installs(detect_group: DetectGroup) -> None:
    order = [BUILDPACKS / name for name in ("python", "pip", "cuda", "tpu", "hardware")]
    group = [(each, each.name != "python") for each in order]
    app = {"requirements.txt": "torch\n", "hardware.txt": "cuda:12.8\n"}
    found = detect_group(group, app=app)
    assert found.group == ("cnbkit/python", "cnbkit/pip", "cnbkit/cuda")
    entries = found.plan("cnbkit/pip").named("site-packages")
    (request,) = (each.metadata["request"] for each in entries if each.metadata)
    assert PackageRequest.parse(request).subject == "cuda:12.8"
    # Without hardware words, and without Python packages.
    assert detect_group(group, app={"requirements.txt": ""}).group == (
        *("cnbkit/python", "cnbkit/pip"),
    )
    alone = detect_group(group[1:], app={"hardware.txt": "coral\n", "app.py": ""})
    assert alone.group == ("cnbkit/tpu",)


@given(text=st.text(max_size=60) | st.sampled_from(["cuda", "m1", "mps", "coral", "cuda:12.8"]))
def test_any_text_is_a_choice_or_a_user_fault(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    try:
        found: object = asked(tmp_path_factory.mktemp("app"), text)
    except UserFault as fault:
        found = fault.where
    assert found is not None


def test_an_unchanged_build_imports_nothing_heavy(
    buildpack_run: BuildpackRun,
    unchanged_build: Callable[[type[Buildpack], Result], Unchanged],
) -> None:
    built = buildpack_run(Cuda, app={"hardware.txt": "cuda:12.8 # A100\n"})
    again = unchanged_build(Cuda, built)
    assert "cuda:12.8 (NVIDIA GPUs)" in again.log
    assert not again.imported & {"typing", "re", "pathlib", "tomllib", "json", "difflib", "enum"}


class Host:
    """A root of a file system as a container on some host sees it."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def write(self, name: str, text: str = "") -> Host:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return self

    def driver(self, version: str, *, model: str = "NVIDIA A100-SXM4-40GB") -> Host:
        line = f"NVRM version: NVIDIA UNIX x86_64 Kernel Module  {version}  Thu Oct 26 18:47:11\n"
        self.write("proc/driver/nvidia/version", f"{line}GCC version: 12.2.0\n")
        information = f"Model: \t\t {model}\nIRQ:   \t\t 56\n"
        self.write("proc/driver/nvidia/gpus/0000:00:04.0/information", information)
        return self.write("usr/lib/x86_64-linux-gnu/libcuda.so.1")

    def check(self, cuda: str, mode: str = "warn", **env: str) -> tuple[int, str]:
        """Exit status and what it says."""
        done = subprocess.run(
            [str(CHECK)],
            env={
                "PATH": "/usr/bin:/bin",
                "CNBKIT_CUDA_ROOT": str(self.root),
                "CNBKIT_CUDA": cuda,
                "CNBKIT_CUDA_DRIVERS": "13=580 12=525.60.13 11.8=450.80.02",
                "BPL_CUDA_CHECK": mode,
                **env,
            },
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.stdout == ""
        return done.returncode, done.stderr


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path / "root")


@pytest.mark.parametrize(
    ("cuda", "driver", "model", "says"),
    [
        ("12.8", "535.129.03", "NVIDIA A100", ""),
        ("12.8", "525.60.13", "Tesla V100-SXM2-16GB", ""),
        ("12.8", "525.60.4", "NVIDIA A100", "older than 525.60.13, which CUDA 12.8 needs"),
        ("12.8", "470.57.02", "NVIDIA A100", "driver 470.57.02 of this host is older than"),
        ("13.0", "570.86.10", "NVIDIA A100", "older than 580, which CUDA 13.0 needs"),
        ("13.0", "580.65.06", "Tesla T4", ""),
        ("13.0", "580.65.06", "Tesla V100-SXM2-16GB", "the GPU Tesla V100-SXM2-16GB is too old"),
        ("11.8", "450.80.02", "NVIDIA A100", ""),
        ("", "400.1", "NVIDIA A100", ""),
    ],
)
def test_the_driver_and_the_gpu_are_held_against_the_images_cuda(
    host: Host, cuda: str, driver: str, model: str, says: str
) -> None:
    code, said = host.driver(driver, model=model).check(cuda)
    assert code == 0
    assert says in said if says else said == ""
    assert len(said.splitlines()) == bool(says)
    assert host.check(cuda, "fail")[0] == bool(says)
    assert host.check(cuda, "off") == (0, "")


def test_volta_is_too_old_for_wheels_that_leave_it_out_whatever_their_cuda(host: Host) -> None:
    host.driver("570.86.10", model="Tesla V100-SXM2-16GB")
    assert host.check("12.8") == (0, "")
    code, said = host.check("12.8", "fail", CNBKIT_CUDA_GPUS="torch 2.11.0+cu128")
    assert code == 1
    assert "the GPU Tesla V100-SXM2-16GB is too old for torch 2.11.0+cu128 for CUDA 12.8" in said
    assert "write cuda:12.6" in said
    host.driver("570.86.10", model="Tesla T4")
    assert host.check("12.8", "fail", CNBKIT_CUDA_GPUS="torch 2.11.0+cu128") == (0, "")


def test_the_open_kernel_module_writes_its_version_elsewhere(host: Host) -> None:
    host.driver("1.1").write(
        "proc/driver/nvidia/version",
        "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  570.86.10  Release Build\n",
    )
    assert "driver 570.86.10" in host.check("13.0")[1]


def test_no_driver_or_no_library_is_one_clear_line(host: Host) -> None:
    code, said = host.check("12.8")
    assert (code, len(said.splitlines())) == (0, 1)
    assert "start the container with --gpus all" in said
    assert host.check("12.8", "fail")[0] == 1
    host.driver("570.86.10")
    shutil.rmtree(host.root / "usr")
    assert "NVIDIA_DRIVER_CAPABILITIES" in host.check("12.8")[1]


def test_windows_own_driver_is_not_missed(host: Host) -> None:
    assert host.write("dev/dxg").check("12.8", "fail") == (0, "")


def test_an_unknown_mode_is_said_and_warns(host: Host) -> None:
    code, said = host.check("12.8", "perhaps")
    assert code == 0
    assert "it may be fail, warn or off" in said


@pytest.mark.parametrize("shell", ["dash", "bash"])
def test_the_check_is_plain_shell(shell: str) -> None:
    assert subprocess.run([shell, "-n", str(CHECK)], check=False).returncode == 0


def test_the_words_that_get_nvidias_run_image_are_those_of_cuda() -> None:
    descriptor = tomllib.loads((ROOT / "buildpacks/cuda/buildpack.toml").read_text())
    words = descriptor["metadata"]["cnbkit"]["run-image"]["cuda"]
    assert words == descriptor["metadata"]["cnbkit"]["hardware"]
    assert set(words) == {"cuda", *CUDA.aliases}


@pytest.mark.parametrize(
    ("name", "accelerators"),
    [("cuda", (CUDA,)), ("tpu", (CORAL, CLOUD)), ("hardware", ACCELERATORS)],
)
def test_descriptors_name_the_words_the_code_serves(
    name: str, accelerators: tuple[Accelerator, ...]
) -> None:
    descriptor = tomllib.loads((BUILDPACKS / name / "buildpack.toml").read_text())
    words = {word for each in accelerators for word in (each.name, *each.aliases)}
    assert set(descriptor["metadata"]["cnbkit"]["hardware"]) == words
