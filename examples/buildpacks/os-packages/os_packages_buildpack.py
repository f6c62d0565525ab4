"""os-packages: adds the packages that packages.txt names to the build and the run image."""

from __future__ import annotations

from cnbkit import Buildpack, GenerateContext, Generated, Triggers, UserFault

FILE = "packages.txt"


class OsPackages(Buildpack):
    """Takes part in the build of every app with a packages.txt."""

    triggers = Triggers(FILE)

    def generate(self, ctx: GenerateContext) -> Generated:
        """Say how the images change."""
        return images_with(ctx.app.text(FILE))


def images_with(text: str) -> Generated:
    """Dockerfiles that install one package a line."""
    lines = [(number, line.strip()) for number, line in enumerate(text.splitlines(), 1)]
    faults = [
        (number, f"{name!r} is no package's name")
        for number, name in lines
        if name and not name.replace("-", "").replace("+", "").replace(".", "").isalnum()
    ]
    if faults:
        raise UserFault.of(FILE, faults, remedy="write one name a line")
    names = " ".join(name for _, name in lines if name)
    install = (
        "ARG base_image\n"
        "FROM ${base_image}\n"
        "USER root\n"
        f"RUN apt-get update && apt-get install -y --no-install-recommends {names}\n"
        "ARG user_id\n"
        "USER ${user_id}\n"
    )
    return Generated(build=install, run=install)
