"""Where a repository has repo2docker's files."""

from __future__ import annotations

import os

from cnbkit import UserFault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cnbkit import App

__all__ = ["Places"]

_FOLDERS = ("binder", ".binder")
# What says that the repository is an app of another kind.
_APPS = (
    *("Procfile", "entrypoint.toml", "app.py", "main.py", "server.py", "streamlit_app.py"),
    *("manage.py", "train.py", "MLmodel"),
)


# What repo2docker reads besides, and what to do about it here; `{}` is the folder. It takes all of
# them before requirements.txt.
_UNREAD = {
    "Dockerfile": "write what it installs into {}requirements.txt and {}apt.txt: "
    "`cnbkit adopt {}Dockerfile` says what that is",
    "default.nix": "write the packages into {}environment.yml",
    "install.R": "R is not installed here: write the packages into {}environment.yml, as r-NAME",
    "DESCRIPTION": "R is not installed here: write the packages into {}environment.yml, as r-NAME",
    "Project.toml": "Julia is not installed here: write `julia` into {}environment.yml",
    "REQUIRE": "Julia is not installed here: write `julia` into {}environment.yml",
    "Pipfile": "`pipenv requirements --dev` prints what to write into {}requirements.txt",
    "Pipfile.lock": "`pipenv requirements --dev` prints what to write into {}requirements.txt",
}


class Places:
    """Paths relative to the app; each is empty if there is no such file.

    If there is a folder, nothing of the root counts: so says repo2docker.

    Args:
        app: the repository.

    Attributes:
        folder: `binder/`, `.binder/` or empty for the root.
        requirements: requirements.txt.
        environment: environment.yml.
        packages: apt.txt.
        post_build: postBuild.
        start: start.
        runtime: runtime.txt.
        unread: a file that repo2docker would take, and nothing here does.
        project: pyproject.toml or setup.py of the root, where nothing else says what to install.
        app: what says that the repository is an app.

    Raises:
        UserFault: both folders are there.
    """

    def __init__(self, app: App) -> None:
        there = [name for name in _FOLDERS if os.path.isdir(f"{app.root}/{name}")]
        if len(there) > 1:
            raise UserFault(
                "there is a folder binder and a folder .binder",
                where="binder, .binder",
                remedy="delete one of them",
            )
        self.folder = f"{there[0]}/" if there else ""
        self.requirements = self._file(app, "requirements.txt")
        self.environment = self._file(app, "environment.yml") or self._file(app, "environment.yaml")
        self.packages = self._file(app, "apt.txt")
        self.post_build = self._file(app, "postBuild")
        self.start = self._file(app, "start")
        self.runtime = self._file(app, "runtime.txt")
        self.unread = next((path for name in _UNREAD if (path := self._file(app, name))), "")
        names = ("pyproject.toml", "setup.py")
        self.project = next((name for name in names if app.has(name)), "")
        self.app = next((name for name in _APPS if app.has(name)), "")
        self._notebooks = not self.folder and any(
            name.endswith(".ipynb") for name in os.listdir(app.root)
        )

    @property
    def is_binders(self) -> bool:
        """Whether it is plain that the repository was made for Binder."""
        scripts = self.post_build or self.start
        return bool(self.folder or scripts or (self.packages and self._notebooks))

    @property
    def reason(self) -> str:
        """What was found."""
        found = (self.requirements, self.environment, self.packages, self.post_build, self.start)
        return f"found {', '.join(name for name in found if name) or self.folder or 'BP_BINDER'}"

    @property
    def fault(self) -> UserFault | None:
        """Why nothing is known to install, if the repository says it in a way that is not read."""
        if not self.unread or self.requirements or self.environment:
            return None
        remedy = _UNREAD[self.unread.rpartition("/")[2]].replace("{}", self.folder)
        return UserFault(
            f"{self.unread} says what to install, and is not read here",
            where=self.unread,
            remedy=f"{remedy}; or set BP_BINDER=false",
        )

    def _file(self, app: App, name: str) -> str:
        path = f"{self.folder}{name}"
        return path if app.has(path) else ""
