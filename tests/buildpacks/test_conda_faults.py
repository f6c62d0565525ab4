"""What a channel's failure is told as."""

from __future__ import annotations

import pytest

from cnbkit_conda.fetch import _says_status


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("HTTP status client error (403 Forbidden) for url (https://c.example.com/x)", True),
        ("server answered with 401", True),
        ("client error (Connect) for url (https://127.0.0.1:33403/conda-forge)", False),
        ("error sending request for https://127.0.0.1:403/conda-forge", False),
        ("cannot read https://c.example.com/403/noarch/repodata.json", False),
        ("sha256 of a403b is not 401c", False),
    ],
)
def test_a_status_is_told_from_other_digits(text: str, told: bool) -> None:
    assert _says_status(text, "401", "403") is told
