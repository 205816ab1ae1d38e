"""Where letters go, from the environment."""

import pytest

from server.core import env

NAME = "PANTAU_EMAIL_URL"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("smtp://surel.example", ("surel.example", 25, "", "", "")),
        ("smtp+tls://pantau:p%40ss%2F@surel.example", ("surel.example", 587, "pantau", "p@ss/", "STARTTLS")),
        ("smtps://a%40b.example:x@surel.example:2465", ("surel.example", 2465, "a@b.example", "x", "TLS")),
    ],
)
def test_a_mail_server_is_named_by_one_address(
    monkeypatch: pytest.MonkeyPatch, url: str, expected: tuple[object, ...]
) -> None:
    monkeypatch.setenv(NAME, url)
    found = env.mail(NAME)
    assert found.backend == "django.core.mail.backends.smtp.EmailBackend"
    assert (found.host, found.port, found.user, found.password, found.encryption) == expected


def test_without_a_mail_server_letters_are_written_into_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(NAME, raising=False)
    assert env.mail(NAME) == env.Mail("django.core.mail.backends.filebased.EmailBackend")


@pytest.mark.parametrize(
    "url", ["http://a:rahasia@b", "smtp://", "surel.example:25", "smtp://a:rahasia@b:x", "smtp://a:rahasia@b/?tls=1"]
)
def test_an_address_that_is_no_mail_servers_is_refused_without_repeating_its_password(
    monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv(NAME, url)
    with pytest.raises(SystemExit, match=NAME) as caught:
        env.mail(NAME)
    assert "rahasia" not in str(caught.value)


@pytest.mark.parametrize("value", ["Pantau", "Pantau <pantau>", "@example.org", "pantau@", "a@b.c\nBcc: d@e.f"])
def test_a_sender_without_an_address_is_refused(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("PANTAU_EMAIL_FROM", value)
    with pytest.raises(SystemExit, match="PANTAU_EMAIL_FROM"):
        env.sender("PANTAU_EMAIL_FROM", None)


def test_a_sender_may_have_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PANTAU_EMAIL_FROM", "Pantau <pantau@bekasi.example>")
    assert env.sender("PANTAU_EMAIL_FROM", None) == "Pantau <pantau@bekasi.example>"
