"""What is known of programs that a RUN starts."""

from __future__ import annotations

import re

__all__ = ["CACHES", "FILES", "INSTALLERS", "LANGUAGES", "NOTHING", "SHELL_STARTS", "SYSTEM"]

_GROUPS = (
    ("nothing to keep", "set echo true : ls cat pwd date which printf whoami id env nvidia-smi"),
    ("nothing to keep", "nvcc uname sleep sync test type"),
    ("an image runs as user 1000", "useradd adduser groupadd addgroup usermod groupmod passwd"),
    ("locale, certificates and the loader's paths are set up", "ldconfig locale-gen localedef"),
    ("locale, certificates and the loader's paths are set up", "update-locale dpkg-reconfigure"),
    ("locale, certificates and the loader's paths are set up", "update-ca-certificates"),
    ("python, python3 and pip are on PATH", "update-alternatives alternatives"),
    ("one environment, and it is on PATH", "export source . activate hash shopt umask"),
    ("the python buildpack makes the environment", "virtualenv venv pyenv ensurepip"),
)
NOTHING = {name: why for why, names in _GROUPS for name in names.split()}
"""Programs that a build does without, and why."""

LANGUAGES = frozenset(
    ("npm", "npx", "yarn", "pnpm", "bun", "cargo", "rustup", "go", "mvn", "gradle")
)
"""Installers of other languages."""

FILES = frozenset(
    ("mkdir", "chmod", "chown", "chgrp", "cp", "mv", "touch", "tar", "unzip", "gunzip", "sed")
)
"""Programs that change files."""

SYSTEM = re.compile(
    r"\b(?:apt|apt-get|dpkg|yum|apk|service|systemctl)\b|(?:>|\s)/(?:etc|usr|opt|var|bin|lib)/"
)
"""What a text that changes the system has."""

SHELL_STARTS = re.compile(r"\.(?:bashrc|profile|bash_profile|zshrc)\b")
"""Files that a login shell reads."""

INSTALLERS = {
    r"install\.python-poetry|poetry": "the poetry buildpack",
    r"astral\.sh|/uv[/.]": "the uv buildpack",
    r"get-pip|bootstrap\.pypa": "the pip buildpack",
    r"miniconda|mambaforge|miniforge|micromamba|anaconda": "the conda buildpack",
}
"""Addresses of installers, and what stands in for them."""

_HUGGING_FACE = (
    r"from_pretrained|snapshot_download|hf_hub|huggingface|transformers|pipeline\("
    r"|sentence_transformers|SentenceTransformer"
)
CACHES = {
    r"nltk": ("NLTK_DATA", "nltk_data"),
    _HUGGING_FACE: ("HF_HOME", ".cache-huggingface"),
    r"torch\.hub|torchvision\.models|timm": ("TORCH_HOME", ".cache-torch"),
}
"""What fetches to the home of a user, and the variable and folder that put it into the app."""
