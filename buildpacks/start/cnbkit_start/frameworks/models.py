"""Servers of models: MLflow, BentoML, Ray Serve."""

from __future__ import annotations

from cnbkit_start.frameworks.seen import PORT, Seen, process
from cnbkit_start.process import Found
from cnbkit_start.source import folders

__all__ = ["bentofile", "bentoml", "mlflow", "ray"]

_HOOK = ".cnbkit/post-build"
# `bentoml.sklearn.load_model("iris:latest")`, `bentoml.models.get("iris")`, `BentoModel("iris")`.
_MODEL = (
    r"(?:\bbentoml(?:\.\w+)*\.(?:load_model|get|load_runner)|\bBentoModel)\(\s*"
    r"(?:tag\s*=\s*)?[\"'](?P<model>[\w.-]+(?::[\w.-]+)?)[\"']"
)
_BENTOML = f"bentoml serve --host 0.0.0.0 --port {PORT}"


def mlflow(seen: Seen) -> Found | None:
    """A model in MLflow's format, in the root or a folder."""
    if not seen.packages.has("mlflow"):
        return None
    for folder in (".", *folders(seen.app.root)):
        if seen.app.has(f"{folder}/MLmodel"):
            line = (
                f"mlflow models serve --model-uri {folder} --host 0.0.0.0 --port {PORT} "
                "--env-manager local"
            )
            return process(line, f"{folder}/MLmodel".removeprefix("./"))
    return None


def bentofile(seen: Seen) -> Found | None:
    """The service of BentoML that bentofile.yaml names; it may hold an app of FastAPI."""
    if not seen.packages.has("bentoml") or not seen.app.has("bentofile.yaml"):
        return None
    for number, line in enumerate(seen.app.text("bentofile.yaml").splitlines(), 1):
        key, _, value = line.partition(":")
        service = value.partition(" #")[0].strip(" \t\r\"'")
        is_name = service.replace(":", "_").replace(".", "_").isidentifier()
        if key == "service" and is_name:
            line = f"{_BENTOML} {service}"
            return process(line, f"bentofile.yaml:{number}", warning=_stored(seen))
    return None


def bentoml(seen: Seen) -> Found | None:
    """A service of BentoML: a class."""
    if not seen.packages.has("bentoml"):
        return None
    for source in seen.sources:
        if source.code.imports("bentoml"):
            name, number = source.code.decorated("bentoml.service", "service")
            if name:
                path = f"--working-dir {source.root} " if source.root else ""
                target = f"{source.module}:{name}"
                line = f"{_BENTOML} {path}{target}"
                return process(line, f"{source.name}:{number}", warning=_stored(seen))
    return None


def _stored(seen: Seen) -> str:
    """What to say of a model that the app takes from BentoML's store, which no image has."""
    if seen.app.has(_HOOK):  # it may train, and say where the store is
        return ""
    import re

    for source in seen.sources:
        if not source.code.imports("bentoml"):
            continue
        text = seen.app.text(source.name)
        if "BENTOML_HOME" in text:
            return ""
        if found := re.search(_MODEL, text):
            number = text.count("\n", 0, found.start()) + 1
            return (
                f"{source.name}:{number} takes the model {found['model']} from BentoML's store, "
                "which is in the home of whoever trained it and not in the image: train it in "
                f"{_HOOK} with BENTOML_HOME=/workspace/.bentoml, and build with "
                "--env BPE_BENTOML_HOME=/workspace/.bentoml"
            )
    return ""


def ray(seen: Seen) -> Found | None:
    """An application of Ray Serve."""
    if not seen.packages.has("ray"):
        return None
    for source in seen.sources:
        name, line = source.code.made_by("bind", last=True)
        if name and source.code.imports("ray"):
            root = f"sys.path.insert(0, {source.root!r}); " if source.root else ""
            code = (
                f"import os, signal, sys; {root}sys.path.insert(0, '.'); from ray import serve; "
                "serve.start(http_options={'host': '0.0.0.0', "
                "'port': int(os.environ.get('PORT') or 8080)}); "
                # Ray's own handler aborts, with a stack trace.
                "signal.signal(signal.SIGTERM, lambda *_: sys.exit(0)); "
                f"from {source.module} import {name}; serve.run({name}, blocking=True)"
            )
            text = f"Ray Serve with {source.module}:{name}"
            return Found("web", text, ["python3", "-c", code], f"{source.name}:{line}")
    return None
