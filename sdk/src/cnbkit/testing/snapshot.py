"""A build's results as text, to be compared with a file that is kept beside the tests."""

from __future__ import annotations

import difflib
import hashlib
import os
import stat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from cnbkit.spec.launch import Launch
    from cnbkit.testing.result_layer import ResultLayer

__all__ = ["UPDATE", "compare", "render"]

UPDATE = "CNBKIT_UPDATE_SNAPSHOTS"


def render(layers: Sequence[ResultLayer], launch: Launch, places: Mapping[str, str]) -> str:
    """All that is in the image and the cache: layers with their files, processes, labels.

    Args:
        layers: all of them.
        launch: launch.toml.
        places: folder of this machine → what it is called in the text; longer ones first.
    """
    lines: list[str] = []
    for layer in layers:
        lines += _layer(layer)
    for process in sorted(launch.processes, key=lambda each: each.type):
        default = " (default)" if process.default else ""
        arguments = f" [{' '.join(process.args)}]" if process.args else ""
        lines.append(f"process {process.type}{default}: {' '.join(process.command)}{arguments}")
    lines += sorted(f"label {label.key}={label.value}" for label in launch.labels)
    lines += [f"slice {' '.join(part.paths)}" for part in launch.slices]
    text = "\n".join([*lines, ""])
    for folder, called in places.items():
        text = text.replace(folder, called)
    return text


def _layer(layer: ResultLayer) -> Iterator[str]:
    yield f"layer {layer.name} ({', '.join(sorted(layer.types)) or 'temporary'})"
    for kind, values in (("key", layer.key), ("note", layer.notes)):
        yield from (f"  {kind} {name} = {value!r}" for name, value in sorted(values.items()))
    paths = sorted(layer.path.rglob("*")) if layer.path.is_dir() else []
    for path in paths:
        name = path.relative_to(layer.path).as_posix()
        mode = stat.filemode(path.lstat().st_mode)
        if path.is_symlink():
            yield f"  {mode[0]} {name} -> {path.readlink()}"
        elif path.is_file():
            data = path.read_bytes()
            if name.startswith(("env/", "env.build/", "env.launch/")):
                yield f"  {name} = {data.decode(errors='replace')}"
            else:
                digest = hashlib.sha256(data).hexdigest()[:12]
                yield f"  {mode} {name} {len(data)} bytes {digest}"


def compare(text: str, file: Path) -> None:
    """Check a text against a file, or write that if CNBKIT_UPDATE_SNAPSHOTS is set.

    Raises:
        AssertionError: they differ, or there is no file.
    """
    if os.environ.get(UPDATE):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        return
    remedy = f"run the test with {UPDATE}=1 if that is meant"
    if not file.is_file():
        raise AssertionError(f"there is no snapshot {file}; {remedy}:\n{text}")
    kept = file.read_text(encoding="utf-8")
    if kept != text:
        difference = difflib.unified_diff(
            kept.splitlines(), text.splitlines(), str(file), "this build", lineterm=""
        )
        raise AssertionError("\n".join([f"the build is not as in {file}; {remedy}:", *difference]))
