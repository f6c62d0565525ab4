"""What the person who builds has set: BP_* variables."""

from __future__ import annotations

from cnbkit.errors import UserFault
from cnbkit.redact import Secrets

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["NO", "YES", "Settings"]

YES, NO = ("1", "true", "yes", "on"), ("0", "false", "no", "off", "")


class Settings:
    """Environment variables, and the platform's env files behind them.

    The lifecycle turns `<platform>/env/<NAME>` into variables, but not for a buildpack
    with clear-env (buildpack.md, "User-Provided Variables"); those still find them here.

    Args:
        env: the process's environment.
        platform: the platform directory; empty if there is none.
        secrets: gets to know what must not be shown.
    """

    def __init__(
        self, env: Mapping[str, str], platform: str, secrets: Secrets | None = None
    ) -> None:
        self.secrets = secrets or Secrets()
        self._env = env
        self._platform = platform

    def get(self, name: str, default: str = "") -> str:
        """A variable's value without surrounding white space; `default` if unset or empty."""
        return (self.raw(name) or "").strip() or default

    def raw(self, name: str) -> str | None:
        """A variable's value as it is; None if it is unset."""
        value = self._env.get(name)
        if value is None and self._platform:
            try:
                path = f"{self._platform}/env/{name}"
                with open(path, encoding="utf-8", errors="surrogateescape") as file:
                    value = file.read()
            except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
                value = None
        return value

    def names(self, prefix: str) -> list[str]:
        """Names of variables that begin so, sorted, of the environment and the platform."""
        import os

        try:  # Kubernetes mounts a map with `..data` and the like beside its files
            entries = os.listdir(f"{self._platform}/env") if self._platform else []
        except OSError:
            entries = []
        files = [each for each in entries if os.path.isfile(f"{self._platform}/env/{each}")]
        return sorted({each for each in (*self._env, *files) if each.startswith(prefix)})

    def flag(self, name: str, default: bool = False) -> bool:
        """A yes-or-no variable.

        Raises:
            UserFault: it is neither.
        """
        value = self.get(name, "yes" if default else "no").lower()
        if value in YES or value in NO:
            return value in YES
        raise UserFault(
            f"{name} is {value!r}, which is neither yes nor no",
            where=name,
            remedy=f"set {name} to true or false",
        )
