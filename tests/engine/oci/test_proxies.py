"""The store's name is never asked of a proxy, and the person's own exceptions stay."""

from __future__ import annotations

import pytest

from cnbkit_engine.oci.proxies import proxy_for, proxy_variables

STORE = "store.localhost"
PROXY = "http://proxy.example:3128"


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({}, {}),
        ({"NO_PROXY": "a"}, {"NO_PROXY": "a"}),
        (
            {"HTTP_PROXY": PROXY},
            {"HTTP_PROXY": PROXY, "NO_PROXY": STORE, "no_proxy": STORE},
        ),
        (
            {"https_proxy": PROXY, "no_proxy": "a,b"},
            {"https_proxy": PROXY, "NO_PROXY": f"a,b,{STORE}", "no_proxy": f"a,b,{STORE}"},
        ),
        (
            {"HTTP_PROXY": PROXY, "NO_PROXY": "a", "no_proxy": "b"},
            {"HTTP_PROXY": PROXY, "NO_PROXY": f"a,{STORE}", "no_proxy": f"b,{STORE}"},
        ),
        ({"HTTP_PROXY": "", "PATH": "/bin"}, {}),
    ],
)
def test_the_store_is_an_exception_in_both_spellings(
    given: dict[str, str], told: dict[str, str]
) -> None:
    assert proxy_variables(STORE, given) == told


def test_a_proxy_is_used_unless_the_host_is_an_exception(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("https_proxy", "proxy.example:3128")
    monkeypatch.setenv("no_proxy", "r.example")
    assert proxy_for("https", "other.example:5000") == PROXY
    assert proxy_for("https", "r.example:5000") is None
    assert proxy_for("http", "other.example") is None
    monkeypatch.setenv("all_proxy", "socks.example:1080")
    assert proxy_for("http", "other.example") == "http://socks.example:1080"
    assert proxy_for("https", "other.example:5000") == PROXY
