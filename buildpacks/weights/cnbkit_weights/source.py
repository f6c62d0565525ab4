"""Where the files come from, once something has to be done: read, arranged, fetched, stored."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from cnbkit import BuildContext, Component, Log, PlatformFault, UserFault, bill_of_materials
from cnbkit_weights.address import Address, Endpoints, locate
from cnbkit_weights.entries import Entry, read_entries
from cnbkit_weights.fetch import Wanted, fetch
from cnbkit_weights.index import Index, Placed
from cnbkit_weights.login import binding_for, headers_for
from cnbkit_weights.place import check_targets

if TYPE_CHECKING:
    from cnbkit import OpenLayer
    from cnbkit_weights.config import Options

__all__ = ["Source"]

# Files of this size have layers of their own; the others share one.
_OWN = 16 << 20
_PACK = "pack"
# Container engines mount 127 layers at most, and other buildpacks need some.
_MOST = 80
_ADDRESSES = (
    "write https://host/path, hf://org/name@<commit>/path, s3://bucket/key, gs://bucket/object "
    "or file:///path"
)


@dataclass
class Source:
    """All that weights.toml names.

    Attributes:
        ctx: the build.
        file: the file's name.
        entries: what it names.
        addresses: of each entry, in the same order.
        wanted: what is to be fetched for a checksum.
        got: checksum → path of what is here already.
    """

    ctx: BuildContext
    file: str
    entries: list[Entry]
    addresses: list[Address]
    wanted: dict[str, Wanted]
    got: dict[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, ctx: BuildContext, options: Options, file: str) -> Source:
        """Read the file, and find what goes by its name in the app and in bindings.

        Raises:
            UserFault: something in it is wrong; every fault with its line.
        """
        entries = read_entries(ctx, file)
        faults = []
        addresses = []
        wanted: dict[str, Wanted] = {}
        for entry in entries:
            try:
                address, one = _wanted(ctx, options, entry)
            except ValueError as error:
                faults.append((entry.line, str(error)))
                continue
            addresses.append(address)
            wanted.setdefault(entry.sha256, one)
        if faults:
            raise UserFault.of(file, faults, remedy=_ADDRESSES)
        source = cls(ctx, file, entries, addresses, wanted)
        placed = [Placed(each.sha256, "", each.line, each.target) for each in entries]
        source.got.update(check_targets(ctx.app.root, file, placed))
        return source

    def arrange(self, digest: str) -> Index:
        """Say which layer each file goes to; fetch those whose size nobody knows.

        Args:
            digest: of what this was read from.

        Raises:
            UserFault: more large files than an image can have layers.
        """
        there = {*self.ctx.restored_layers()}
        packed = self._packed()
        own = {entry.sha256: entry.size >= _OWN for entry in self.entries if entry.size is not None}
        for entry in self.entries:
            if _own_layer(entry.sha256) in there:
                own.setdefault(entry.sha256, True)
            elif entry.sha256 in packed:
                own.setdefault(entry.sha256, False)
        self._fetch([each.sha256 for each in self.entries if each.sha256 not in own])
        for sha256, path in self.got.items():
            own.setdefault(sha256, os.path.getsize(path) >= _OWN)
        large = sum(own.values())
        if large > _MOST:
            raise UserFault.of(
                self.file,
                [(1, f"{large} files of {_OWN >> 20} MiB or more; {_MOST} layers are allowed")],
                remedy="join the parts to fewer files: an image can have 127 layers in all",
            )
        files = [
            Placed(e.sha256, _own_layer(e.sha256) if own[e.sha256] else _PACK, e.line, e.target)
            for e in self.entries
        ]
        return Index(digest, files)

    def fill(self, layers: list[OpenLayer], index: Index) -> None:
        """Have the files of these layers in them.

        Raises:
            UserFault: an address does not give what it should.
            PlatformFault: network, or disk.
        """
        for why in dict.fromkeys("; ".join(each.why) for each in layers):
            self.ctx.log.info(f"{self.file}: {why}")
        files = {each.layer.name: index.layers[each.layer.name] for each in layers}
        self._fetch([sha256 for each in files.values() for sha256 in each])
        for each in layers:
            with each as layer:
                for sha256 in files[layer.layer.name]:
                    self._store(sha256, f"{layer.directory}/{sha256}")
                for kind, bill in bill_of_materials(
                    [self._component(sha256) for sha256 in files[layer.layer.name]]
                ).items():
                    layer.sbom(kind, bill)
        new = {sha256 for each in files.values() for sha256 in each}
        total = sum(os.path.getsize(self.got[each]) for each in new)
        kept = len(index.layers) - len(layers)
        again = f"; {kept} as in the previous image" if kept else ""
        self.ctx.log.info(
            f"{Log.counted(len(self.entries), 'file')} in "
            f"{Log.counted(len(index.layers), 'layer')}: "
            f"{len(layers)} new with {total / 1e6:.1f} MB{again}"
        )

    def _packed(self) -> str:
        """The table of the layer with small files, as it was restored: it names them."""
        try:
            path = f"{os.path.dirname(self.ctx.scratch)}/{_PACK}.toml"
            with open(path, encoding="utf-8", errors="replace") as file:
                return file.read()
        except OSError:
            return ""

    def _fetch(self, checksums: list[str]) -> None:
        missing = [self.wanted[each] for each in dict.fromkeys(checksums) if each not in self.got]
        if not missing:
            return
        self.got.update(fetch(self.ctx, self.file, missing))
        faults = [
            (each.line, f"{each.target} has {size} bytes, not {each.size}")
            for each in self.entries
            if each.size is not None
            and each.sha256 in self.got
            and (size := os.path.getsize(self.got[each.sha256])) != each.size
        ]
        if faults:
            raise UserFault.of(self.file, faults, remedy="correct size, or leave it out")

    def _store(self, sha256: str, path: str) -> None:
        source = self.got[sha256]
        try:
            if source.startswith((f"{self.ctx.scratch}/", f"{self.ctx.fetched}/")):
                os.rename(source, path)
                self.got[sha256] = path
            else:
                shutil.copyfile(source, path)
            os.chmod(path, 0o644)
        except OSError as error:
            raise PlatformFault(
                f"cannot store {self.wanted[sha256].entry.target}: {error.strerror}",
                where=path,
                remedy="free some space, or give the build a larger disk",
            ) from None

    def _component(self, sha256: str) -> Component:
        at = next(at for at, each in enumerate(self.entries) if each.sha256 == sha256)
        entry, address = self.entries[at], self.addresses[at]
        if address.scheme == "hf":
            # purl-spec, types-doc/huggingface: names as they are, the commit as version.
            folder, _, name = address.place.rpartition("/")
            about = {"file_name": entry.name, "checksum": f"sha256:{sha256}"}
            return Component("huggingface", name, address.revision, folder, about, sha256=sha256)
        about = {"checksum": f"sha256:{sha256}"}
        return Component("generic", entry.name, sha256[:12], "", about, sha256=sha256)


def _own_layer(sha256: str) -> str:
    return f"file-{sha256[:16]}"


def _wanted(ctx: BuildContext, options: Options, entry: Entry) -> tuple[Address, Wanted]:
    endpoints = Endpoints(
        hub=options.hf_endpoint or ctx.settings.get("HF_ENDPOINT"),
        s3=options.s3_endpoint,
        gs=options.gs_endpoint,
        region=ctx.settings.get("AWS_REGION"),
    )
    scheme, _, rest = entry.uri.partition("://")
    place = rest.partition("/")[0] if scheme in ("s3", "gs") else entry.uri
    binding = binding_for(ctx, scheme, place)
    if binding is not None and scheme == "s3":
        endpoints = replace(
            endpoints,
            s3=binding.text("endpoint", "").strip() or endpoints.s3,
            region=binding.text("region", "").strip() or endpoints.region,
        )
    address = locate(entry.uri, endpoints)
    headers = None if binding is None else headers_for(binding, address, endpoints.region)
    return address, Wanted(entry, address, headers, binding.name if binding else "")
