"""Turn freshly installed Debian packages into a base image; runs inside it.

    python3 finish.py run run.txt      keep the listed packages and what they need, drop the rest
    python3 finish.py build run.txt    keep everything, make the places a build mounts things at,
                                       and note what the run image made of that list has

mmdebstrap's last hook and the Dockerfiles both call this, so that the two ways give one image.
Only the standard library may be imported: nothing else is there yet.
"""

from __future__ import annotations

import compileall
import os
import re
import shutil
import sys
import time
from pathlib import Path
from py_compile import PycInvalidationMode

DPKG = Path("/var/lib/dpkg")
STDLIB = (
    Path(f"/usr/lib/python3.{sys.version_info.minor}"),
    Path("/usr/lib/python3"),
    Path("/usr/share/python3"),
)
# where ld.so looks by itself: /lib and /usr/lib, and below them the folder of the architecture
LIBRARY = re.compile(r"(?:/usr)?/lib(?:64|/[^/]+-linux-gnu)?/[^/]+\.so(?:\.[^/]*)?")
OWNER = 1000
"""User and group of builds and of the app: kpack, Tekton and Heroku's builders agree on 1000."""

Paragraph = dict[str, str]


def read_status() -> dict[str, Paragraph]:
    """Installed packages by name, as dpkg's database describes them (deb822 paragraphs)."""
    found = {}
    for text in (DPKG / "status").read_text().split("\n\n"):
        if fields := dict(re.findall(r"^(\S+?):(.*(?:\n[ \t].*)*)", text, re.MULTILINE)):
            found[fields["Package"].strip()] = fields
    return found


def write_status(file: Path, packages: dict[str, Paragraph]) -> None:
    """Write dpkg's database of these packages, one paragraph for each; none needs another one."""
    present = provided(packages)
    paragraphs = (
        "".join(f"{key}:{value}\n" for key, value in without_missing(fields, present).items())
        for _, fields in sorted(packages.items())
    )
    file.write_text("\n".join(paragraphs))


def alternatives(group: str) -> list[str]:
    """Package names of one group of a dependency field: ``a (>= 1) | b:any`` is a, b."""
    return [re.split(r"[\s:(]", name.strip(), maxsplit=1)[0] for name in group.split("|")]


def provided(packages: dict[str, Paragraph]) -> dict[str, str]:
    """Every name, real or virtual, to the installed package that answers to it."""
    found: dict[str, str] = {}
    for name, fields in sorted(packages.items()):
        for virtual in filter(str.strip, fields.get("Provides", "").split(",")):
            found.setdefault(alternatives(virtual)[0], name)
    return found | {name: name for name in packages}


def closure(wanted: list[str], cut: set[str], packages: dict[str, Paragraph]) -> set[str]:
    """The wanted packages and all they depend on, not following what ``cut`` names."""
    answers = provided(packages)
    keep: set[str] = set()
    todo = list(wanted)
    while todo:
        name = todo.pop()
        if name in keep or name in cut:
            continue
        keep.add(name)
        for key in ("Pre-Depends", "Depends"):
            for group in packages[name].get(key, "").split(","):
                # the first alternative that is installed, which is the one apt chose
                todo += [answers[a] for a in alternatives(group) if a in answers][:1]
    return keep


def without_missing(fields: Paragraph, present: dict[str, str]) -> Paragraph:
    """The paragraph with dependencies on dropped packages taken out.

    Otherwise apt, given this database by the apt buildpack, would refuse to resolve anything
    before the "broken" packages are mended.
    """
    kept = dict(fields)
    for key in ("Pre-Depends", "Depends", "Recommends", "Suggests"):
        met = [
            group
            for group in fields.get(key, "").split(",")
            if any(name in present for name in alternatives(group))
        ]
        kept.pop(key, None)
        if met:
            kept[key] = " " + ",".join(met).strip()
    return kept


def listed_files(info: Path) -> set[str]:
    """Paths in a ``.list`` file, with the links of merged /usr (/bin, /lib) resolved."""
    paths = (os.path.split(line) for line in info.read_text().splitlines() if line != "/.")
    return {f"{os.path.realpath(parent)}/{name}" for parent, name in paths}


def suite() -> str:
    """Debian's release that this is."""
    release = Path("/etc/os-release").read_text()
    (name,) = re.findall(r"^VERSION_CODENAME=(\w+)$", release, re.MULTILINE)
    return str(name)


def entry(line: str, suite: str) -> str:
    """What stands in a line of the list for a suite: ``name [suite suite]  # reason``."""
    package, _, suites = line.partition("#")[0].partition(" [")
    named = suites.replace("]", " ").split()
    return "" if named and suite not in named else package.strip()


def chosen(run_list: Path, packages: dict[str, Paragraph]) -> set[str]:
    """Names of the packages that the run image has by its list."""
    lines = [entry(line, suite()) for line in run_list.read_text().splitlines()]
    cut = {line[1:] for line in lines if line.startswith("-")}
    return closure([line for line in lines if line and line[0] != "-"], cut, packages)


def keep_only(keep: set[str], packages: dict[str, Paragraph]) -> None:
    """Delete every other package: its files and its traces in dpkg's database.

    dpkg cannot do this itself: it would run removal scripts that need the tools being removed,
    and in the end it has to go too.
    """
    owned: set[str] = set()
    dropped: set[str] = set()
    for info in sorted((DPKG / "info").iterdir()):
        name = info.name.rpartition(".")[0].partition(":")[0]
        if info.suffix == ".list":
            (owned if name in keep else dropped).update(listed_files(info))
        if name and name not in keep:
            info.unlink()
    # children before their parents, so that a directory is empty when its turn comes
    for path in map(Path, sorted(dropped - owned, reverse=True)):
        if path.is_symlink() or path.is_file():
            path.unlink()
        elif path.is_dir() and not any(path.iterdir()):
            path.rmdir()
    write_status(DPKG / "status", {name: packages[name] for name in keep})


def remove(*patterns: str) -> None:
    """Delete what the absolute glob patterns match, directories with their contents."""
    for pattern in patterns:
        for path in sorted(Path("/").glob(pattern.lstrip("/"))):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()


def remove_dangling_links() -> None:
    """Delete links whose target went with its package, or was left out while unpacking."""
    for _ in range(2):  # /usr/bin/x -> /etc/alternatives/x -> the file that is gone
        for folder in ("/usr", "/etc"):
            for path in list(Path(folder).rglob("*")):
                if path.is_symlink() and not path.exists():
                    path.unlink()


def compile_stdlib() -> None:
    """Replace Debian's byte code, which is checked against file times, by unchecked code.

    Layers carry a fixed time, so checked code would count as stale at every start.
    """
    for folder in filter(Path.exists, STDLIB):
        for cache in folder.rglob("__pycache__"):
            shutil.rmtree(cache)
        compileall.compile_dir(
            folder, quiet=1, invalidation_mode=PycInvalidationMode.UNCHECKED_HASH
        )


def trust_one_bundle() -> None:
    """Have OpenSSL read the bundle itself, over which a build mounts the host's.

    Debian's own default is a folder of links, which such a mount would not reach; and the links
    to that folder are in the `openssl` package, which the run image does without.
    """
    folder = Path("/usr/lib/ssl")
    folder.mkdir(exist_ok=True)
    for name, target in {"certs": "", "cert.pem": "/ca-certificates.crt"}.items():
        (folder / name).unlink(missing_ok=True)
        (folder / name).symlink_to(f"/etc/ssl/certs{target}")


def add_user() -> None:
    """Add user and group cnb with a home, and no way to log in."""
    for name, line in {
        "passwd": f"cnb:x:{OWNER}:{OWNER}::/home/cnb:/bin/bash",
        "group": f"cnb:x:{OWNER}:",
        "shadow": "cnb:!:19000::::::",
        "gshadow": "cnb:!::",
    }.items():
        with Path("/etc", name).open("a") as file:
            file.write(line + "\n")
    own_directory("/home/cnb")


def own_directory(path: str) -> None:
    """Make a directory that belongs to cnb."""
    Path(path).mkdir(mode=0o755)
    os.chown(path, OWNER, OWNER)


def forget_this_machine() -> None:
    """Delete caches, logs, and what differs from one machine or day to the next."""
    remove(
        "/etc/apt/apt.conf.d/99mmdebstrap", "/etc/dpkg/dpkg.cfg.d/99mmdebstrap",
        "/etc/dpkg/dpkg.cfg.d/cnbkit", "/etc/apt/preferences.d/cnbkit",
        "/etc/.pwd.lock", "/etc/*-", "/etc/machine-id",
        "/var/cache/*/*", "/var/log/*", "/var/lib/apt/lists/*", "/var/lib/dpkg/*-old",
        "/var/lib/dpkg/lock*", "/var/lib/systemd", "/run/*", "/root/.cache",
        "/tmp/*",  # noqa: S108 - this file is among them
    )  # fmt: skip
    for name in ("hostname", "resolv.conf"):  # empty, so that a sandbox can mount over them
        Path("/etc", name).write_text("")


def record_run_image(run_list: Path) -> None:
    """Leave in the build image what buildpacks need to know of the run image.

    Both are made of the same packages, so the one can be told from the other: `status` is the run
    image's /var/lib/dpkg/status, `libraries` are the files its programs can be linked with.
    """
    folder = Path("/usr/share/cnbkit/run-image")
    folder.mkdir(parents=True)
    (folder / "python-version").write_text(".".join(map(str, sys.version_info[:3])) + "\n")
    packages = read_status()
    keep = chosen(run_list, packages)
    write_status(folder / "status", {name: packages[name] for name in keep})
    owned: set[str] = set()
    for info in (DPKG / "info").glob("*.list"):
        if info.stem.partition(":")[0] in keep:
            owned |= listed_files(info)
    libraries = sorted(each for each in owned if LIBRARY.fullmatch(each) and Path(each).exists())
    (folder / "libraries").write_text("".join(f"{each}\n" for each in libraries))


def record_release() -> None:
    """Leave the day when the newest of the packages was made: the image's own, whenever it is made.

    Files of packages have their package's time; those of maintainer scripts, made just now, are
    neither programs nor libraries.
    """
    names = (f"{folder}/{name}" for folder, _, found in os.walk("/usr") for name in found)
    times = [
        os.lstat(name).st_mtime
        for name in names
        if name.startswith("/usr/bin/") or name.endswith(".so") or ".so." in name
        if not os.path.islink(name)
    ]
    folder = Path("/usr/share/cnbkit")
    folder.mkdir(exist_ok=True)
    (folder / "released").write_text(time.strftime("%Y-%m-%d\n", time.gmtime(max(times))))


def main(kind: str, run_list: str) -> None:
    """Make the image: `run` or `build`."""
    if kind == "run":
        packages = read_status()
        keep_only(chosen(Path(run_list), packages), packages)
        # left by maintainer scripts, so in nobody's list of files
        remove("/etc/apt", "/etc/dpkg", "/etc/pam.d", "/etc/rc?.d", "/etc/systemd", "/etc/init.d")
        remove("/var/lib/apt", "/var/lib/pam", "/var/cache/*", "/etc/perl", "/etc/security")
        remove("/etc/cron.*", "/etc/logrotate.d", "/var/lib/misc")
        remove_dangling_links()
    else:
        for path in ("/cnb", "/layers", "/platform", "/workspace"):
            own_directory(path)
        record_run_image(Path(run_list))
    trust_one_bundle()
    add_user()
    record_release()
    compile_stdlib()
    forget_this_machine()


if __name__ == "__main__":
    main(*sys.argv[1:])
