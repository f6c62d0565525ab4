"""What the image has besides the app: programs on its PATH, and modules Python can import."""

from __future__ import annotations

import os

from cnbkit import BuildContext, PythonBuild
from cnbkit_start.check.breaks import needs_of
from cnbkit_start.check.standard import is_lost, is_standard

__all__ = ["Image", "Known"]

_TABLES = ("launch.toml", "build.toml", "store.toml")
# Written by cnbkit's build images; where it is missing the run image may have anything.
_STATUS = "/usr/share/cnbkit/run-image/status"
_DPKG = "/var/lib/dpkg/info"
_SYSTEM = ("usr/local/sbin", "usr/local/bin", "usr/sbin", "usr/bin", "sbin", "bin")
_BASICS = ("sh", "bash", "env", "python3", "cat", "echo", "sleep", "test", "true", "mkdir", "cp")
# In place of a module's name: there are others, and nobody can say which.
_OTHERS = "*"
# Below a layer; `*` is one step.
_SITES = (
    *("lib/*/site-packages", "*/lib/*/site-packages"),
    *("usr/lib/python3/dist-packages", "lib/*/dist-packages"),
)


class Known:
    """Programs and modules of a layer.

    Attributes:
        digest: of what says which contents the layer has.
        programs: names of those on PATH.
        modules: names that can be imported.
        needs: `module:needed` for modules that import what newer Pythons have no more.
        leads: `module:refused` for modules that import one which cannot be loaded.
    """

    __slots__ = ("digest", "leads", "modules", "needs", "programs")

    def __init__(
        self,
        digest: str,
        programs: list[str],
        modules: list[str],
        needs: list[str],
        leads: list[str] | None = None,
    ) -> None:
        self.digest = digest
        self.leads = leads or []
        self.programs = programs
        self.modules = modules
        self.needs = needs

    @property
    def lists(self) -> tuple[list[str], ...]:
        """All of it, in the order in which it is remembered."""
        return self.programs, self.modules, self.needs, self.leads


class Image:
    """The layers of a build so far, and the run image below them.

    Args:
        ctx: the build.
        remembered: what `text` was at earlier builds: layers that the previous image has are not
            there to look at.
        system: where the build image's own files are; tests have them elsewhere.
    """

    def __init__(self, ctx: BuildContext, remembered: str = "", system: str = "") -> None:
        self._system = system
        told = PythonBuild.read(ctx)
        self._python = told.python_version
        before = _parsed(remembered)
        self.layers: dict[str, Known] = {}
        self.unknown: list[str] = []
        for directory, digest in sorted(_launch_layers(ctx).items()):
            old = before.get((directory, digest))
            if os.path.isdir(directory):
                self.layers[directory] = _look(directory, digest)
            elif old:
                self.layers[directory] = old
            else:
                self.unknown.append(directory)
        if told.missing_libraries:
            self._follow(told.missing_libraries)
        self._programs = {name for each in self.layers.values() for name in each.programs}
        self._modules = {name for each in self.layers.values() for name in each.modules}

    def _follow(self, path: str) -> None:
        """Find what comes to a file that cannot be loaded, in layers that are here."""
        from cnbkit_start.check.leads import leads
        from cnbkit_start.check.libraries import refused

        here = {layer: _sites(layer) for layer in self.layers if os.path.isdir(layer)}
        for layer, found in leads(here, refused(path), self.leads).items():
            self.layers[layer].leads = [f"{name}:{target}" for name, target in found.items()]

    @property
    def leads(self) -> dict[str, str]:
        """Modules that come to one which cannot be loaded, and that one."""
        return dict(each.split(":") for layer in self.layers.values() for each in layer.leads)

    @property
    def needs(self) -> list[str]:
        """`module:needed`, of all layers."""
        return [name for each in self.layers.values() for name in each.needs]

    @property
    def sites(self) -> list[str]:
        """Folders of packages, of layers that are here."""
        return [folder for layer in self.layers for folder in _sites(layer)]

    @property
    def text(self) -> str:
        """All of it, to be remembered."""
        return "".join(
            "\t".join([path, each.digest, *map(" ".join, each.lists)]) + "\n"
            for path, each in self.layers.items()
        )

    def has_program(self, name: str) -> bool | None:
        """Whether a program is found on PATH; None if that is not known."""
        if name in self._programs or name in _BASICS:
            return True
        here = self._of_run_image(name)
        return here if here or not self.unknown else None

    def has_file(self, path: str) -> bool | None:
        """Whether a program outside the app is there, by its absolute path."""
        folder, _, name = path.rpartition("/")
        if folder.lstrip("/") not in _SYSTEM:
            return True if os.path.exists(path) else None
        return True if name in _BASICS else self._of_run_image(name)

    def has_module(self, name: str) -> bool | None:
        """Whether Python can import a module that is not the app's, by its first name."""
        if name in self._modules or is_standard(name, self._python):
            return True
        if self.unknown or _OTHERS in self._modules:
            return None
        return False if self._modules or self._of_base_alone(name) else None

    def _of_base_alone(self, name: str) -> bool:
        """Whether no layer has a package, and Python's own in the base lack a module for sure."""
        if not os.path.exists(f"{self._system}{_STATUS}"):
            return False
        there = _listed(f"{self._system}/usr/lib/python3/dist-packages")
        return name not in map(_module, there)

    def lost(self, name: str) -> bool:
        """Whether the app's Python has a module no more that others had, and no package has it."""
        return is_lost(name, self._python) and self.has_module(name) is False

    def _of_run_image(self, name: str) -> bool | None:
        """Whether the run image has a program, told by the build image that was made with it."""
        found = [path for path in _SYSTEM if os.path.exists(f"{self._system}/{path}/{name}")]
        if not os.path.exists(f"{self._system}{_STATUS}"):
            # Another builder's: what the build image lacks the run image may have.
            return True if found else None
        if not found:
            return False
        packages = _owners(self._system, {f"/{path}/{name}" for path in found})
        if not packages:  # of no package: an alternative, or copied in
            return None
        with open(f"{self._system}{_STATUS}", encoding="utf-8") as file:
            kept = {line[9:].strip() for line in file if line.startswith("Package: ")}
        return bool(packages & kept)


def _owners(system: str, paths: set[str]) -> set[str]:
    """The packages that have these files; /bin is /usr/bin to some."""
    paths |= {f"/usr{path}" for path in paths} | {path.removeprefix("/usr") for path in paths}
    found = set()
    for name in sorted(os.listdir(f"{system}{_DPKG}")):
        if name.endswith(".list"):
            with open(f"{system}{_DPKG}/{name}", encoding="utf-8") as file:
                if not paths.isdisjoint(file.read().split("\n")):
                    found.add(name.removesuffix(".list").partition(":")[0])
    return found


def _parsed(text: str) -> dict[tuple[str, str], Known]:
    """By directory and digest."""
    found = {}
    for line in text.splitlines():
        fields = line.split("\t")
        # The last one is newer than some images.
        if len(fields) in (5, 6):
            path, digest, *lists = fields
            found[path, digest] = Known(digest, *(each.split() for each in lists))
    return found


def _launch_layers(ctx: BuildContext) -> dict[str, str]:
    """Directory of each layer of other buildpacks in the image, and a digest of its contents."""
    import hashlib

    own = os.path.dirname(ctx.scratch)
    root = os.path.dirname(own)
    found = {}
    for buildpack in os.listdir(root):
        folder = f"{root}/{buildpack}"
        if folder == own or not os.path.isdir(folder):
            continue
        for name in os.listdir(folder):
            if name.endswith(".toml") and name not in _TABLES:
                with open(f"{folder}/{name}", "rb") as file:
                    text = file.read()
                if b"launch = true" in text:
                    # cnbkit's layers say what they hold; of others all of the table counts.
                    _, mark, rest = text.partition(b'digest = "')
                    said = rest.partition(b'"')[0] if mark else text
                    digest = hashlib.sha256(said).hexdigest()[:24]
                    found[f"{folder}/{name.removesuffix('.toml')}"] = digest
    return found


def _look(layer: str, digest: str) -> Known:
    folders = [f"{layer}/bin"]
    for directory in ("env", "env.launch"):
        for name in _listed(f"{layer}/{directory}"):
            if name.partition(".")[0] == "PATH" and not name.endswith(".delim"):
                with open(f"{layer}/{directory}/{name}", encoding="utf-8") as file:
                    folders += file.read().strip().split(":")
    programs = {name for folder in folders if folder for name in _listed(folder)}
    modules = set()
    needs: list[str] = []
    for folder in _sites(layer):
        names = _listed(folder)
        modules |= {_module(name) for name in names} | _named_by_pth(folder, names)
        needs += needs_of(folder, names)
    plain = [name for name in programs if not set(name) & set(" \t\n")]
    names = [name for name in modules if name.isidentifier() or name == _OTHERS]
    return Known(digest, sorted(plain), sorted(names), sorted(needs))


def _sites(layer: str) -> list[str]:
    """Folders of packages."""
    return [folder for each in _SITES for folder in _matching(layer, each.split("/"))]


def _module(file: str) -> str:
    """What a file or folder of site-packages is imported as."""
    if file.endswith((".dist-info", ".egg-info")):
        return ""
    return file.partition(".")[0]


def _named_by_pth(folder: str, names: list[str]) -> set[str]:
    """Modules of the folders that `.pth` files name; of editable projects code finds them."""
    found = set()
    for name in names:
        if not name.endswith(".pth"):
            continue
        with open(f"{folder}/{name}", encoding="utf-8", errors="replace") as file:
            lines = file.read().splitlines()
        for line in lines:
            if line.startswith(("import ", "import\t")):
                found |= {_OTHERS} if "editable" in name else set()
            elif line.strip() and line[0] != "#":
                path = os.path.join(folder, line.strip())
                found |= {_module(each) for each in _listed(path)} or {_OTHERS}
    return found


def _matching(folder: str, steps: list[str]) -> list[str]:
    step, *rest = steps
    names = _listed(folder) if step == "*" else [step]
    found = [f"{folder}/{name}" for name in names if os.path.isdir(f"{folder}/{name}")]
    return [each for path in found for each in _matching(path, rest)] if rest else found


def _listed(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []
