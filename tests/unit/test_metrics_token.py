"""The token that opens /metrics is one that nobody guesses, or none."""

import pytest

from server.core import env

NAME = "PANTAU_METRICS_TOKEN"


@pytest.mark.parametrize("value", ["", "  ", "a-token-of-20-letters"])
def test_token_is_long_or_absent(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv(NAME, value)
    assert env.token(NAME) == value.strip()


@pytest.mark.parametrize("value", ["nineteen-characters", "twenty characters with spaces", "kata-sandi-yang-é-panjang"])
def test_token_that_can_be_guessed_or_not_be_sent_ends_the_process_and_is_not_repeated(
    monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv(NAME, value)
    with pytest.raises(env.BadSetting) as refused:
        env.token(NAME)
    assert "PANTAU_METRICS_TOKEN must have at least 20 characters" in str(refused.value)
    assert value not in str(refused.value)
