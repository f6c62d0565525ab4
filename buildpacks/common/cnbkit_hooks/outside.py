"""What a hook leaves in the build's home, which is not part of the image."""

from __future__ import annotations

import os

__all__ = ["Outside"]

# Caches that hooks are often meant to fill, and the variable that says where they are.
_VARIABLES = {
    "nltk_data": "NLTK_DATA",
    ".cache/huggingface": "HF_HOME",
    ".cache/torch": "TORCH_HOME",
    ".cache/ms-playwright": "PLAYWRIGHT_BROWSERS_PATH",
    ".cache/matplotlib": "MPLCONFIGDIR",
    ".config/matplotlib": "MPLCONFIGDIR",
    ".cache/whisper": "XDG_CACHE_HOME",
    ".keras": "KERAS_HOME",
    "tensorflow_datasets": "TFDS_DATA_DIR",
    ".EasyOCR": "EASYOCR_MODULE_PATH",
    ".paddleocr": "PADDLE_OCR_BASE_DIR",
    ".u2net": "U2NET_HOME",
    "scikit_learn_data": "SCIKIT_LEARN_DATA",
    ".deepface": "DEEPFACE_HOME",
}
# What programs write for themselves, and nobody misses.
_OWN = (
    *(".cache/pip", ".cache/uv", ".local/state", ".config/pip", ".bash_history"),
    ".python_history",
)
_SMALL = 1 << 10


class Outside:
    """The home before a hook runs.

    Args:
        home: its path; empty if there is none.
    """

    def __init__(self, home: str) -> None:
        self._home = home
        self._before = _sizes(home)

    def told(self) -> str:
        """A warning about what came since, with where to write it; empty if nothing did."""
        new = {
            name: size - self._before.get(name, 0)
            for name, size in _sizes(self._home).items()
            if size - self._before.get(name, 0) > _SMALL and not name.startswith(_OWN)
        }
        if not new:
            return ""
        what = ", ".join(f"~/{name} ({size / 1e6:.1f} MB)" for name, size in sorted(new.items()))
        variables = sorted({_VARIABLES[name] for name in new if name in _VARIABLES})
        named = " and ".join(variables) or "a variable of the program that writes it"
        example = variables[0] if variables else "NAME"
        return (
            f"{what}: outside of the app, so the image does not have it; write it to a folder of "
            f"the app ({named}, in the script and in the image: `# cnbkit: env = {example}:"
            f"/workspace/data` and BPE_{example}=/workspace/data)"
        )


def _sizes(home: str) -> dict[str, int]:
    """Bytes below each entry of the home, and of its `.cache`, `.config` and `.local`."""
    found = {}
    for name in _listed(home):
        if name in (".cache", ".config", ".local"):
            for inner in _listed(f"{home}/{name}"):
                found[f"{name}/{inner}"] = _size(f"{home}/{name}/{inner}")
        else:
            found[name] = _size(f"{home}/{name}")
    return found


def _listed(folder: str) -> list[str]:
    try:
        return os.listdir(folder) if folder else []
    except OSError:
        return []


def _size(path: str) -> int:
    if os.path.islink(path):
        return 0
    if not os.path.isdir(path):
        return os.path.getsize(path)
    total = 0
    for folder, _, names in os.walk(path):
        for name in names:
            try:
                total += os.lstat(f"{folder}/{name}").st_size
            except OSError:
                continue
    return total
