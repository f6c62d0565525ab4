"""What detect and generate see, and what build sees as well."""

from __future__ import annotations

import os

from cnbkit.app import App
from cnbkit.errors import BuildpackFault, UserFault
from cnbkit.results import DetectResult
from cnbkit.settings import Settings
from cnbkit.spec.build_plan import BuildpackPlan
from cnbkit.spec.target import Target

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from typing import Any, Generic

    from typing_extensions import TypeVar

    from cnbkit.bindings.bindings import Bindings
    from cnbkit.config import Config
    from cnbkit.log import Log
    from cnbkit.spec.build_plan import Plan
    from cnbkit.spec.model import Model

    C = TypeVar("C", bound=Config, default=Any)
    M = TypeVar("M", bound=Model)
else:  # `typing` costs more than a whole detect

    class Generic:
        """Takes a parameter and forgets it."""

        def __class_getitem__(cls, _):
            return cls

    C = None

__all__ = ["DetectContext", "GenerateContext", "PhaseContext", "read_plan"]


class PhaseContext(Generic[C]):
    """What both phases see.

    Attributes:
        app: the app's files.
        env: the process's environment, as the lifecycle gave it.
        settings: BP_* variables.
        target: what is built for.
        exec_env: what the image is for: "production" unless the platform says otherwise
            (Buildpack API 0.12).
        log: prints.
    """

    def __init__(
        self, *, app: str, env: Mapping[str, str], buildpack: str, platform: str, log: Log
    ) -> None:
        self.app = App(app)
        self.env = env
        self.settings = Settings(env, platform, log.secrets)
        self.target = Target.from_env(env)
        self.exec_env = env.get("CNB_EXEC_ENV", "production")
        self.log = log
        self._buildpack = buildpack
        self._platform = platform
        self._bindings: Bindings | None = None
        self._declared: type[Config] | None = None
        self._config: Config | None = None

    def declare(self, config: type[Config] | None) -> None:
        """Let `config` be of this class; what runs a phase says so before."""
        self._declared = config

    @property
    def config(self) -> C:
        """The options that the buildpack declares, read once: an instance of its `config`.

        A type checker knows which with `ctx: BuildContext[Settings]`.

        Raises:
            UserFault: naming every option with a value that it cannot have.
            BuildpackFault: the buildpack declares none.
        """
        if self._config is None:
            if self._declared is None:
                raise BuildpackFault(
                    "ctx.config is read, and the buildpack declares no options",
                    remedy="write `config = Settings` in its class, or use ctx.settings.get(name)",
                )
            self._config = self._declared.read(self.settings)
        found: Any = self._config
        return found  # type: ignore[no-any-return]

    def enter(self, folder: str, setting: str) -> None:
        """Take a folder of the app for the app: names are relative to it from now on.

        Args:
            folder: relative to the app's root.
            setting: the variable that says so.

        Raises:
            UserFault: it is not a folder of the app.
        """
        import os

        top = self.app.top
        root = os.path.normpath(os.path.join(top, folder))
        if not (root == top or root.startswith(f"{top}/")) or not os.path.isdir(root):
            raise UserFault(
                f"there is no folder {folder} in the app",
                where=setting,
                remedy=f"correct {setting}: a folder's name from the app's root, like services/api",
            )
        self.app = App(root, top)

    @property
    def bindings(self) -> Bindings:
        """Service bindings; their secrets are hidden in what is shown from now on."""
        if self._bindings is None:
            from cnbkit.bindings.bindings import Bindings

            self._bindings = Bindings(self.settings, self._platform)
        return self._bindings

    def hide(self, secret: str) -> None:
        """Never show this text again, in log, faults and tracebacks; nor passwords within it.

        Values of bindings, and of options declared `secret`, are hidden already. Of an address
        with a login only that is hidden. Texts of less than four characters are not.
        """
        self.log.secrets.hide(secret)

    @property
    def buildpack_dir(self) -> Path:
        """The buildpack's own folder.

        Files it ships have the same place in it at a test, in a builder and in a package.
        """
        from pathlib import Path

        return Path(self._buildpack)

    def metadata(self, kind: type[M]) -> M:
        """The `[metadata]` of the buildpack's own descriptor, typed.

        What it lists for cnbkit (`[metadata.cnbkit]`, and `[[metadata.dependencies]]` unless
        the model has such a field) is left out.

        Args:
            kind: a `Model` of yours.

        Raises:
            BuildpackFault: it does not fit; every fault with its line.
        """
        from cnbkit.spec.buildpack import read_metadata

        text, name, path = self._descriptor()
        return read_metadata(text, kind, name=name, where=path)

    def _descriptor(self) -> tuple[bytes, str, str]:
        name = "buildpack.toml"
        if not os.path.exists(f"{self._buildpack}/{name}"):
            name = "extension.toml"
        path = f"{self._buildpack}/{name}"
        try:
            with open(path, "rb") as file:
                return file.read(), name, path
        except FileNotFoundError:
            raise BuildpackFault(
                "there is no buildpack.toml", where=path, remedy="add it beside the code"
            ) from None


class DetectContext(PhaseContext[C]):
    """Given to `Buildpack.detect`. Files of other buildpacks are not there yet."""

    def join(self, reason: str, plan: Plan | None = None) -> DetectResult:
        """Take part in the build.

        Args:
            reason: "found requirements.txt".
            plan: what this buildpack provides and requires; nothing if not given.
        """
        return DetectResult(True, reason, plan)

    def skip(self, reason: str) -> DetectResult:
        """Leave the build to others."""
        return DetectResult(False, reason)


class GenerateContext(PhaseContext[C]):
    """Given to `Buildpack.generate`. The working directory is the app's; leave it as it is."""

    def __init__(
        self,
        *,
        app: str,
        env: Mapping[str, str],
        buildpack: str,
        platform: str,
        plan: str,
        log: Log,
    ) -> None:
        super().__init__(app=app, env=env, buildpack=buildpack, platform=platform, log=log)
        self._plan = plan

    @property
    def plan(self) -> BuildpackPlan:
        """What buildpacks require of this extension."""
        return read_plan(self._plan)


def read_plan(path: str) -> BuildpackPlan:
    """What others require, from the file that CNB_BP_PLAN_PATH names; nothing without one."""
    if not path:
        return BuildpackPlan()
    with open(path, "rb") as file:
        return BuildpackPlan.loads(file.read(), where=path)
