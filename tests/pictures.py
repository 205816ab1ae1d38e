"""Pictures for tests: drawn by a number, so that each looks like no other, and photos of them as a telephone makes them."""

import random
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image, ImageDraw

from tests.photo_files import encoded, tagged

# The place of `make_report`: 106.93, -6.25.
HERE = {"latitude": (6.0, 15.0, 0.0), "longitude": (106.0, 55.0, 48.0)}
SIZE = (320, 240)


def picture(number: int) -> Image.Image:
    dice = random.Random(number)
    image = Image.new("RGB", SIZE, "white")
    draw = ImageDraw.Draw(image)
    for _shape in range(14):
        left, top = dice.randrange(SIZE[0]), dice.randrange(SIZE[1])
        box = (left, top, left + dice.randrange(30, 160), top + dice.randrange(30, 160))
        draw.rectangle(box, fill=tuple(dice.randrange(256) for _colour in range(3)))
    return image


def shot(number: int = 1, *, time: str = "2026:03:01 15:00:00", **more: Any) -> SimpleUploadedFile:
    """Picture `number` as it was taken at the place of `make_report`, three hours after it, unless said otherwise."""
    exif = tagged(**{"time": time, **HERE, **more})
    return uploaded(encoded(picture(number), "JPEG", quality=95, exif=exif))


def plain(number: int = 1) -> SimpleUploadedFile:
    """The same without a word of when and where."""
    return uploaded(encoded(picture(number), "JPEG", quality=95))


def copied(number: int = 1) -> SimpleUploadedFile:
    """The same at half the size and badly encoded, as it comes back from a chat group."""
    small = picture(number).resize((SIZE[0] // 2, SIZE[1] // 2))
    return uploaded(encoded(small, "JPEG", quality=40, exif=tagged(time="2026:03:01 15:00:00", **HERE)))


def uploaded(content: bytes, name: str = "bukti.jpg") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content, "image/jpeg")
