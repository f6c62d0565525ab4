"""An app with a Dockerfile."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cnbkit_engine.adopt.adoption import Adoption, adopted

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Adopt = Callable[..., Adoption]


@pytest.fixture
def adopt(tmp_path: Path) -> Adopt:
    """`adopt("FROM …", "main.py", **{"requirements.txt": "flask"})`: what replaces it."""

    def run(text: str, *names: str, **files: str) -> Adoption:
        for name in names:
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).touch()
        for name, content in files.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(content)
        (tmp_path / "Dockerfile").write_text(text)
        return adopted(tmp_path / "Dockerfile")

    return run
