"""PyTorch's indexes as extra ones: bound to PyTorch's packages, and asked for nothing else.

They hold old copies of many others' packages. uv asks an extra index first and believes it, so
`--extra-index-url …/whl/cu118` would make `requests==2.32.3` unknown. Without such a line, nothing
here changes anything.
"""

from __future__ import annotations

import os

from cnbkit import BuildContext
from cnbkit_python_inputs.requirements import Requirements

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cnbkit_pip.engines.engine import Wanted

__all__ = ["TorchIndex"]

_HOST = "https://download.pytorch.org/whl"
_FAMILY = ("torch", "torchvision", "torchaudio", "torchtext", "torchdata")
_EXTRA = "--extra-index-url"
_PROJECT = "cnbkit-torch"


class TorchIndex:
    """The arguments and variables of a resolution, PyTorch's index bound.

    Args:
        ctx: the build.
        wanted: what the user wrote.
        env: variables for uv.

    Attributes:
        arguments: for `uv pip compile`.
        env: variables for it.
    """

    def __init__(self, ctx: BuildContext, wanted: Wanted, env: dict[str, str]) -> None:
        self._places = (_HOST, ctx.settings.get("BP_PYTORCH_INDEX").rstrip("/") or _HOST)
        self._folder = f"{ctx.scratch}/torch-index"
        self.arguments = wanted.arguments()
        self.env = env
        named = wanted.lines() if isinstance(wanted, Requirements) else []
        names = [line.name for line in named if line.name in _FAMILY]
        lines = [line.index for line in named if self._is_extra(line.text)]
        pairs = [each.partition("=") for each in env.get("UV_INDEX", "").split()]
        theirs = [url for _, _, url in pairs if self._is_theirs(url)]
        url = next(iter([*lines, *theirs]), "")
        if not url or not names:
            return
        others = [f"{name}={place}" for name, _, place in pairs if place not in theirs]
        self.env = {**env, "UV_INDEX": " ".join(others)}
        if isinstance(wanted, Requirements):
            self._leave_out(wanted)
        self.arguments.append(self._project(url, names))

    def _is_theirs(self, url: str) -> bool:
        return any(f"{url}/".startswith(f"{place}/") for place in self._places)

    def _is_extra(self, text: str) -> bool:
        option, _, url = text.replace("=", " ", 1).partition(" ")
        return option == _EXTRA and self._is_theirs(url.strip())

    def _leave_out(self, wanted: Requirements) -> None:
        """Take the lines that name PyTorch's index out of what is written for the engine."""
        for name in wanted.files:
            text = wanted.as_read[name].split("\n")
            for line in wanted.lines():
                if line.file == name and self._is_extra(line.text):
                    text[line.number - 1] = ""
            with open(wanted.place_of(name), "w", encoding="utf-8") as file:
                file.write("\n".join(text))

    def _project(self, url: str, names: list[str]) -> str:
        """What binds names to an index, as only a project can."""
        import tomli_w

        bound = dict.fromkeys([*names, "torch"])
        if "/rocm" in url:
            bound["pytorch-triton-rocm"] = None
        document = {
            "project": {"name": _PROJECT, "version": "0", "dependencies": [*bound]},
            "tool": {
                "uv": {
                    "index": [{"name": _PROJECT, "url": url, "explicit": True}],
                    "sources": {name: {"index": _PROJECT} for name in bound},
                }
            },
        }
        os.makedirs(self._folder, exist_ok=True)
        path = f"{self._folder}/pyproject.toml"
        with open(path, "wb") as file:
            tomli_w.dump(document, file)
        return path
