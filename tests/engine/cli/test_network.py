"""`--network` and its variable."""

from __future__ import annotations

import click
import pytest

from cnbkit_engine.cli.network import embedded_network


def test_the_option_comes_before_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CNBKIT_NETWORK", raising=False)
    assert embedded_network("") == ""
    assert embedded_network("none") == "none"
    monkeypatch.setenv("CNBKIT_NETWORK", "host")
    assert embedded_network("") == "host"
    assert embedded_network("private") == "private"


def test_another_network_is_refused_where_it_was_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(click.BadParameter, match="host, none, private") as caught:
        embedded_network("bridge")
    assert caught.value.param_hint == "--network"
    monkeypatch.setenv("CNBKIT_NETWORK", "bridge")
    with pytest.raises(click.BadParameter) as caught:
        embedded_network("")
    assert caught.value.param_hint == "CNBKIT_NETWORK"
