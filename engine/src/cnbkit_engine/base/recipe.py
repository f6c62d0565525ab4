"""How the base images are made: two package lists, one mmdebstrap command, Dockerfiles.

    python -m cnbkit_engine.base.recipe bookworm run     print run-bookworm.Dockerfile
    python -m cnbkit_engine.base.recipe trixie build     print build-trixie.Dockerfile

Everything is read from `recipes/` beside this module. Each list is for all suites; a line for some
of them names these: `python3-distutils [bookworm]`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from cnbkit_engine.base.suites import DEFAULT, SUITES, Suite

__all__ = ["EPOCH", "OWNER", "RECIPES", "BaseRecipe", "Kind"]

Kind = Literal["run", "build"]

RECIPES = Path(__file__).with_name("recipes")
OWNER = 1000
"""User and group of builds and of the app; `finish.py` makes them."""
EPOCH = 315_532_801
"""Every file's time, in seconds: 1980-01-01 00:00:01 UTC, as in the lifecycle's own layers."""

_INPUTS = ("finish.py", "run.txt")
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_MERGED_USR = 'for d in bin sbin lib lib64; do mkdir -p "$1/usr/$d"; ln -s "usr/$d" "$1/$d"; done'
# Merged from the start there is nothing to merge, and usrmerge would bring all of Perl.
_NO_USRMERGE = (
    'printf "Package: usrmerge\\nPin: release *\\nPin-Priority: -1\\n"'
    ' > "$1/etc/apt/preferences.d/cnbkit"'
)


@dataclass(frozen=True)
class BaseRecipe:
    """The recipe of one base image.

    Args:
        kind: `run` (apps stand on it) or `build` (buildpacks run on it).
        arch: `amd64` or `arm64`, Debian's and OCI's name alike.
        folder: where the lists are.
        suite: Debian's release.
    """

    kind: Kind
    arch: str
    folder: Path = RECIPES
    suite: Suite = DEFAULT

    def packages(self) -> list[str]:
        """Packages to install, sorted; the build list stands on the run list."""
        names = ("run.txt", "build.txt") if self.kind == "build" else ("run.txt",)
        lines = (line for name in names for line in self._lines(name))
        return sorted({line for line in lines if not line.startswith("-")})

    def digest(self) -> str:
        """Twelve hexadecimal digits that change whenever the recipe does."""
        import hashlib

        parts = [*self.command(mode="any"), *self.variables(), *self.labels().items()]
        # finish.py takes more from run.txt than the packages: the "-" lines
        told = b"".join([repr(parts).encode(), *((self.folder / n).read_bytes() for n in _INPUTS)])
        return hashlib.sha256(told).hexdigest()[:12]

    def command(self, *, mode: str) -> list[str]:
        """The mmdebstrap call that writes the image's files as a tar archive to its output.

        To be run in `folder`, with `SOURCE_DATE_EPOCH` set. No mirror is named: mmdebstrap's own
        default brings the suite with its security updates.

        Args:
            mode: mmdebstrap's `--mode`, `root` or `unshare`; the archive is the same.
        """
        return [
            "mmdebstrap",
            f"--mode={mode}",
            # without apt, or with it; both bring what Debian calls essential
            f"--variant={'essential' if self.kind == 'run' else 'apt'}",
            f"--architectures={self.arch}",
            f"--include={','.join(self.packages())}",
            '--aptopt=Acquire::Languages "none"',
            *(f"--dpkgopt={line}" for line in self._lines("dpkg.cfg")),
            "--skip=cleanup",  # finish.py does it, for the Dockerfile too
            f"--setup-hook={_MERGED_USR}",
            f"--setup-hook={_NO_USRMERGE}",
            f"--customize-hook=copy-in {' '.join(_INPUTS)} /tmp",
            f'--customize-hook=chroot "$1" {self._finish()}',
            self.suite.name,
            "-",
        ]

    def variables(self) -> dict[str, str]:
        """The image's environment (Platform API, "Build Image" and "Run Image")."""
        if self.kind == "run":
            return {"PATH": _PATH}
        return {
            "PATH": _PATH,
            "CNB_USER_ID": str(OWNER),
            "CNB_GROUP_ID": str(OWNER),
            "CNB_STACK_ID": self.suite.stack,  # kpack and packs before 0.30 still need it
        }

    def labels(self) -> dict[str, str]:
        """The image's labels (Platform API, "Target Data" and "Deprecations")."""
        purpose = "runs apps" if self.kind == "run" else "runs buildpacks"
        base = "io.buildpacks.base"
        return {
            f"{base}.id": self.suite.stack,
            f"{base}.maintainer": "cnbkit",
            f"{base}.homepage": "https://github.com/cnbkit/cnbkit",
            f"{base}.description": (
                f"Debian {self.suite.version} with Python {self.suite.python}; {purpose}"
            ),
            f"{base}.distro.name": "debian",
            f"{base}.distro.version": self.suite.version,
            "io.buildpacks.stack.id": self.suite.stack,
        }

    def dockerfile(self) -> str:
        """A Dockerfile for the same image, for where an image builder is at hand."""
        wrap = " \\\n        "
        name = self.suite.name
        return "\n".join(
            [
                f"# Generated: python -m cnbkit_engine.base.recipe {name} {self.kind}",
                f"# Build with: docker build -f {self.kind}-{name}.Dockerfile .",
                f"FROM debian:{name}-slim AS packages",
                "COPY dpkg.cfg /etc/dpkg/dpkg.cfg.d/cnbkit",
                f"COPY {' '.join(_INPUTS)} /tmp/",
                "RUN apt-get update && apt-get install -y --no-install-recommends"
                + wrap
                + wrap.join(self.packages()),
                f"RUN {self._finish()}",
                "",
                "# one layer, without the files removed above",
                "FROM scratch",
                "COPY --from=packages / /",
                *(f"ENV {key}={value}" for key, value in self.variables().items()),
                *(f'LABEL {key}="{value}"' for key, value in self.labels().items()),
                f"USER {OWNER}:{OWNER}",
                "",
            ]
        )

    def _finish(self) -> str:
        # A fixed hash seed makes byte code reproducible: sets are written in hash order.
        script, run_list = (f"/tmp/{name}" for name in _INPUTS)  # noqa: S108 - in the image
        call = f"env -i PATH={_PATH} PYTHONHASHSEED=0 python3 -S -B"
        return f"{call} {script} {self.kind} {run_list}"

    def _lines(self, name: str) -> list[str]:
        lines = (self.folder / name).read_text(encoding="utf-8").splitlines()
        return list(filter(None, map(self._entry, lines)))

    def _entry(self, line: str) -> str:
        """What stands in a line for this suite; empty if that is nothing."""
        entry, _, suites = line.partition("#")[0].partition(" [")
        named = suites.replace("]", " ").split()
        return "" if named and self.suite.name not in named else entry.strip()


if __name__ == "__main__":
    import sys

    suite, chosen = sys.argv[1:]
    kind: Kind = "run" if chosen == "run" else "build"
    sys.stdout.write(BaseRecipe(kind, "amd64", suite=SUITES[suite]).dockerfile())
