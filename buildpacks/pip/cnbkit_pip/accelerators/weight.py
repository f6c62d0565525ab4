"""What packages weigh, asked where neither lock nor index tells it.

PyTorch's indexes are plain HTML, which knows no sizes; without one a package of a gigabyte would
share a layer with the light ones.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from cnbkit_indexes.ask import ask
from cnbkit_indexes.sources import Sources
from cnbkit_pip.accelerators.stack import is_accelerator
from cnbkit_python_inputs.package import Package

__all__ = ["shown", "weighed"]

# Seconds. A size is nice to have: nobody shall wait long for it.
_PATIENCE = 5
_FRAMEWORKS = ("torch", "tensorflow", "jax", "xgboost", "onnxruntime", "ctranslate2", "cupy")


def weighed(packages: list[Package], sources: Sources) -> list[Package]:
    """The packages with sizes, as far as whoever serves them tells."""
    todo = [each for each in packages if not each.size and _heavy(each.name)]
    if not todo:
        return packages
    with ThreadPoolExecutor(8) as pool:
        found = dict(
            zip(
                (each.name for each in todo),
                pool.map(lambda each: _with_size(each, sources), todo),
                strict=True,
            )
        )
    return [found.get(each.name, each) for each in packages]


def _heavy(name: str) -> bool:
    return is_accelerator(name) or name.startswith(_FRAMEWORKS)


def _with_size(package: Package, sources: Sources) -> Package:
    wheels = package.entry.get("wheels", [])
    if not wheels or not str(wheels[0].get("url", "")).startswith(("http://", "https://")):
        return package
    size = _asked(str(wheels[0]["url"]), sources)
    wheel = {**wheels[0], **({"size": size} if size else {})}
    return Package({**package.entry, "wheels": [wheel, *wheels[1:]]})


def _asked(url: str, sources: Sources) -> int:
    login = sources.credentials_for(url)
    try:
        return ask(url, login=login, seconds=_PATIENCE, longest=0, head=True).length
    except (OSError, ValueError):
        return 0


def shown(size: int) -> str:
    """Bytes for people."""
    if size >= 1e9:
        return f"{size / 1e9:.2f} GB"
    return f"{size / 1e6:.1f} MB" if size >= 1e5 else f"{size / 1e3:.1f} kB"
