"""The examples for each kind of hardware: built, and run where what they need can be had.

onnx-serve and coral-detect get their real packages. PyTorch's and JAX's are too large for a test:
there, small wheels of the same names stand for them, and what the image has is looked at.
"""

from __future__ import annotations

import shutil
import subprocess
from contextlib import closing
from typing import TYPE_CHECKING

from cnbkit_engine.oci.image import Image
from cnbkit_engine.oci.unpacked import ensure_layer
from cnbkit_engine.testing import free_port

from .accelerators import Site
from .conftest import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from .conftest import Project

# As much of libedgetpu as says that there is no device.
DELEGATE = """
void *tflite_plugin_create_delegate(char **k, char **v, unsigned long n, void (*say)(const char *))
{ say("no Edge TPU"); return 0; }
void tflite_plugin_destroy_delegate(void *delegate) {}
"""


def example(project: Project, name: str) -> None:
    shutil.copytree(ROOT / "examples" / name, project.app, dirs_exist_ok=True)


def test_onnx_runtime_serves_a_model(project: Project) -> None:
    example(project, "onnx-serve")
    project.build()
    port = free_port()
    with project.start(env={"PORT": str(port)}) as running:
        assert '"species":"Gentoo"' in running.http_get(port, "/?length=47&depth=15")
        assert "CPUExecutionProvider" in running.http_get(port, "/health")
    assert project.image().labels["io.cnbkit.hardware"] == "cpu"


def test_a_lamp_is_found_with_the_edge_tpus_library_and_without_its_device(
    project: Project,
) -> None:
    example(project, "coral-detect")
    project.write({"edge/delegate.c": DELEGATE})
    command = ["gcc", "-shared", "-fPIC", "-Wl,-soname,libedgetpu.so.1", "delegate.c"]
    command += ["-o", "libedgetpu.so.1.0"]
    subprocess.run(command, cwd=project.app / "edge", check=True)
    built = project.build("--env", "BP_CORAL_RUNTIME=edge/libedgetpu.so.1.0")
    assert "coral (Coral Edge TPU), from hardware.txt:1" in built.output
    output = project.run()
    # LiteRT loaded the library, which found no device.
    assert "no Edge TPU" in output
    assert "runs on the processor" in output
    assert "lamp near x=20 y=12, 140 of 255" in output


def test_training_on_gpus_and_serving_on_cpus_come_from_one_source(
    project: Project, tmp_path: Path
) -> None:
    example(project, "torch-classify")
    with closing(Site(tmp_path / "site")) as site:
        site.publish_torch()
        for name, version in (("flask", "3.1.0"), ("gunicorn", "23.0.0")):
            site.publish(name, version)
        # The stand-in for gunicorn has no program.
        check = ("--env", "BP_START_CHECK=warn")
        built = project.build("--hardware", "cpu,cuda:12.6", *site.options, *check)
    names = [f"{project.name}:{each}" for each in ("cpu", "cuda-12.6")]
    try:
        cpu, cuda = (Image.from_store(project.store, name) for name in names)
        for image in (cpu, cuda):
            assert {process.type for process in image.processes} == {"web", "train"}
        assert cuda.labels["io.cnbkit.cuda.driver"] == ">=525.60.13"
        assert "cpu: torch 2.8.0+cpu from" in built.output
        assert "cuda:12.6: torch 2.8.0+cu126 from" in built.output
    finally:
        for name in names:
            project.engine.remove(name)


def test_jax_gets_what_a_tpu_needs(project: Project, tmp_path: Path) -> None:
    example(project, "jax-tpu")
    with closing(Site(tmp_path / "site")) as site:
        site.publish("jax", "0.7.2", extras=[("tpu", "libtpu")])
        site.publish("libtpu", "0.0.23")
        built = project.build(*site.options)
    assert "tpu: 1 package more: libtpu" in built.output
    assert {process.type for process in project.image().processes} >= {"train"}
    [layer] = [e for e in project.image().layers if e.what == "cnbkit/tpu:device"]
    folder = ensure_layer(project.home, project.store, layer)
    [variable] = folder.rglob("PJRT_DEVICE.default")
    assert variable.read_text() == "TPU"
