"""A login is told to the token service of the registry it is for, and to nobody else."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest

from cnbkit.errors import PlatformFault
from cnbkit_engine.oci.docker_config import Login
from cnbkit_engine.oci.token_service import Challenge, TokenService, is_private

if TYPE_CHECKING:
    from collections.abc import Callable

    from urllib3 import BaseHTTPResponse

LOGIN = Login("jane", "pw")


class Answers:
    """Answers requests for tokens, and keeps what was asked."""

    def __init__(self, *answers: tuple[int, object]) -> None:
        self._answers = list(answers)
        self.asked: list[tuple[str, str, str | None, dict[str, str]]] = []

    def send(
        self,
        method: str,
        url: str,
        body: str | None,
        headers: dict[str, str],
        check: Callable[[str], None],  # noqa: ARG002 - redirects are the session's
    ) -> BaseHTTPResponse:
        import urllib3

        self.asked.append((method, url, body, headers))
        status, content = self._answers.pop(0)
        text = content if isinstance(content, str) else json.dumps(content)
        return urllib3.HTTPResponse(text.encode(), status=status)

    def service(self, *, plain: bool = False) -> TokenService:
        return TokenService("r.example/a", "r.example", plain=plain, send=self.send)


@pytest.mark.parametrize(
    ("header", "challenge"),
    [
        (
            'Bearer realm="https://a.example/t",service="s",scope="repository:a:pull,push"',
            Challenge("bearer", "https://a.example/t", "s", "repository:a:pull,push"),
        ),
        ('bearer realm="https://a.example/t"', Challenge("bearer", "https://a.example/t")),
        ("Bearer realm=https://a.example/t", Challenge("bearer", "https://a.example/t")),
        (
            'Negotiate, Bearer realm="https://a.example/t", service="s"',
            Challenge("bearer", "https://a.example/t", "s"),
        ),
        ('Basic realm="x, Bearer realm=y"', Challenge("basic", "x, Bearer realm=y")),
        ('Bearer realm="a\\"b"', Challenge("bearer", 'a"b')),
        ("Basic", Challenge("basic")),
        ("Negotiate", None),
        ("", None),
    ],
)
def test_a_challenge_is_read(header: str, challenge: Challenge | None) -> None:
    assert Challenge.read(header) == challenge


def test_a_token_is_asked_for_with_the_login() -> None:
    answers = Answers((200, {"token": "t"}))
    challenge = Challenge("bearer", "https://auth.example/token?x=1", "s", "repository:a:pull")
    assert answers.service().token(challenge, LOGIN) == "t"
    ((method, url, _, headers),) = answers.asked
    assert (method, headers) == ("GET", {"Authorization": LOGIN.basic})
    assert parse_qs(urlsplit(url).query) == {
        "x": ["1"],
        "service": ["s"],
        "scope": ["repository:a:pull"],
    }


def test_without_a_login_a_token_is_asked_for_anonymously() -> None:
    answers = Answers((200, {"access_token": "t"}))
    assert answers.service().token(Challenge("bearer", "https://auth.example/t"), None) == "t"
    assert answers.asked[0][3] == {}


def test_an_identity_token_is_exchanged_and_not_sent_as_a_password() -> None:
    answers = Answers((200, {"access_token": "t"}))
    login = Login("0000", "", identity_token="refresh")
    challenge = Challenge("bearer", "https://auth.example/t", "s", "repository:a:pull")
    assert answers.service().token(challenge, login) == "t"
    ((method, _, body, headers),) = answers.asked
    assert method == "POST"
    assert "Authorization" not in headers
    assert parse_qs(body or "") == {
        "grant_type": ["refresh_token"],
        "refresh_token": ["refresh"],
        "client_id": ["cnbkit"],
        "service": ["s"],
        "scope": ["repository:a:pull"],
    }


def test_a_service_that_knows_no_identity_tokens_is_asked_the_other_way() -> None:
    answers = Answers((404, ""), (200, {"token": "t"}))
    login = Login("jane", "pw", identity_token="refresh")
    assert answers.service().token(Challenge("bearer", "https://auth.example/t"), login) == "t"
    assert [each[0] for each in answers.asked] == ["POST", "GET"]


@pytest.mark.parametrize(
    ("realm", "plain"),
    [
        ("http://auth.example/t", False),
        ("http://r.example/t", False),
        ("ftp://auth.example/t", True),
        ("file:///etc/passwd", True),
        ("", False),
        ("/token", False),
        ("https:///t", False),
        ("https://user@auth.example/t", False),
        ("https://169.254.169.254/latest", False),
        ("https://127.0.0.1/t", False),
        ("http://10.0.0.1/t", True),
        ("https://[::1]/t", False),
        ("https://[fd00::1]:443/t", False),
        ("https://[bad/t", False),
    ],
)
def test_a_realm_that_must_not_see_a_login_is_refused_before_anything_is_sent(
    realm: str, plain: bool
) -> None:
    answers = Answers()
    with pytest.raises(PlatformFault, match="token service that gets no login") as caught:
        answers.service(plain=plain).token(Challenge("bearer", realm), LOGIN)
    assert answers.asked == []
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("realm", "plain"),
    [
        ("https://r.example/t", False),
        ("https://auth.other.example/t", False),
        ("http://auth.example/t", True),
    ],
)
def test_other_realms_are_asked(realm: str, plain: bool) -> None:
    answers = Answers((200, {"token": "t"}))
    assert answers.service(plain=plain).token(Challenge("bearer", realm), LOGIN) == "t"


def test_the_registrys_own_private_address_may_give_tokens() -> None:
    answers = Answers((200, {"token": "t"}))
    service = TokenService("10.0.0.1:5000/a", "10.0.0.1:5000", plain=True, send=answers.send)
    assert service.token(Challenge("bearer", "http://10.0.0.1:5000/t"), LOGIN) == "t"


@pytest.mark.parametrize("status", [404, 429, 500, 503])
def test_a_service_that_fails_is_not_told_as_a_missing_login(status: int) -> None:
    with pytest.raises(PlatformFault, match=f"answers with HTTP status {status}") as caught:
        Answers((status, "oops")).service().token(Challenge("bearer", "https://a.example/t"), LOGIN)
    assert "log in" not in str(caught.value)
    assert "a.example" in str(caught.value)


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_login_is_told_as_one(status: int) -> None:
    with pytest.raises(PlatformFault) as caught:
        Answers((status, "no")).service().token(Challenge("bearer", "https://a.example/t"), LOGIN)
    assert "docker login r.example" in str(caught.value)


@pytest.mark.parametrize(
    "content", ["<html>", "[]", {}, {"token": 7}, {"token": ""}, "[" * 100_000]
)
def test_an_answer_without_a_token_is_named(content: object) -> None:
    with pytest.raises(PlatformFault, match="gives no token"):
        Answers((200, content)).service().token(Challenge("bearer", "https://a.example/t"), None)


@pytest.mark.parametrize(
    ("host", "private"),
    [("127.0.0.1", True), ("[::1]", True), ("192.168.1.1", True), ("0.0.0.0", True),
     ("8.8.8.8", False), ("r.example", False), ("", False)],
)  # fmt: skip
def test_private_addresses_are_known(host: str, private: bool) -> None:
    assert is_private(host) is private
