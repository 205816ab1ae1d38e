"""POST service request: the names under which files come, and many at once."""

from typing import Any

import pytest

from geo.reports.photos.cleaning import _turn_to_decode
from tests.contracts.open311.asking import Open311
from tests.contracts.open311.posting import nothing_comes, photo, post, refused, stored

pytestmark = pytest.mark.django_db


def test_files_may_come_in_media_and_in_media_with_brackets(open311: Open311, key: str) -> None:
    files = [
        ("media", ("a.jpg", photo("red"))),
        ("media[]", ("b.jpg", photo("blue"))),
        ("media[]", ("c.jpg", photo("green"))),
    ]
    assert stored(post(open311, key, files=files)).photos.count() == 3


@nothing_comes
@pytest.mark.parametrize("name", ["photo", "media[0]", "description"])
def test_a_file_in_another_field_is_a_400_that_names_it(open311: Open311, key: str, name: str) -> None:
    files = [("media", ("a.jpg", photo())), (name, ("b.jpg", photo("blue")))]
    refused(post(open311, key, files=files), 400, f"{name}: Not a field for files; photos are sent as media.")


@nothing_comes
def test_a_photo_that_comes_while_others_are_decoded_for_long_is_a_503(
    open311: Open311, key: str, monkeypatch: Any
) -> None:
    monkeypatch.setattr("geo.reports.photos.cleaning.WAIT_S", 0.01)
    with _turn_to_decode():
        reply = post(open311, key, files={"media": ("a.jpg", photo())})
    refused(reply, 503, "send this again")
    assert reply.headers["Retry-After"] == "10"
