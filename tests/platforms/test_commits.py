"""Each commit has an image of its own, and a template's next run builds what has changed alone.

The commands are the templates' own lines, run as the CI service runs them: on a machine that has
nothing of the run before, with the service's variables, against a registry.
"""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from ruamel.yaml import YAML
from tests.commands import output

from cnbkit_engine.base.images import machine_architecture
from cnbkit_engine.base.suites import DEFAULT
from cnbkit_engine.build.cache import app_cache
from cnbkit_engine.ci.files import rendered
from cnbkit_engine.lifecycle.install import ensure_crane
from cnbkit_engine.oci.image import Image
from cnbkit_engine.oci.reference import Reference
from cnbkit_engine.oci.remote import Remote
from cnbkit_engine.oci.store import ImageStore
from cnbkit_engine.state.home import Home
from cnbkit_engine.testing.docker import LocalRegistry

from . import groovy

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ARCH = machine_architecture()
CNBKIT = Path(sys.executable).with_name("cnbkit")
APP = {"requirements.txt": "six==1.17.0\n", "Procfile": "web: python3 app.py\n"}


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    crane = ensure_crane(Home.default(), arch=ARCH)
    made = LocalRegistry(crane, tmp_path_factory.mktemp("registry"))
    yield made.host
    made.stop()


@dataclass(frozen=True)
class Template:
    """A template that builds with `cnbkit`.

    Args:
        kind: the CI service.
        file: which of its files.
        image: the repository that gets the images, where `R` is the registry.
        commits: what the service calls two commits, and its variables for each.
    """

    kind: str
    file: str
    image: str
    commits: tuple[tuple[str, Mapping[str, str]], tuple[str, Mapping[str, str]]]

    def script(self, registry: str) -> str:
        """The lines that build."""
        text = rendered(self.kind, registry=f"{registry}/ml")[self.file]
        if self.kind == "jenkins":
            [script] = [each for each in groovy.scripts(text) if " build . " in each]
            return script[script.index("branch=") :]
        document = YAML(typ="safe").load(text)
        if self.kind == "gitlab":
            lines = document["build-image"]["script"]
            return "\n".join(each for each in lines if each.startswith("/opt/cnbkit"))
        steps = document["jobs"]["image"]["steps"]
        return str(next(each["run"] for each in steps if each.get("name") == "Build and publish"))


def _gitlab(commit: str) -> dict[str, str]:
    return {
        "CI_REGISTRY_IMAGE": "R/group/gitlab",
        "CI_COMMIT_SHORT_SHA": commit,
        "CI_COMMIT_REF_SLUG": "main",
    }


TEMPLATES = [
    Template(
        "gitlab",
        "cnbkit.gitlab-ci.yml",
        "R/group/gitlab",
        (("aaaa1111", _gitlab("aaaa1111")), ("bbbb2222", _gitlab("bbbb2222"))),
    ),
    Template(
        "github",
        ".github/workflows/image.yml",
        "R/ml/my-app",
        (
            ("a" * 40, {"GITHUB_SHA": "a" * 40, "GITHUB_REF_NAME": "main"}),
            ("b" * 40, {"GITHUB_SHA": "b" * 40, "GITHUB_REF_NAME": "main"}),
        ),
    ),
    Template(
        "jenkins",
        "Jenkinsfile",
        "R/ml/jenkins",
        (
            ("41", {"IMAGE": "R/ml/jenkins", "BUILD_NUMBER": "41", "BRANCH_NAME": "feature/x"}),
            ("42", {"IMAGE": "R/ml/jenkins", "BUILD_NUMBER": "42", "BRANCH_NAME": "feature/x"}),
        ),
    ),
]


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda each: each.kind)
def test_a_commit_with_a_tag_of_its_own_uses_the_layers_of_the_one_before(
    template: Template, registry: str, tmp_path: Path
) -> None:
    app = tmp_path / "app"
    app.mkdir()
    for name, text in APP.items():
        (app / name).write_text(text)
    home, images = Home.default(), []
    repository = Reference.parse(template.image.replace("R", registry, 1))
    cache = app_cache(home, repository)
    for number, (tag, variables) in enumerate(template.commits):
        (app / "app.py").write_text(f"print({number})\n")
        said = _run(template.script(registry), app, registry, variables)
        # The next run's machine is another. What is kept is by repository, not by commit.
        assert (cache / "last.log").exists()
        shutil.rmtree(cache)
        images.append(_image(f"{repository.repository}:{tag}", tmp_path))
        assert ("Continuing from" in said) == bool(number), said
    before, after = (
        {layer.what: layer.digest for layer in image.layers if layer.kind != "base"}
        for image in images
    )
    assert {"cnbkit/pip:site", "app"} <= set(before)
    assert {what for what in after if after[what] != before.get(what)} == {"app"}
    # The image says what it stands on, so the platform's owners can rebase it.
    assert (images[1].base or "").endswith(f"/run:{DEFAULT.name}")


def _run(script: str, app: Path, registry: str, variables: Mapping[str, str]) -> str:
    script = script.replace("/opt/cnbkit/bin/cnbkit", "cnbkit").replace("/tmp/app", str(app))
    script = script.replace('"$CNBKIT_HOME/venv/bin/cnbkit"', "cnbkit")
    # What others of this machine need is not this test's to remove.
    script = "\n".join(line for line in script.splitlines() if not line.endswith("cnbkit prune"))
    env = {
        **os.environ,
        "PATH": f"{CNBKIT.parent}{os.pathsep}{os.environ['PATH']}",
        "BP_PYTHON_VERSION": DEFAULT.python,
        **{name: value.replace("R/", f"{registry}/", 1) for name, value in variables.items()},
    }
    return output("bash", "-euc", script, cwd=app, env=env)


def _image(name: str, folder: Path) -> Image:
    store = ImageStore(folder / name.rpartition(":")[2])
    Remote(name).pull(store.path, ARCH)
    return Image.from_store(store, store.names()[0])
