"""The `weights` buildpack: files that weights.toml names → layers, and links to them in the app."""

from __future__ import annotations

import hashlib

from cnbkit import BuildContext, Buildpack, BuildResult, Layer, LayerKey, Log, Triggers, key
from cnbkit_weights.config import Options
from cnbkit_weights.index import Index
from cnbkit_weights.place import check_targets, link

__all__ = ["FILE", "Contents", "Weights"]

FILE = "weights.toml"


class Contents(LayerKey):
    """What a layer holds: files by their checksum, whatever their address or target."""

    files: list[str] = key("files")


class Weights(Buildpack):
    """Fetches weights once, and never puts them into the app's own layer."""

    repeatable = True
    triggers = Triggers(FILE)
    config = Options

    # Which file is in which layer: while weights.toml is the same, nothing else is read.
    index = Layer.cached("index")

    def build(self, ctx: BuildContext) -> BuildResult:
        """Link what is there; fetch what is not."""
        options = self.config.read(ctx.settings)
        digest = hashlib.sha256(ctx.app.bytes(FILE) + bytes([options.cache])).hexdigest()
        with ctx.layer(self.index) as layer:
            index = Index.read(layer.directory)
            there = ctx.restored_layers()
            source = None
            if index.digest != digest or any(each not in there for each in index.layers):
                from cnbkit_weights.source import Source

                source = Source.read(ctx, options, FILE)
                index = source.arrange(digest)
            else:
                check_targets(ctx.app.root, FILE, index.files)
            opened = {
                name: ctx.layer(_layer(name, options.cache), _contents(files))
                for name, files in index.layers.items()
            }
            missing = [each for each in opened.values() if each.rebuild]
            if missing:
                from cnbkit_weights.source import Source

                source = source or Source.read(ctx, options, FILE)
                source.fill(missing, index)
            for each in opened.values():
                if not each.rebuild:
                    with each:
                        pass
            for file in index.files:
                link(ctx.app.root, file.target, f"{opened[file.layer].directory}/{file.sha256}")
            index.write(layer.directory)
        if not missing:
            ctx.log.info(
                f"{FILE}: {Log.counted(len(index.files), 'file')} as in the previous image"
            )
        return BuildResult()


def _layer(name: str, cache: bool) -> Layer:
    # Not as a build layer: hooks find the files at their targets, and nothing is to be set.
    return Layer.cached(name, launch=True) if cache else Layer.launch(name)


def _contents(files: list[str]) -> Contents:
    return Contents(files=[f"{sha256[:12]} #{sha256}" for sha256 in files])
