"""What a photo says of itself is read before it is stripped; what is damaged is as if it were not there."""

import struct
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image
from PIL.TiffImagePlugin import IFDRational

from geo.reports.photos.cleaning import clean_photos
from tests.photo_files import encoded, tagged


def told(content: bytes) -> tuple[datetime | None, tuple[float, float] | None]:
    """When and where a photo says that it was taken."""
    (photo,) = clean_photos([SimpleUploadedFile("a.jpg", content)])
    return photo.taken_at, photo.position


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_time_and_place_are_read_before_they_are_stripped(kind: str) -> None:
    content = encoded(Image.new("RGB", (8, 8)), kind, exif=tagged())
    taken_at, position = told(content)
    assert taken_at == datetime(2026, 3, 1, 11, 58, 30)  # noqa: DTZ001  # in the city's time, which only its report knows
    assert position == pytest.approx((106.99, -6.2347222), abs=1e-6)
    (photo,) = clean_photos([SimpleUploadedFile("a.jpg", content)])
    assert b"Exif" not in photo.content + photo.thumbnail
    assert "106" not in repr(photo)


def test_offset_that_the_camera_names_belongs_to_the_time() -> None:
    content = encoded(Image.new("RGB", (8, 8)), "JPEG", exif=tagged(offset="+09:00"))
    assert told(content)[0] == datetime(2026, 3, 1, 11, 58, 30, tzinfo=timezone(timedelta(hours=9)))


def test_offset_that_is_none_is_as_if_it_were_not_there() -> None:
    content = encoded(Image.new("RGB", (8, 8)), "JPEG", exif=tagged(offset="   :  "))
    assert told(content)[0] == datetime(2026, 3, 1, 11, 58, 30)  # noqa: DTZ001


@pytest.mark.parametrize(
    "time", ["0000:00:00 00:00:00", "    :  :     :  :  ", "1970:01:01 00:00:00", "9999:12:31 23:59:59", "yesterday"]
)
def test_time_that_cannot_be_is_no_time(time: str) -> None:
    assert told(encoded(Image.new("RGB", (8, 8)), "JPEG", exif=tagged(time=time)))[0] is None


@pytest.mark.parametrize(
    "bad",
    [
        {"latitude": (91.0, 0.0, 0.0)},
        {"latitude": (6.0, 14.0)},
        {"latitude": 6.0},
        {"longitude": (180.0, 0.0, 1.0)},
        {"south": "X"},
        {"south": ""},
        {"latitude": (0.0, 0.0, 0.0), "longitude": (0.0, 0.0, 0.0)},
        {"latitude": (IFDRational(6, 0), IFDRational(14, 1), IFDRational(5, 1))},
    ],
)
def test_place_that_cannot_be_is_no_place(bad: dict[str, Any]) -> None:
    taken_at, position = told(encoded(Image.new("RGB", (8, 8)), "JPEG", exif=tagged(**bad)))
    assert taken_at is not None
    assert position is None


# Pillow warns of what is wrong in it.
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "exif",
    [
        b"Exif\0\0",
        b"Exif\0\0garbage that is no TIFF",
        b"Exif\0\0II*\0\xff\xff\xff\xff",
        b"Exif\0\0II*\0\x08\0\0\0\xff\xff" + bytes(range(256)),
        # The block of details, and that of the place, are the block itself.
        b"Exif\0\0II*\0\x08\0\0\0\2\0" + struct.pack("<HHIIHHII", 0x8769, 4, 1, 8, 0x8825, 4, 1, 8) + bytes(4),
        tagged().tobytes()[:60],
    ],
)
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_damaged_metadata_is_none_and_the_photo_is_taken(exif: bytes, kind: str) -> None:
    content = encoded(Image.new("RGB", (8, 8)), kind, exif=exif)
    assert told(content) == (None, None)


@pytest.mark.filterwarnings("ignore")
def test_damaged_metadata_of_a_jpeg_that_has_nothing_else_to_say_of_its_resolution() -> None:
    # Without a JFIF header Pillow looks there for it, when it opens the file.
    whole = encoded(Image.new("RGB", (8, 8)), "JPEG")
    exif = b"Exif\0\0II*\0\x08\0\0\0\xff\xff" + bytes(range(256))
    bare = b"\xff\xd8\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + whole[20:]
    assert b"JFIF" not in bare
    assert told(bare) == (None, None)
