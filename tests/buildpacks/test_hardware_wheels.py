"""Which wheels each word gets: real uv, with an index and PyTorch's site of small wheels."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from cnbkit import BuildContext, LayerEnv, PackageRequest, PlatformFault, UserFault
from cnbkit.log import Log
from cnbkit_cuda.installed import Installation
from cnbkit_cuda.nvidia import cuda_of, library_folders, majors, xla_folder
from cnbkit_frameworks import CUDA_EVIDENCE
from cnbkit_hardware.vocabulary import REQUESTS
from cnbkit_indexes.sources import Sources
from cnbkit_pip.accelerators.declared import declared_names
from cnbkit_pip.accelerators.hints import hints
from cnbkit_pip.accelerators.runtime import runtime_of
from cnbkit_pip.accelerators.variant import Fitting
from cnbkit_pip.engines.uv import Uv
from cnbkit_pip.resolution.kept import Kept
from cnbkit_pip.resolution.resolve import read_locked, resolve
from cnbkit_python_inputs.interpreter import Interpreter
from cnbkit_python_inputs.package import Package
from cnbkit_python_inputs.requirements import Requirements
from cnbkit_python_inputs.target import TargetEnvironment
from cnbkit_python_inputs.wanted import Locked

from ..e2e.accelerators import Site
from .arm64 import make_arm64, write_uv
from .hardware import joined

if TYPE_CHECKING:
    from collections.abc import Iterator

CONFIGURED = ("UV_", "PIP_", "SSL_", "HTTP", "http", "NO_PROXY", "no_proxy")
UV = Path(sys.executable).with_name("uv")


class App:
    """An app, resolved as the pip buildpack does it, without installing anything."""

    def __init__(self, root: Path, site: Site, capsys: pytest.CaptureFixture[str]) -> None:
        self.root = root / "app"
        self.site = site
        self.torch = site.torch
        self._capsys = capsys
        self._layers = root / "layers"
        self._buildpack = root / "buildpack"
        for folder in (self.root, self._layers, self._buildpack / "lib" / "bin"):
            folder.mkdir(parents=True)
        (self._buildpack / "lib" / "bin" / "uv").symlink_to(UV)
        self.env = {
            "PATH": "/usr/bin:/bin",
            "CNB_TARGET_OS": "linux",
            "CNB_TARGET_ARCH": "amd64",
            "BP_PIP_INDEX_URL": site.simple,
        }

    def context(self, **env: str) -> BuildContext:
        return BuildContext(
            app=str(self.root),
            env={**self.env, **env},
            buildpack=str(self._buildpack),
            platform="",
            layers=str(self._layers),
            plan="",
            log=Log(),
        )

    def request(self, word: str) -> PackageRequest:
        found = joined(self.root, {**self.env, "BP_HARDWARE": word})
        assert found is not None
        indexes = [
            each.replace(url=f"{self.torch}/neuron") if "neuron" in each.url else each
            for each in found.indexes
        ]
        frameworks = [each.replace(site=self.torch) for each in found.frameworks]
        return found.replace(frameworks=frameworks, indexes=indexes)

    def packages(
        self,
        text: str,
        word: str,
        *,
        lock: str = "",
        machine: str = "x86_64",
        minor: str = "",
        engine: bool = True,
    ) -> dict[str, str]:
        """Versions by name of what requirements, or a lock, come to."""
        self._capsys.readouterr()
        (self.root / "requirements.txt").write_text(text)
        ctx = self.context()
        python = Interpreter(sys.executable, f"{sys.version_info[0]}.{sys.version_info[1]}")
        target = TargetEnvironment.of(ctx, python)
        if machine == "aarch64":
            make_arm64(target)
            write_uv(self._buildpack / "lib" / "bin" / "uv")
        target.markers["python_version"] = minor or target.markers["python_version"]
        sources = Sources.read(ctx)
        uv = Uv(ctx, python, sources)
        locked = Locked(str(self.root / lock), lock, str(self.root), editable=False)
        wanted = None if lock else Requirements.read(ctx, ["requirements.txt"])
        fitting = Fitting(
            ctx,
            self.request(word),
            sources,
            target,
            engine=uv if engine else None,
            wanted=wanted,
            where=lock or "requirements.txt",
            declared=declared_names(ctx),
        )
        chosen = f"{self._layers}/pylock.hardware.toml"
        try:
            if wanted is None:
                packages = read_locked(uv, locked, target, sources)
            else:
                packages = resolve(ctx, uv, wanted, target, Kept(str(self._layers), ""))
        except UserFault as fault:
            packages = fitting.rescued(fault, chosen)
        self.found = fitting.fit(packages, chosen)
        shown = self._capsys.readouterr()
        self.said = shown.out + shown.err
        return {each.name: each.version for each in self.found}

    def lock(self, text: str) -> str:
        """A pylock.toml of requirements, as somebody without this made it."""
        (self.root / "requirements.in").write_text(text)
        subprocess.run(
            [
                *(UV, "pip", "compile", "requirements.in", "--quiet", "--python", sys.executable),
                *("--default-index", self.site.simple, "-o", "pylock.toml"),
            ],
            cwd=self.root,
            check=True,
        )
        return "pylock.toml"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with closing(Site(tmp_path_factory.mktemp("site") / "www")) as made:
        made.publish_torch(weight=300_000)
        made.publish_torch("2.7.0")
        made.publish("hub", "1.0", needs=["torch>=2", "idna"])
        made.publish("six", "1.16.0")
        made.publish("six", "1.17.0")
        made.publish("torch", "2.8.0+rocm6.4", index="rocm6.4", needs=["pytorch-triton-rocm"])
        made.publish("pytorch-triton-rocm", "3.4.0", index="rocm6.4")
        made.publish("pytorch-triton-rocm", "3.4.0")
        made.publish("torch", "2.9.0+cu130", index="cu130", needs=["nvidia-cuda-runtime==13.0.48"])
        made.publish("nvidia-cuda-runtime", "13.0.48")
        made.publish("nvidia-cuda-runtime-cu12", "12.9.79")
        made.publish("nvidia-cublas-cu12", "12.9.1")
        made.publish("nvidia-cudnn-cu12", "9.10.0")
        made.publish("ctranslate2", "4.6.0")
        made.publish("xgboost", "3.4.1", needs=["nvidia-nccl-cu12"], weight=200_000)
        made.publish("nvidia-nccl-cu12", "2.28", weight=200_000)
        made.publish("pycoral", "0.2")
        made.publish(
            "jax",
            "0.7.0",
            extras=[("cuda12", "jax-cuda12-plugin"), ("cuda13", "jax-cuda13-plugin")],
        )
        made.publish("jax", "0.8.0", extras=[("tpu", "libtpu"), ("cuda12", "jax-cuda12-plugin")])
        made.publish("jax-cuda12-plugin", "0.8.0", needs=["nvidia-cuda-nvcc-cu12"])
        made.publish("nvidia-cuda-nvcc-cu12", "12.8.93")
        made.publish("libtpu", "0.0.50")
        yield made


@pytest.fixture
def app(tmp_path: Path, site: Site, capsys: pytest.CaptureFixture[str]) -> App:
    return App(tmp_path, site, capsys)


TORCH = "torch==2.8.0\nsix==1.16.0\n"


@pytest.mark.parametrize(
    ("text", "word", "torch", "cuda"),
    [
        (TORCH, "cpu", "2.8.0+cpu", ""),
        (TORCH, "coral", "2.8.0+cpu", ""),
        (TORCH, "tpu", "2.8.0+cpu", ""),
        # The default index's own wheel is for 12.8: nothing is to be done.
        (TORCH, "cuda", "2.8.0", "12.8"),
        (TORCH, "cuda:12.8", "2.8.0", "12.8"),
        (TORCH, "cuda:12", "2.8.0", "12.8"),
        (TORCH, "cuda:12.6", "2.8.0+cu126", "12.6"),
        (TORCH, "rocm:6.4", "2.8.0+rocm6.4", ""),
        (TORCH, "rocm", "2.8.0+rocm6.4", ""),
        # Named by nobody, but needed.
        ("hub\n", "cpu", "2.8.0+cpu", ""),
        ("hub\ntorch<2.8\n", "cuda:12.6", "2.7.0+cu126", "12.6"),
        # Only another version has this CUDA, and the requirements allow it.
        ("torch>=2.7\n", "cuda:13.0", "2.9.0+cu130", "13.0"),
        ("torch>=2.7\n", "cuda:13", "2.9.0+cu130", "13.0"),
    ],
)
def test_each_word_gets_its_build_of_torch_from_requirements(
    app: App, text: str, word: str, torch: str, cuda: str
) -> None:
    found = app.packages(text, word)
    assert found["torch"] == torch
    assert installation(app.found).cuda() == cuda
    assert runtime_of(app.found, CUDA_EVIDENCE)[0] == cuda
    # PyTorch's site has other things as well, of which nothing is taken.
    assert found.get("idna", "3.10") == "3.10"
    assert found.get("six", "1.16.0") == "1.16.0"
    wheel = next(each for each in app.found if each.name == "torch").artifacts()[0]
    assert wheel["hashes"]["sha256"]


@pytest.mark.parametrize(
    ("word", "torch", "cuda"),
    [
        ("cpu", "2.7.0+cpu", ""),
        ("cuda", "2.7.0", "12.8"),
        ("cuda:12.6", "2.7.0+cu126", "12.6"),
    ],
)
def test_of_a_lock_only_what_the_accelerator_is_about_is_exchanged(
    app: App, word: str, torch: str, cuda: str
) -> None:
    lock = app.lock("hub\ntorch==2.7.0\nsix==1.16.0\n")
    text = (app.root / lock).read_text()
    # Something from a folder, which no index knows.
    (app.root / "lib").mkdir()
    text += '\n[[packages]]\nname = "corp-lib"\ndirectory = { path = "lib" }\n'
    (app.root / lock).write_text(text)
    before = {each.name: each for each in _entries(app, lock)}
    found = app.packages("", word, lock=lock)
    assert found["torch"] == torch
    assert installation(app.found).cuda() == cuda
    assert runtime_of(app.found, CUDA_EVIDENCE)[0] == cuda
    assert found["corp-lib"] == "local"
    for each in app.found:
        if each.name in ("hub", "six", "idna"):
            assert each.entry["wheels"] == before[each.name].entry["wheels"]
    if word == "cpu":
        assert "cpu: 4 packages fewer: nvidia-cublas-cu12, nvidia-cuda-runtime-cu12" in app.said
        assert set(found) == {"hub", "six", "idna", "torch", "corp-lib"}


@pytest.mark.parametrize("index", ["", "index"])
def test_locks_that_name_no_addresses_of_files_are_served(app: App, index: str) -> None:
    """As the front-ends for Poetry, Pipenv and PDM write them: hashes alone, or an index too."""
    lock = app.root / app.lock("hub\ntorch==2.8.0\nsix==1.16.0\n")
    text = re.sub(r'url = "[^"]*", ', "", lock.read_text())
    if index:
        text = re.sub(r"(version = .*)", rf'\1\nindex = "{app.site.simple}"', text)
        text = text.replace('lock-version = "1.0"\nindex', 'lock-version = "1.0"\n#')
    lock.write_text(text)
    assert "url" not in text
    found = app.packages("", "cpu", lock=lock.name)
    wanted = {"hub": "1.0", "six": "1.16.0", "idna": "3.10", "torch": "2.8.0+cpu"}
    assert found == wanted
    assert all(each.artifacts()[0]["url"] for each in app.found)


def test_without_uv_a_choice_that_asks_for_another_index_is_refused(app: App) -> None:
    with pytest.raises(UserFault) as caught:
        app.packages(TORCH, "cpu", engine=False)
    assert caught.value.what.startswith("pip cannot take torch from an index for cpu")
    assert caught.value.where == "BP_PIP_ENGINE"
    assert app.packages(TORCH, "cuda", engine=False)["torch"] == "2.8.0"


def test_a_site_that_cannot_be_reached_is_named_with_the_way_round_it(app: App) -> None:
    app.torch = "http://127.0.0.1:9/whl"
    app.env["UV_HTTP_RETRIES"] = "0"
    with pytest.raises(PlatformFault) as caught:
        app.packages(TORCH, "cpu")
    assert "set BP_PYTORCH_INDEX to a mirror" in str(caught.value.remedy)
    assert "http://127.0.0.1:9/whl/cpu" in str(caught.value)


def _entries(app: App, lock: str) -> list[Package]:
    from cnbkit_python_inputs.lock import read_entries

    return [Package(each) for each in read_entries(str(app.root / lock), lock)["packages"]]


def test_hashed_requirements_are_a_lock_too(app: App) -> None:
    (app.root / "r.in").write_text("hub\ntorch==2.8.0\n")
    compiled = subprocess.run(
        [
            *(UV, "pip", "compile", "r.in", "--quiet", "--generate-hashes", "--no-header"),
            *("--python", sys.executable, "--default-index", app.site.simple),
        ],
        cwd=app.root,
        check=True,
        capture_output=True,
        text=True,
    )
    assert app.packages(compiled.stdout, "cpu") == {
        "hub": "1.0",
        "idna": "3.10",
        "torch": "2.8.0+cpu",
    }


def test_the_choice_is_told_with_reason_and_bytes(app: App) -> None:
    app.packages(TORCH, "cuda")
    assert "cuda: torch 2.8.0 as requirements.txt has it is for CUDA 12.8" in app.said
    assert "(nvidia-cuda-runtime-cu12 12.8.90)" in app.said
    app.packages(TORCH, "cpu")
    assert f"cpu: torch 2.8.0+cpu from {app.site.torch}/cpu: no accelerator is to be" in app.said
    assert "cpu: 0.3 MB less to download" in app.said


def test_what_is_not_published_is_said_with_what_is(app: App) -> None:
    with pytest.raises(UserFault) as caught:
        app.packages(TORCH, "cuda:13.0")
    fault = caught.value
    assert "torch 2.8.0 is not published for cu130, Python 3.1" in fault.what
    assert fault.what.endswith("; it is for cu128, cu126")
    assert fault.where == f"requirements.txt:1 (from {app.site.torch}/cu130)"
    lock = app.lock("torch==2.8.0\n")
    with pytest.raises(UserFault, match="not published for cu118"):
        app.packages("", "cuda:11.8", lock=lock)


def test_a_cuda_that_is_not_published_for_arm64_is_said_with_those_that_are(app: App) -> None:
    needs = ["nvidia-cuda-runtime-cu12==12.9.79"]
    app.site.publish("torch", "2.6.5", needs=needs)
    intel = "py3-none-manylinux_2_28_x86_64"
    app.site.publish("torch", "2.6.5+cu126", index="cu126", needs=needs, tag=intel)
    app.site.publish("torch", "2.6.5+cu128", index="cu128", needs=needs)
    assert app.packages("torch==2.6.5\n", "cuda:12.6")["torch"] == "2.6.5+cu126"
    with pytest.raises(UserFault) as caught:
        app.packages("torch==2.6.5\n", "cuda:12.6", machine="aarch64")
    assert "torch 2.6.5 is not published for cu126, Python 3.1" in caught.value.what
    assert caught.value.what.endswith("and aarch64; it is for cu128")


def test_a_pinned_build_contradicts_another_word(app: App) -> None:
    text = f"--extra-index-url {app.site.torch}/cu126\ntorch==2.8.0+cu126\n"
    with pytest.raises(UserFault) as caught:
        app.packages(text, "cpu")
    assert caught.value.what == "torch 2.8.0+cu126 names a build itself, and cpu asks for another"
    assert caught.value.where == "requirements.txt:2"


def test_cpu_leaves_arm64_alone_where_the_wheels_are_for_the_cpu_already(app: App) -> None:
    app.site.publish("torch", "2.5.0", needs=["idna"])
    assert app.packages("torch==2.5.0\n", "cpu", machine="aarch64")["torch"] == "2.5.0"
    assert "torch 2.5.0 is without an accelerator already" in app.said


def test_libraries_that_nothing_brings_are_added_and_no_others(app: App) -> None:
    found = app.packages("ctranslate2\n", "cuda")
    assert sorted(found) == ["ctranslate2", "nvidia-cublas-cu12", "nvidia-cudnn-cu12"]
    assert "cuda: 2 packages more: nvidia-cublas-cu12, nvidia-cudnn-cu12" in app.said
    # torch brings them, at its own versions.
    found = app.packages("ctranslate2\ntorch==2.8.0\n", "cuda:12.8")
    assert found["nvidia-cublas-cu12"] == "12.8.90"
    assert app.packages("ctranslate2\n", "cpu") == {"ctranslate2": "4.6.0"}


def test_a_framework_gets_the_extra_that_brings_its_accelerator(app: App) -> None:
    assert "jax-cuda12-plugin" in app.packages("jax\n", "cuda:12.8")
    assert app.packages("jax\n", "tpu")["libtpu"] == "0.0.50"
    lock = app.lock("jax==0.8.0\n")
    found = app.packages("", "tpu", lock=lock)
    assert found == {"jax": "0.8.0", "libtpu": "0.0.50"}


def test_a_build_that_only_pytorchs_site_has_may_be_named(app: App) -> None:
    assert app.packages("torch==2.8.0+cu126\n", "cuda:12.6")["torch"] == "2.8.0+cu126"
    assert "torch 2.8.0+cu126 as requirements.txt has it is for CUDA 12.6" in app.said
    with pytest.raises(UserFault, match="no set of versions satisfies"):
        app.packages("torch==2.8.0+cu126\n", "cuda:13.0")


@pytest.mark.parametrize("word", ["neuron", "inferentia", "trainium"])
def test_neuron_takes_the_real_package_and_never_the_placeholder(
    app: App, site: Site, word: str
) -> None:
    (known,) = REQUESTS["neuron"]["indexes"]
    assert known.url == "https://pip.repos.neuron.amazonaws.com"
    assert {"torch-neuronx", "neuronx-cc", "jax-neuronx"} <= set(known.packages)
    site.publish("torch-neuronx", "1.0")
    site.publish("torch-neuronx", "2.7.0", index="neuron", needs=["torch==2.7.*"])
    for text in ("torch-neuronx==2.7.0\n", "torch-neuronx\ntorch<2.8\n"):
        found = app.packages(text, word)
        assert (found["torch-neuronx"], found["torch"]) == ("2.7.0", "2.7.0+cpu")
        assert not [name for name in found if name.startswith("nvidia-")]
    with pytest.raises(UserFault, match="torch-neuronx is not what its name says"):
        app.packages("torch-neuronx\n", "cpu")


def test_a_package_without_wheels_for_this_python_names_its_successor(app: App) -> None:
    app.site.publish("tflite-runtime", "2.14.0", tag="cp310-cp310-manylinux2014_x86_64")
    with pytest.raises(UserFault) as caught:
        app.packages("tflite-runtime==2.14.0\n", "coral", minor="3.13")
    assert caught.value.remedy == (
        "tflite-runtime has no wheels after Python 3.11: take ai-edge-litert, or set "
        "BP_PYTHON_VERSION=3.11"
    )
    app.packages("six\n", "coral")
    assert "none of ai-edge-litert, tflite-runtime, tensorflow is there to use it" in app.said


def test_hidden_accelerators_and_strangers_are_named(app: App) -> None:
    app.packages("xgboost\n", "cpu")
    assert "cpu: xgboost-cpu would do in place of xgboost (0.4 MB with what it needs)" in app.said
    with pytest.raises(UserFault, match="pycoral is not what its name says") as caught:
        app.packages("six\npycoral\n", "coral")
    assert caught.value.where == "requirements.txt:2"
    assert "coral reefs" in str(caught.value)


def test_two_cudas_in_one_image_are_warned_of(app: App) -> None:
    app.packages("torch==2.8.0\nnvidia-cuda-runtime\n", "cuda:12.8")
    (line,) = installation(app.found).warnings("cuda:12.8", "12.8")
    assert line.startswith("CUDA is in the image 2 times: CUDA 12 (")


def test_a_cuda_that_nothing_is_for_is_warned_of(app: App) -> None:
    app.packages("nvidia-cuda-runtime\n", "cuda:12.8")
    (line,) = installation(app.found).warnings("cuda:12.8", "12.8")
    assert line.startswith("cuda:12.8 is asked for, but the packages are for CUDA 13")


def test_what_a_lock_s_project_names_itself_never_falls_away(app: App) -> None:
    app.site.publish("tritonclient", "2.60.0")
    app.site.publish("nvidia-ml-py", "13.580.65")
    app.site.publish("nvidia-dali-cuda120", "1.52.0")
    own = ("tritonclient", "nvidia-ml-py", "nvidia-dali-cuda120", "jax-cuda12-plugin")
    text = "".join(f"{name}\n" for name in ("torch==2.8.0", *own))
    lock = app.lock(text)
    for word in ("cpu", "cuda:12.6"):
        assert app.packages("", word, lock=lock).keys() >= {*own}, word
    # One of CUDA's own libraries that the project declares stays, too; undeclared it goes.
    lock = app.lock("torch==2.8.0\nnvidia-cublas-cu12\n")
    assert "nvidia-cublas-cu12" in app.packages("", "cpu", lock=lock)
    (app.root / "requirements.in").unlink()
    assert "nvidia-cublas-cu12" not in app.packages("", "cpu", lock=lock)


@pytest.mark.full  # they are fetched, and some are large
@pytest.mark.parametrize(
    ("text", "word", "cuda", "packages"),
    [
        ("torch==2.8.0", "cuda", "12.8", "triton nvidia-cudnn-cu12"),
        ("torch==2.11.0", "cuda:13", "13.0", "triton nvidia-cudnn-cu13 cuda-toolkit"),
        ("jax==0.7.2", "cuda:12.8", "12.9", "jax-cuda12-plugin nvidia-cudnn-cu12"),
        ("jax==0.7.2", "tpu", "", "libtpu"),
        ("ctranslate2==4.6.0", "cuda", "12.9", "nvidia-cublas-cu12 nvidia-cudnn-cu12"),
    ],
)
def test_what_the_real_packages_say_of_themselves_is_understood(
    app: App, text: str, word: str, cuda: str, packages: str
) -> None:
    """This machine's default index: metadata alone, nothing is downloaded or installed."""
    passed = {name: value for name, value in os.environ.items() if name.startswith(CONFIGURED)}
    passed.pop("UV_CACHE_DIR", None)  # the session's own, which a build refuses
    app.env = {**passed, **app.env}
    del app.env["BP_PIP_INDEX_URL"]
    found = app.packages(f"{text}\n", word)
    assert installation(app.found).cuda() == cuda
    assert runtime_of(app.found, CUDA_EVIDENCE)[0] == cuda
    assert found.keys() >= {*packages.split()}


def package(name: str, version: str = "1.0", size: int = 0) -> Package:
    return Package({"name": name, "version": version, "wheels": [{"size": size, "hashes": {}}]})


def entry(name: str, version: str = "1.0", directory: str = "/layers/py") -> dict[str, str]:
    return {"name": name, "version": version, "directory": directory}


def installation(packages: list[Package]) -> Installation:
    found: Any = [entry(each.name, each.version) for each in packages]
    return Installation(found, "", known=True)


def test_nvidias_names_tell_cuda_and_places() -> None:
    old: Any = [entry("nvidia-cudnn-cu12"), entry("nvidia-cuda-runtime-cu12", "12.8.90")]
    new: Any = [entry("cuda-toolkit", "13.0.3"), entry("nvidia-cublas"), entry("nvidia-nccl-cu13")]
    other: Any = [entry("nvidia-nccl-cu12")]
    assert cuda_of(old) == ("12.8", "nvidia-cuda-runtime-cu12 12.8.90")
    assert cuda_of(new) == ("13.0", "cuda-toolkit 13.0.3")
    assert cuda_of(other) == ("12", "nvidia-nccl-cu12")
    assert cuda_of([entry("nvidia-ml-py")]) == ("", "")  # type: ignore[list-item]
    single: Any = [entry("nvidia-ml-py")], [entry("nvidia-cublas")]
    for packages in (old, new, other, *single):
        told = [package(each["name"], each["version"]) for each in packages]
        assert runtime_of(told, CUDA_EVIDENCE) == cuda_of(packages)
    assert list(majors([*new, *old])) == ["12", "13"]
    assert library_folders(old) == ["nvidia/cuda_runtime/lib", "nvidia/cudnn/lib"]
    assert library_folders(new) == ["nvidia/cu13/lib", "nvidia/nccl/lib"]
    compiler: Any = [entry("nvidia-cuda-nvcc-cu12")], [entry("nvidia-cuda-nvcc", "13.0")]
    assert xla_folder(compiler[0]) == "nvidia/cuda_nvcc"
    assert xla_folder(compiler[1]) == "nvidia/cu13"


def test_who_needs_it_gets_the_loaders_path_and_xla_its_data() -> None:
    place = "/layers/p/accelerator-wheels/py"
    packages: Any = [
        *(entry("ctranslate2", directory="/layers/p/light-wheels-0/py"), entry("jax")),
        entry("nvidia-cublas-cu12", directory=place),
        entry("nvidia-cuda-nvcc-cu12", "12.8.93", place),
        entry("nvidia-cuda-runtime-cu12", "12.8.90", place),
    ]
    for found, wanted in ((packages, True), (packages[2:], False)):
        changes = LayerEnv()
        Installation(found, "", known=True).add_environment(changes.launch)
        env = changes.launch.apply({"LD_LIBRARY_PATH": "/own"})
        base = f"{place}/nvidia"
        if wanted:
            libraries = [f"{base}/{each}/lib" for each in ("cublas", "cuda_nvcc", "cuda_runtime")]
            assert env["LD_LIBRARY_PATH"].split(":") == [*libraries, "/own"]
            assert env["XLA_FLAGS"] == f"--xla_gpu_cuda_data_dir={base}/cuda_nvcc"
        else:
            assert env["LD_LIBRARY_PATH"] == "/own"
            assert "XLA_FLAGS" not in env


@pytest.mark.parametrize(
    ("version", "cuda", "told"),
    [
        ("2.11.0+cu128", "12.8", "torch 2.11.0+cu128"),
        ("2.12.0", "12.9", "torch 2.12.0"),
        ("2.11.0+cu126", "12.6", ""),
        ("2.10.0", "12.8", ""),
    ],
)
def test_wheels_without_the_oldest_gpus_are_told_to_the_check(
    version: str, cuda: str, told: str
) -> None:
    assert installation([package("torch", version)]).without_old_gpus(cuda) == told


def test_who_asked_for_nothing_is_told_what_cuda_weighs() -> None:
    heavy = package("nvidia-cuda-runtime-cu12", "12.8.90", 2_500_000_000)
    [line] = hints([heavy, package("six")])
    assert line.startswith("2.50 GB of this is CUDA: where no GPU is used, `cpu` in")
    assert hints([package("torch", size=10**9)]) == []
