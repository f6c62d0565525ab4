"""os-packages: adds the packages that packages.txt names to the build and the run image."""

from __future__ import annotations

from cnbkit import Buildpack, GenerateContext, GenerateResult, Triggers, UserFault

FILE = "packages.txt"


class OsPackages(Buildpack):
    """Takes part in the build of every app with a packages.txt."""

    triggers = Triggers(FILE)

    def generate(self, ctx: GenerateContext) -> GenerateResult:
        """Say how the images change."""
        packages = [line.strip() for line in ctx.app.text(FILE).splitlines()]
        faults = [
            (number, f"{name!r} is not a package's name")
            for number, name in enumerate(packages, 1)
            if any(not char.isalnum() and char not in "-+." for char in name)
        ]
        if faults:
            raise UserFault.of(FILE, faults, remedy="write one name a line")
        names = " ".join(filter(None, packages))
        dockerfile = (
            "ARG base_image\n"
            "FROM ${base_image}\n"
            "USER root\n"
            f"RUN apt-get update && apt-get install -y --no-install-recommends {names} && "
            "rm -rf /var/lib/apt/lists/*\n"
            "ARG user_id\n"
            "USER ${user_id}\n"
        )
        return GenerateResult(build=dockerfile, run=dockerfile)
