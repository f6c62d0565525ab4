"""What a phase did and how long, as OpenTelemetry traces in OTLP's JSON form.

Written when BP_TRACE_DIR names a directory, one file a phase; any collector's `otlpjsonfile`
receiver reads them. https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
"""

from __future__ import annotations

import hashlib
import json
import os
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from cnbkit.build_context import BuildContext
    from cnbkit.context import DetectContext, GenerateContext
    from cnbkit.layer.open_layer import OpenLayer
    from cnbkit.redact import Secrets

__all__ = ["trace_phase", "write_trace"]


def trace_phase(
    ctx: DetectContext | BuildContext | GenerateContext,
    directory: str,
    phase: str,
    identity: str,
    began: int,
    error: BaseException | None,
) -> None:
    """Write the spans of a phase that ends now; a folder that cannot be written is a warning.

    Args:
        ctx: what the phase was given.
        directory: made if it is not there.
        phase: "detect", "build" or "generate".
        identity: the buildpack's name and version.
        began: when, in nanoseconds since 1970.
        error: what ended it, if not itself.
    """
    what = getattr(error, "what", None) or repr(error)
    try:
        write_trace(
            directory,
            phase,
            identity,
            began,
            time.time_ns(),
            attributes={"cnb.target": str(ctx.target), "cnb.exec_env": ctx.exec_env},
            layers=getattr(ctx, "opened", ()),
            error="" if error is None else str(what),
            secrets=ctx.log.secrets,
        )
    except OSError as failure:
        ctx.log.warning(f"no trace in BP_TRACE_DIR={directory}: {failure.strerror}")


def write_trace(
    directory: str,
    phase: str,
    identity: str,
    began: int,
    ended: int,
    *,
    attributes: dict[str, str] | None = None,
    layers: Sequence[OpenLayer] = (),
    error: str = "",
    secrets: Secrets,
) -> str:
    """Write one phase's spans: itself and its layers.

    Args:
        directory: made if it is not there.
        phase: "detect", "build" or "generate".
        identity: the buildpack's name and version.
        began: when, in nanoseconds since 1970.
        ended: when it was over.
        attributes: more to know of the phase.
        layers: those it opened.
        error: what went wrong; empty if nothing did.
        secrets: what it must not say.

    Returns:
        The file's path.
    """
    seed = f"{identity}\0{phase}\0{began}\0{os.getpid()}"
    trace = hashlib.sha256(seed.encode()).hexdigest()[:32]
    root = hashlib.sha256(f"{seed}\0".encode()).hexdigest()[:16]
    shown = {name: secrets.redacted(value) for name, value in (attributes or {}).items()}
    top = _span(trace, root, "", phase, began, ended, shown, secrets.redacted(error))
    spans = [top]
    for number, layer in enumerate(layers):
        own = hashlib.sha256(f"{seed}\0{number}".encode()).hexdigest()[:16]
        about = {"layer.state": layer.state, "layer.why": secrets.redacted("; ".join(layer.why))}
        name = f"layer {layer.layer.name}"
        failed = "failed" if layer.failed else ""
        end = layer.ended or ended
        spans.append(_span(trace, own, root, name, layer.began or end, end, about, failed))
    name, _, version = identity.rpartition(" ")
    resource = _attributes({"service.name": name or identity, "service.version": version})
    scope = {"scope": {"name": "cnbkit"}, "spans": spans}
    data = {"resourceSpans": [{"resource": {"attributes": resource}, "scopeSpans": [scope]}]}
    os.makedirs(directory, exist_ok=True)
    path = f"{directory}/{phase}-{trace}.json"
    with open(f"{path}.part", "w", encoding="utf-8") as file:
        json.dump(data, file)
        file.write("\n")
    os.replace(f"{path}.part", path)
    return path


def _span(
    trace: str,
    own: str,
    parent: str,
    name: str,
    began: int,
    ended: int,
    attributes: dict[str, str],
    error: str,
) -> dict[str, Any]:
    span: dict[str, Any] = {
        "traceId": trace,
        "spanId": own,
        "name": name,
        "kind": 1,
        "startTimeUnixNano": str(began),
        "endTimeUnixNano": str(ended),
        "attributes": _attributes(attributes),
        "status": {"code": 2, "message": error} if error else {"code": 1},
    }
    return {**span, "parentSpanId": parent} if parent else span


def _attributes(values: dict[str, str]) -> list[dict[str, Any]]:
    return [{"key": key, "value": {"stringValue": value}} for key, value in values.items() if value]
