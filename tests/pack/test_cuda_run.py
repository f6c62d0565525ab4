"""pack takes the run image for GPUs where the app is for them: the image extension `cuda-run`."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from cnbkit_engine.testing import LifecycleBuild
from cnbkit_engine.testing.pack import PackEngine

from .conftest import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from cnbkit_engine.testing.pack_services import PackServices

    from .conftest import Derive

ASKS = ("NVIDIA_VISIBLE_DEVICES=all", "NVIDIA_DRIVER_CAPABILITIES=compute,utility")


def test_an_app_for_gpus_gets_their_run_image_and_no_other_does(
    pack_services: PackServices, build_image: str, derive: Derive, tmp_path: Path
) -> None:
    gpus = derive(pack_services.run_image, "run:1-cuda", env=ASKS)
    builder = tmp_path / "builder.toml"
    builder.write_text(
        f'[build]\nimage = "{build_image}"\n'
        f'[[build.env]]\nname = "BP_CUDA_RUN_IMAGE"\nvalue = "{gpus}"\n'
        f'[[buildpacks]]\nuri = "{ROOT / "buildpacks" / "start"}"\n'
        '[[order]]\n[[order.group]]\nid = "cnbkit/start"\n'
        f'[[extensions]]\nuri = "{ROOT / "buildpacks" / "cuda-run"}"\n'
        "[[order-extensions]]\n[[order-extensions.group]]\n"
        'id = "cnbkit/cuda-run"\nversion = "0.1.0"\n'
    )
    app = {"app.py": "import os\nprint(os.environ.get('NVIDIA_VISIBLE_DEVICES'))\n"}
    # pack wants it so for builders with extensions.
    engine = PackEngine(pack_services, ["--pull-policy", "always"], trusted=False)
    with closing(LifecycleBuild(engine, tmp_path / "builds")) as builds:
        plain = builds.build(app, builder=builder)
        assert plain.run("web") == "None\n"
        built = builds.build({**app, "hardware.txt": "cuda\n"}, builder=builder)
        assert built.run("web") == "all\n"
        asks = {f"{name}={value}" for name, value in built.image.env.items()}
        assert {*ASKS} <= asks
