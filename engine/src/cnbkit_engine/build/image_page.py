"""An image, and perhaps the build that made it, as a page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnbkit_engine.build.image_map import MAP_STYLE, layer_map
from cnbkit_engine.build.report import size_text
from cnbkit_engine.oci.sbom import components, documents
from cnbkit_engine.page.document import document, section, table, text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from cnbkit_engine.lifecycle.timeline import Mark
    from cnbkit_engine.oci.image import Image
    from cnbkit_engine.oci.store import ImageStore

__all__ = ["image_page"]

# Labels that are documents of their own; their content is what the rest of the page shows.
_DOCUMENTS = ("io.buildpacks.build.metadata", "io.buildpacks.lifecycle.metadata")
_STYLE = """
.time{display:grid;grid-template-columns:minmax(6rem,14rem) 1fr 4rem;gap:.15rem .6rem;
font-size:.9rem;align-items:center}
.time .part{padding-left:1rem;color:var(--soft)}
.track{background:var(--card);height:.9rem;border-radius:.2rem;position:relative}
.track i{position:absolute;top:0;bottom:0;background:var(--kept);border-radius:.2rem;min-width:2px}
.track .phase{background:var(--new)}
"""


def image_page(
    store: ImageStore,
    image: Image,
    *,
    states: Mapping[str, str] | None = None,
    why: Mapping[str, str] | None = None,
    marks: Sequence[Mark] = (),
    seconds: float = 0,
    variants: Sequence[Sequence[str]] = (),
) -> str:
    """One self-contained page.

    Args:
        store: where the image is.
        image: it.
        states: "built" or "reused" by layer, if a build made it just now.
        why: reasons for rebuilds, by `buildpack_id:layer`.
        marks: when each part of the build began.
        seconds: how long the build took.
        variants: rows of a table of images and the bytes they share, with its head.

    Raises:
        UserFault: a layer is damaged.
    """
    # A bill of materials lies in a folder by its layer's name, where `/` and `:` cannot stand.
    names = {each.what.replace("/", "_").replace(":", "/"): each.what for each in image.layers}
    packages = [
        (*row, names.get(layer, layer)) for *row, layer in components(documents(store, image))
    ]
    return document(
        image.name,
        _parts(store, image, packages, states or {}, why or {}, marks, seconds, variants),
        style=MAP_STYLE + _STYLE,
    )


def _parts(
    store: ImageStore,
    image: Image,
    packages: Sequence[tuple[str, ...]],
    states: Mapping[str, str],
    why: Mapping[str, str],
    marks: Sequence[Mark],
    seconds: float,
    variants: Sequence[Sequence[str]],
) -> Iterator[str]:
    yield f"<p>{text(image.platform)} on {text(image.base or 'an unknown base')}</p>"
    yield f"<p><code>{text(image.digest)}</code></p>"
    built = sum(states.get(layer.what) == "built" for layer in image.layers)
    cards = [
        (size_text(image.size), "compressed"),
        (
            str(len(image.layers)),
            f"layers, {built} of buildpacks and app new" if states else "layers",
        ),
        (str(len(packages)), "packages besides the base's"),
    ]
    if seconds:
        cards.append((f"{seconds:.1f} s", "for the build"))
    yield (
        '<div class="cards">'
        + "".join(
            f'<div class="card"><b>{text(number)}</b><span>{text(what)}</span></div>'
            for number, what in cards
        )
        + "</div>"
    )
    yield section("What costs what", layer_map(store, image, states))
    if marks:
        yield section("Where the time went", _timeline(marks, seconds))
    if len(variants) > 1:
        head, *rows = variants
        yield section("Variants", table(head, rows, numbers=(1, 2, 3)))
    if image.processes:
        rows = [
            (f"{each.type} (default)" if each.default else each.type,
             " ".join((*each.command, *each.args)), each.working_dir, each.buildpack)
            for each in image.processes
        ]  # fmt: skip
        yield section("Processes", table(("type", "command", "folder", "buildpack"), rows))
    yield section("Layers", _layers(image, states, why))
    yield section(
        "Packages",
        table(("name", "version", "licence", "layer"), packages)
        if packages
        else "<p>The image has no bill of materials.</p>",
    )
    if image.buildpacks:
        rows = [(each.id, each.version) for each in image.buildpacks]
        yield section("Buildpacks", table(("id", "version"), rows))
    labels = [each for each in sorted(image.labels.items()) if each[0] not in _DOCUMENTS]
    if labels:
        yield section("Labels", table(("label", "value"), labels))
    if image.env:
        yield section("Environment", table(("variable", "value"), sorted(image.env.items())))


def _layers(image: Image, states: Mapping[str, str], why: Mapping[str, str]) -> str:
    head = ["layer", "compressed", "digest"]
    rows = []
    for layer in image.layers:
        row: list[object] = [layer.what, size_text(layer.size), layer.digest[7:19]]
        if states:
            state = {"built": "new", "reused": "reused"}.get(states.get(layer.what, ""), "")
            reason = why.get(layer.what.replace("/", "_", 1), "") if state == "new" else ""
            row += [state, "" if reason == state else reason]
        rows.append(row)
    return table([*head, "in this build", "why"] if states else head, rows, numbers=(1,))


def _timeline(marks: Sequence[Mark], seconds: float) -> str:
    end = max(seconds, marks[-1].seconds) or 1
    rows = []
    for place, mark in enumerate(marks):
        # A phase lasts until the next one; a buildpack until whatever comes next.
        after = (each for each in marks[place + 1 :] if each.phase or not mark.phase)
        until = next((each.seconds for each in after), end)
        left, width = 100 * mark.seconds / end, 100 * (until - mark.seconds) / end
        kind = ' class="phase"' if mark.phase else ""
        name = f'<div class="{"phase" if mark.phase else "part"}">{text(mark.name)}</div>'
        rows.append(
            f'{name}<div class="track"><i{kind} style="left:{left:.2f}%;width:{width:.2f}%"></i>'
            f'</div><div class="number">{until - mark.seconds:.1f} s</div>'
        )
    return f'<div class="time">{"".join(rows)}</div>'
