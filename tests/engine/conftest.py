"""Real images and programs to try the platform on."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import subprocess
import tarfile
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from cnbkit_engine.base.images import machine_architecture
from cnbkit_engine.lifecycle.install import ensure_crane
from cnbkit_engine.oci import types
from cnbkit_engine.oci.layer import Entry
from cnbkit_engine.oci.layout import Layout
from cnbkit_engine.oci.remote import Remote
from cnbkit_engine.oci.store import ImageStore
from cnbkit_engine.state.home import Home
from cnbkit_engine.testing.docker import LocalRegistry

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

# Needs nothing from the root file system it runs in.
SOURCE = r"""
#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
extern char **environ;
static void ended(int number) {
    dprintf(1, "signal %d\n", number);
    _exit(40 + number);
}
static int show(const char *path) {
    char data[65536];
    int file = open(path, O_RDONLY);
    ssize_t count = file < 0 ? -1 : read(file, data, sizeof data);
    if (count < 0) { perror(path); return 1; }
    for (ssize_t i = 0; i < count; i++) putchar(data[i] ? data[i] : ' ');
    return 0;
}
static int serve(const char *address, int port) {
    struct sockaddr_in own = {.sin_family = AF_INET, .sin_port = htons(port)};
    int one = 1, listening = socket(AF_INET, SOCK_STREAM, 0);
    inet_aton(address, &own.sin_addr);
    setsockopt(listening, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(listening, (struct sockaddr *)&own, sizeof own) || listen(listening, 8)) {
        perror("listen"); return 1;
    }
    puts("ready"); fflush(stdout);
    for (;;) {
        int connection = accept(listening, 0, 0);
        write(connection, "served", 6); close(connection);
    }
}
static int fill(size_t size, int count) {
    int status, worst = 0;
    for (int i = 0; i < count; i++) if (!fork()) {
        char *data = malloc(size);
        if (!data) { perror("malloc"); _exit(9); }
        for (size_t j = 0; j < size; j += 4096) data[j] = 1;
        sleep(1);
        _exit(0);
    }
    while (wait(&status) > 0)
        if (status) worst = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    return worst;
}
int main(int argc, char **argv) {
    const char *what = argc > 1 ? argv[1] : "";
    const char *name = strrchr(argv[0], '/') ? strrchr(argv[0], '/') + 1 : argv[0];
    if (!strcmp(what, "env")) for (char **e = environ; *e; e++) puts(*e);
    else if (!strcmp(what, "id")) printf("%d:%d\n", getuid(), getgid());
    else if (!strcmp(what, "cwd")) { char d[4096]; puts(getcwd(d, sizeof d)); }
    else if (!strcmp(what, "cat")) return show(argv[2]);
    else if (!strcmp(what, "exit")) return atoi(argv[2]);
    else if (!strcmp(what, "serve")) return serve(argv[2], atoi(argv[3]));
    else if (!strcmp(what, "fill")) return fill((size_t)atoi(argv[2]) << 20, atoi(argv[3]));
    else if (!strcmp(what, "abort")) raise(SIGABRT);
    else if (!strcmp(what, "ls")) {
        DIR *dir = opendir(argv[2]);
        if (!dir) { perror(argv[2]); return 1; }
        for (struct dirent *e; (e = readdir(dir));) if (e->d_name[0] != '.') puts(e->d_name);
    } else if (!strcmp(what, "write")) {
        FILE *file = fopen(argv[2], "w");
        if (!file) { perror(argv[2]); return 1; }
        fputs(argv[3], file); fclose(file);
        return show(argv[2]);
    } else if (!strcmp(what, "remove")) {
        if (remove(argv[2])) { perror(argv[2]); return 1; }
        return access(argv[2], F_OK) == 0;
    } else if (!strcmp(what, "wait")) {
        signal(SIGTERM, ended); signal(SIGINT, ended);
        puts("ready"); fflush(stdout);
        for (;;) pause();
    } else if (!strcmp(what, "stubborn")) {
        signal(SIGTERM, SIG_IGN); signal(SIGINT, SIG_IGN);
        puts("ready"); fflush(stdout);
        for (;;) pause();
    } else { printf("%s", name); for (int i = 1; i < argc; i++) printf(" %s", argv[i]); puts(""); }
    return 0;
}
"""


class MakeImage(Protocol):
    """Puts an image of the given layers (tar files' bytes) into the store."""

    def __call__(
        self,
        name: str,
        layers: Sequence[bytes],
        config: Mapping[str, Any] | None = None,
        *,
        architecture: str = "amd64",
        compress: bool = True,
    ) -> types.Descriptor: ...


@pytest.fixture(scope="session")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A static binary; see SOURCE for what it can do."""
    folder = tmp_path_factory.mktemp("program")
    (folder / "probe.c").write_text(SOURCE)
    command = ["gcc", "-static", "-O1", "-w", "-o", str(folder / "probe"), str(folder / "probe.c")]
    subprocess.run(command, check=True)
    return folder / "probe"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


@pytest.fixture
def make_image(home: Home) -> MakeImage:
    store = ImageStore(home.images)

    def make(
        name: str,
        layers: Sequence[bytes],
        config: Mapping[str, Any] | None = None,
        *,
        architecture: str = "amd64",
        compress: bool = True,
    ) -> types.Descriptor:
        entries = []
        for layer in layers:
            data = gzip.compress(layer, mtime=0) if compress else layer
            kind = f"application/vnd.oci.image.layer.v1.tar{'+gzip' if compress else ''}"
            entries.append({"mediaType": kind, "digest": store.put_blob(data), "size": len(data)})
        diff_ids = [f"sha256:{hashlib.sha256(layer).hexdigest()}" for layer in layers]
        document = {
            "os": "linux",
            "architecture": architecture,
            "config": config or {},
            "rootfs": {"type": "layers", "diff_ids": diff_ids},
        }
        data = json.dumps(document).encode()
        kind = "application/vnd.oci.image.config.v1+json"
        described = {"mediaType": kind, "digest": store.put_blob(data), "size": len(data)}
        manifest = {
            "schemaVersion": 2,
            "mediaType": types.OCI_MANIFEST,
            "config": described,
            "layers": entries,
        }
        store.put_manifest(name, types.OCI_MANIFEST, json.dumps(manifest).encode())
        return store.resolve(name)

    return make


def _tar(entries: Mapping[str, bytes | str | Path | tarfile.TarInfo]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in entries.items():
            if isinstance(content, tarfile.TarInfo):
                content.name = name
                archive.addfile(content)
                continue
            entry = tarfile.TarInfo(name)
            entry.mode = 0o755
            if name.startswith("workspace"):
                entry.uid, entry.gid = 1000, 1001
            if name.endswith("/"):
                entry.type = tarfile.DIRTYPE
                archive.addfile(entry)
            elif isinstance(content, str):
                entry.type, entry.linkname = tarfile.SYMTYPE, content
                archive.addfile(entry)
            else:
                data = content.read_bytes() if isinstance(content, Path) else content
                entry.size = len(data)
                archive.addfile(entry, io.BytesIO(data))
    return buffer.getvalue()


class MakeTar(Protocol):
    """A tar's bytes, of name → content (bytes or a file), link target (str), "" for a `folder/`."""

    def __call__(self, entries: Mapping[str, bytes | str | Path | tarfile.TarInfo]) -> bytes: ...


@pytest.fixture
def make_tar() -> MakeTar:
    return _tar


class PushBase(Protocol):
    """Pushes a build image of one small layer, an index of several if there are several arches."""

    def __call__(self, reference: str, *arches: str) -> str: ...


@pytest.fixture
def push_base(tmp_path: Path) -> PushBase:
    def push(reference: str, *arches: str) -> str:
        layout = Layout(tmp_path / f"base-{uuid.uuid4().hex}")
        made = []
        for arch in arches:
            settings = {"Env": ["CNB_USER_ID=1000", "CNB_GROUP_ID=1000"], "Labels": {"of": arch}}
            config = {"os": "linux", "architecture": arch, "config": settings}
            made.append(layout.image(config, [layout.layer([Entry("/arch", arch.encode())])]))
        top = made[0] if len(made) == 1 else layout.index(made)
        layout.finish(top)
        Remote(reference).push(layout.path, types.Descriptor.parse(top))
        return reference

    return push


@pytest.fixture(scope="session")
def crane() -> Path:
    """The program that looks at registries as others do."""
    return ensure_crane(Home.default(), arch=machine_architecture())


@pytest.fixture
def registry(crane: Path, tmp_path: Path) -> Iterator[str]:
    """Host and port of a registry that is not ours."""
    made = LocalRegistry(crane, tmp_path / "registry")
    yield made.host
    made.stop()
