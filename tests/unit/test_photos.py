"""Photos: only pixels come through."""

import io
import struct
import zlib
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from geo.reports.photos import LONGEST_EDGE_PX, MAX_BYTES, clean_photos
from server.core.errors import InvalidFields

GPS = 0x8825
ORIENTATION = 0x0112


def encoded(image: Image.Image, kind: str, **more: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **more)
    return out.getvalue()


def clean(content: bytes, name: str = "a.jpg") -> Image.Image:
    (photo,) = clean_photos([SimpleUploadedFile(name, content)])
    image = Image.open(io.BytesIO(photo.content))
    assert image.format == "JPEG"
    assert image.size == (photo.width, photo.height)
    return image


def refusal(content: bytes, name: str = "a.jpg") -> str:
    with pytest.raises(InvalidFields) as caught:
        clean_photos([SimpleUploadedFile(name, content)])
    return str(caught.value.fields["photos"][0])


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_each_accepted_format_becomes_a_jpeg(kind: str) -> None:
    assert clean(encoded(Image.new("RGB", (40, 30), "blue"), kind), "no-matter.exe").size == (40, 30)


def test_photo_is_turned_upright_and_its_metadata_is_gone() -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = 6  # the camera was held upright: shown turned by 90 degrees
    exif[0x010F] = "MAKER-X"
    exif.get_ifd(GPS)[2] = (6.0, 14.0, 5.0)
    source = Image.new("RGB", (40, 20), "green")
    source.paste("red", (0, 0, 20, 20))  # left half; after turning, the upper half
    content = encoded(source, "JPEG", exif=exif, comment=b"SECRET-COMMENT", quality=95)
    assert b"MAKER-X" in content
    image = clean(content)
    assert image.size == (20, 40)
    red, _green, _blue = image.getpixel((10, 5))
    assert red > 200
    assert not image.getexif()
    (photo,) = clean_photos([SimpleUploadedFile("a.jpg", content)])
    for secret in (b"MAKER-X", b"SECRET-COMMENT", b"Exif", b"GPS"):
        assert secret not in photo.content


def test_text_chunks_and_what_is_appended_to_a_file_do_not_come_along() -> None:
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    info.add_text("Author", "SECRET-NAME")
    content = encoded(Image.new("RGB", (8, 8)), "PNG", pnginfo=info) + b"<?php SECRET-TAIL"
    (photo,) = clean_photos([SimpleUploadedFile("a.png", content)])
    assert b"SECRET" not in photo.content


def test_transparent_png_is_put_on_white() -> None:
    assert min(clean(encoded(Image.new("RGBA", (8, 8), (0, 0, 0, 0)), "PNG")).getpixel((4, 4))) > 250


@pytest.mark.parametrize("mode", ["L", "P", "1", "CMYK", "LA", "I;16"])
def test_other_colour_modes_become_rgb(mode: str) -> None:
    kind = "JPEG" if mode == "CMYK" else "PNG"
    assert clean(encoded(Image.new(mode, (8, 8)), kind)).mode == "RGB"


def test_large_photo_is_made_smaller_and_keeps_its_shape() -> None:
    assert clean(encoded(Image.new("RGB", (6000, 3000)), "JPEG")).size == (LONGEST_EDGE_PX, LONGEST_EDGE_PX // 2)


def test_other_formats_and_rubbish_are_refused_by_name() -> None:
    image = Image.new("RGB", (8, 8))
    for content in (
        b"",
        b"x",
        b"<svg/>",
        encoded(image, "GIF"),
        encoded(image, "TIFF"),
        encoded(image, "JPEG")[:-40][:200],
    ):
        assert refusal(content, "evil.jpg").startswith("evil.jpg: ")


def test_truncated_photo_is_refused() -> None:
    content = encoded(Image.effect_noise((400, 400), 90).convert("RGB"), "JPEG")
    refusal(content[: len(content) // 2])


def test_decompression_bomb_is_refused_before_it_is_decoded() -> None:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    for side in (5_100, 12_000, 60_000):
        header = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0))
        bomb = b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b"")
        assert "pixel" in refusal(bomb).lower() or "piksel" in refusal(bomb).lower()


def test_file_beyond_the_bound_is_refused_whatever_size_it_claims() -> None:
    upload = SimpleUploadedFile("big.jpg", encoded(Image.new("RGB", (8, 8)), "JPEG") + b"\0" * MAX_BYTES)
    with pytest.raises(InvalidFields, match=r"big\.jpg"):
        clean_photos([upload])


def test_six_photos_are_too_many_and_the_same_one_twice_is_one() -> None:
    one = encoded(Image.new("RGB", (8, 8)), "JPEG")
    with pytest.raises(InvalidFields):
        clean_photos([SimpleUploadedFile("a.jpg", one)] * 6)
    assert len(clean_photos([SimpleUploadedFile("a.jpg", one), SimpleUploadedFile("b.jpg", one)])) == 1
