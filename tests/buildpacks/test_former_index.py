"""The former address of the default index stands for the default index."""

from __future__ import annotations

import pytest

from cnbkit_python_inputs.former_index import _HOST, is_former_index
from cnbkit_python_inputs.line import Line

LINE = f"-i https://{_HOST}/simple"


@pytest.mark.parametrize(
    "address", [f"https://{_HOST}/simple", f"http://{_HOST}/simple/", f"https://{_HOST}/pypi"]
)
def test_it_is_known_in_all_its_forms(address: str) -> None:
    assert is_former_index(address)


@pytest.mark.parametrize(
    "address",
    [
        f"https://mirror.example/{_HOST}/simple",
        f"https://{_HOST}.example/simple",
        f"https://me:pw@{_HOST}/simple",
        f"https://{_HOST}/other",
        f"file://{_HOST}/simple",
        "simple",
        "",
    ],
)
def test_another_address_is_not(address: str) -> None:
    assert not is_former_index(address)


@pytest.mark.parametrize("text", [LINE, f"--index-url=https://{_HOST}/simple/"])
def test_its_line_names_no_index(text: str) -> None:
    assert Line("requirements.txt", 1, text).options == {}
    assert Line("requirements.txt", 1, f"{text} --no-index").options == {"no-index": [""]}
