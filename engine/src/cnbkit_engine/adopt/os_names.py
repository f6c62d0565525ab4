"""What other systems' packages are called in Debian."""

from __future__ import annotations

import re

__all__ = ["debian_name"]

# The same everywhere, program and package.
_SAME = {
    *("bash", "bzip2", "ca-certificates", "cmake", "coreutils", "curl", "ffmpeg", "findutils"),
    *("fontconfig", "gcc", "git", "git-lfs", "gnupg", "graphviz", "grep", "gzip", "htop", "jq"),
    *("less", "make", "nano", "nginx", "nodejs", "npm", "openssl", "poppler-utils", "rsync", "sed"),
    *("sox", "sudo", "supervisor", "tar", "tini", "tzdata", "unixodbc", "unzip", "vim", "wget"),
    *("zip", "cargo", "espeak-ng", "ghostscript", "imagemagick", "ninja-build"),
}
# Their compilers and headers of C: every build image has these.
_COMPILERS = {
    *("build-base", "musl-dev", "libc-dev", "linux-headers", "g++", "gcc-c++", "glibc-devel"),
    *("kernel-headers", "redhat-rpm-config", "Development", "Tools", "development-tools"),
    *("py3-pip", "py-pip", "py3-setuptools", "py3-wheel", "python3-devel", "python3-pip"),
    *("which", "python3-dev", "python3", "python3-setuptools", "epel-release", "yum-utils"),
}
_NAMES = {
    "bzip2-dev": "libbz2-dev",
    "cairo": "libcairo2",
    "cairo-dev": "libcairo2-dev",
    "freetype": "libfreetype6",
    "freetype-dev": "libfreetype-dev",
    "gfortran": "gfortran",
    "gcc-gfortran": "gfortran",
    "geos-dev": "libgeos-dev",
    "gdal-dev": "libgdal-dev",
    "glib2": "libglib2.0-0",
    "hdf5-dev": "libhdf5-dev",
    "hdf5": "libhdf5-dev",
    "jpeg": "libjpeg62-turbo",
    "jpeg-dev": "libjpeg-dev",
    "lapack-dev": "liblapack-dev",
    "libffi": "libffi8",
    "libgcc": "libgcc-s1",
    "libgomp": "libgomp1",
    "libjpeg-turbo": "libjpeg62-turbo",
    "libjpeg-turbo-dev": "libjpeg-dev",
    "libmagic": "libmagic1",
    "libpng-dev": "libpng-dev",
    "libpq": "libpq5",
    "libSM": "libsm6",
    "libsndfile": "libsndfile1",
    "libstdc++": "libstdc++6",
    "libXext": "libxext6",
    "libXrender": "libxrender1",
    "libxml2-dev": "libxml2-dev",
    "libxslt-dev": "libxslt1-dev",
    "mariadb-dev": "libmariadb-dev",
    "mariadb-connector-c-dev": "libmariadb-dev",
    "mesa-gl": "libgl1",
    "mesa-libGL": "libgl1",
    "mysql-devel": "libmariadb-dev",
    "openblas": "libopenblas0",
    "openblas-dev": "libopenblas-dev",
    "openjdk8-jre": "default-jre-headless",
    "openjdk11": "default-jdk-headless",
    "openjdk11-jre": "default-jre-headless",
    "openjdk17-jre": "default-jre-headless",
    "java-11-openjdk": "default-jre-headless",
    "java-17-openjdk": "default-jre-headless",
    "openssh": "openssh-client",
    "openssh-client": "openssh-client",
    "openssh-clients": "openssh-client",
    "openssl-dev": "libssl-dev",
    "openssl-devel": "libssl-dev",
    "pkgconfig": "pkg-config",
    "pkgconf": "pkg-config",
    "pkgconf-dev": "pkg-config",
    "portaudio-dev": "portaudio19-dev",
    "postgresql": "postgresql-client",
    "postgresql-client": "postgresql-client",
    "postgresql-dev": "libpq-dev",
    "postgresql-devel": "libpq-dev",
    "postgresql-libs": "libpq5",
    "procps": "procps",
    "procps-ng": "procps",
    "proj-dev": "libproj-dev",
    "rust": "rustc",
    "sqlite": "sqlite3",
    "sqlite-dev": "libsqlite3-dev",
    "tesseract": "tesseract-ocr",
    "tesseract-ocr": "tesseract-ocr",
    "unixODBC": "unixodbc",
    "unixodbc-dev": "unixodbc-dev",
    "unixODBC-devel": "unixodbc-dev",
    "vim-enhanced": "vim",
    "xz": "xz-utils",
    "xz-dev": "liblzma-dev",
    "zlib": "zlib1g",
    "zlib-dev": "zlib1g-dev",
}


def debian_name(manager: str, name: str) -> str | None:
    """A package's name; None if it is not known.

    Args:
        manager: apk, yum, dnf or microdnf.
        name: as it is written, perhaps with a version.
    """
    bare = re.split(r"[=<>~@]", name)[0]
    if bare in _COMPILERS or re.fullmatch(r"python3\d*(?:-(?:devel|pip))?", bare):
        return "build-essential"
    if bare in _NAMES:
        return _NAMES[bare]
    # Red Hat's word for Alpine's and Debian's.
    if manager != "apk" and bare.endswith("-devel"):
        return _NAMES.get(f"{bare.removesuffix('-devel')}-dev")
    return bare if bare in _SAME else None
