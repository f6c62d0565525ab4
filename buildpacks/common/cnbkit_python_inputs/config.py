"""What the person who builds may set."""

from __future__ import annotations

from cnbkit import Config, Option

__all__ = ["PipConfig"]


class PipConfig(Config):
    """Options of the pip buildpack; BP_PYTHON_* are shared with the other Python buildpacks."""

    groups = Option.words("BP_PYTHON_GROUPS", help="Dependency groups to add, like `train,viz`")
    extras = Option.words("BP_PYTHON_EXTRAS", help="Extras of the project to add, like `gpu`")
    project = Option.choice(
        "BP_PYTHON_PROJECT",
        "editable",
        "wheel",
        "none",
        help="How the project itself is installed, if it is a package",
    )
    engine = Option.choice("BP_PIP_ENGINE", "uv", "pip", help="What resolves and installs")
    no_build_isolation = Option.words(
        "BP_PIP_NO_BUILD_ISOLATION",
        help="Packages that are built with what is installed, like `flash-attn,apex`; or `:all:`",
    )
    refresh = Option.text(
        "BP_PIP_REFRESH", help="Any new value resolves packages without a fixed version again"
    )
    limit = Option.number(
        "BP_PIP_TIME_LIMIT",
        default=60,
        help="Minutes each step of resolving and installing may take",
        at_least=1,
    )
    size_limit = Option.number(
        "BP_PIP_SIZE_LIMIT",
        default=64_000,
        help="Megabytes that the packages may take, unpacked",
        at_least=1,
    )
    conflicts = Option.choice(
        "BP_PIP_CONFLICTS",
        "warn",
        "fail",
        "off",
        help="What happens when a lock holds packages that contradict each other",
    )
    slim = Option.flag(
        "BP_PIP_SLIM",
        help="Packages without their tests, headers, stubs and symbols for debuggers",
    )
    torch_index = Option.text(
        "BP_PYTORCH_INDEX",
        check=lambda url: _address(url),
        help="Where PyTorch's indexes (`cpu`, `cu128`, …) lie, if not at its own site",
    )


def _address(url: str) -> str:
    from cnbkit_logins.address import split_login

    if not url.startswith(("http://", "https://", "file:///")):
        raise ValueError("which is not an address")
    if split_login(url)[1]:
        raise ValueError("which holds a login: give that by a binding of type netrc")
    return url
