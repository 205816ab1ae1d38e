"""Photos: only pixels come through."""

import io
import struct
import subprocess
import sys
import threading
import zipfile
import zlib
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import translation
from PIL import Image, ImageChops

from geo.reports.photos import cleaning as photos
from geo.reports.photos.cleaning import LONGEST_EDGE_PX, MAX_BYTES, clean_photo, clean_photos, thumbnail_of
from server.core.errors import InvalidFields, NotReady
from tests.photo_files import GPS, encoded, header, jpeg, png, tagged, zip_file

ORIENTATION = 0x0112


@pytest.fixture(autouse=True)
def _in_english() -> Iterator[None]:
    with translation.override("en"):
        yield


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


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_truncated_photo_is_refused(kind: str) -> None:
    content = encoded(Image.effect_noise((400, 400), 90).convert("RGB"), kind)
    assert "not a JPEG" in refusal(content[: len(content) // 2])


@pytest.mark.parametrize("side", [5_100, 12_000, 30_000, 60_000])
def test_png_of_too_many_pixels_is_refused_before_it_is_decoded(side: int) -> None:
    bomb = png(header(side, side), (b"IDAT", zlib.compress(b"\0" * 1000)))
    assert refusal(bomb) == "a.jpg: too many pixels"


@pytest.mark.parametrize("name", [b"zTXt", b"iCCP"])
def test_png_whose_text_or_profile_unpacks_to_a_hundred_megabytes_is_refused(name: bytes) -> None:
    packed = zlib.compress(bytes(100_000_000), 1)
    pixels = (b"IDAT", zlib.compress(b"\0\0\0\0"))
    assert clean(png(header(1, 1), pixels)).size == (1, 1)
    assert "not a JPEG" in refusal(png(header(1, 1), (name, b"name\0\0" + packed), pixels))


def test_webp_of_too_many_pixels_is_refused() -> None:
    # An extended file (VP8X) that claims 16,383 by 16,383 pixels, and one that could be decoded: 4,001 by 3,000.
    extended = b"VP8X" + struct.pack("<II", 10, 0) + (16_382).to_bytes(3, "little") * 2
    still = encoded(Image.new("RGB", (1, 1)), "WEBP")[12:]
    claims = b"RIFF" + struct.pack("<I", 4 + len(extended) + len(still)) + b"WEBP" + extended + still
    assert refusal(claims) == "a.jpg: too many pixels"
    assert refusal(encoded(Image.new("RGB", (4001, 3000)), "WEBP", method=0)) == "a.jpg: too many pixels"
    assert clean(encoded(Image.new("RGB", (4000, 3000)), "WEBP", method=0)).size == (2560, 1920)


def test_thirty_eight_bytes_that_are_twenty_five_million_pixels_are_refused() -> None:
    colour = Image.new("RGBA", (5000, 5000), (10, 200, 30, 128))
    bomb = encoded(colour, "WEBP", lossless=True, quality=0, method=0)
    assert len(bomb) == 38
    assert refusal(bomb) == "a.jpg: too many pixels"


def one_colour(width: int, height: int) -> bytes:
    """A PNG with transparency, clear all over."""
    packer = zlib.compressobj(1)
    rows = b"".join([*(packer.compress(bytes(1 + width * 4)) for _row in range(height)), packer.flush()])
    return png((b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)), (b"IDAT", rows))


# In a process of its own: the most that it ever held (VmHWM), after a first small photo and after the one in question.
PEAK = """
import io, pathlib, sys
from PIL import Image
from geo.reports.photos.cleaning import clean_photo
def most_kb():
    return int(pathlib.Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0])
small = io.BytesIO()
Image.new("RGB", (8, 8)).save(small, "JPEG")
content = sys.stdin.buffer.read()
clean_photo(small.getvalue(), "small")
before = most_kb()
clean_photo(content, "large")
print((most_kb() - before) // 1000)
"""


@pytest.mark.parametrize(
    ("content", "most_mb"),
    [
        # 25 million pixels of four bytes, and 26 MB of the result: never a second copy of the whole.
        pytest.param(one_colour(5000, 5000), 150, id="PNG with transparency"),
        # 64 million pixels of one byte, an eighth as wide and as high: 1 MB.
        pytest.param(jpeg(65_000, 980), 30, id="JPEG strip"),
    ],
)
def test_largest_photos_are_not_held_twice_in_memory(content: bytes, most_mb: int) -> None:
    ran = subprocess.run([sys.executable, "-c", PEAK], input=content, capture_output=True, check=True)
    assert int(ran.stdout) < most_mb


def test_panorama_is_taken_and_keeps_its_shape() -> None:
    assert clean(jpeg(65_000, 980)).size == (2560, 39)


def test_photo_made_smaller_in_bands_is_as_one_made_smaller_at_once() -> None:
    noise = Image.effect_noise((40, 3001), 90).convert("RGB")
    at_once = noise.resize((34, 2560), Image.Resampling.BICUBIC)
    darkest_and_lightest = ImageChops.difference(photos._on_white(noise, 2560), at_once).getextrema()
    assert max(most for _least, most in darkest_and_lightest) <= 1  # rounding


@pytest.fixture
def _busy(monkeypatch: Any) -> Iterator[None]:
    monkeypatch.setattr(photos, "WAIT_S", 0.01)
    with photos._turn_to_decode():
        yield


@pytest.mark.usefixtures("_busy")
def test_while_another_photo_is_decoded_for_long_the_next_is_to_be_sent_again() -> None:
    content = encoded(Image.new("RGB", (8, 8)), "JPEG")
    upload = SimpleUploadedFile("a.jpg", content)
    for attempt in (lambda: clean_photos([upload]), lambda: clean_photo(content, "a.jpg")):
        with pytest.raises(NotReady, match="Many photos") as caught:
            attempt()
        assert caught.value.retry_after_s == 10
    assert upload.tell() == 0


def test_photos_that_come_at_once_take_turns_and_a_refused_one_gives_its_turn_back() -> None:
    assert refusal(b"x").startswith("a.jpg: ")
    content = encoded(Image.new("RGB", (800, 600)), "JPEG")
    done: list[int] = []
    threads = [threading.Thread(target=lambda: done.append(clean_photo(content, "a").width)) for _ in range(4)]
    with photos._turn_to_decode():
        for thread in threads:
            thread.start()
        assert done == []
    for thread in threads:
        thread.join()
    assert done == [800, 800, 800, 800]


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_animation_is_refused(kind: str) -> None:
    more = [Image.new("RGB", (8, 8), colour) for colour in ("red", "green", "blue")]
    assert refusal(encoded(Image.new("RGB", (8, 8)), kind, save_all=True, append_images=more)) == "a.jpg: animated"


def test_jpeg_of_absurd_size_is_refused() -> None:
    assert refusal(jpeg(65_500, 65_500)) == "a.jpg: too many pixels"
    assert refusal(jpeg(9_000, 9_000)) == "a.jpg: too many pixels"


def test_jpeg_of_a_thousand_scans_is_refused() -> None:
    assert refusal(jpeg(8_000, 8_000, scans=1000, frame=0xC2)) == "a.jpg: made of too many scans"
    assert refusal(jpeg(64, 64, scans=51)) == "a.jpg: made of too many scans"


def test_progressive_jpeg_may_have_fewer_pixels_than_one_that_is_decoded_as_it_comes() -> None:
    ordinary = Image.new("L", (5001, 5000))
    assert clean(encoded(ordinary, "JPEG")).size == (2560, 2559)
    assert refusal(encoded(ordinary, "JPEG", progressive=True)) == "a.jpg: too many pixels"
    assert clean(encoded(ordinary.crop((0, 0, 5000, 5000)), "JPEG", progressive=True)).size == (2560, 2560)


def test_photo_with_a_film_behind_it_is_taken_without_the_film() -> None:
    # As telephones write "motion photos": what follows the end of the image is not counted as scans of it.
    film = b"\0\0\0\x18ftypmp42" + b"\xff\xda\0\4" * 1000
    (photo,) = clean_photos([SimpleUploadedFile("a.jpg", encoded(Image.new("RGB", (8, 8)), "JPEG") + film)])
    assert b"ftyp" not in photo.content


def test_camera_that_writes_two_pictures_into_one_file_gives_the_first() -> None:
    second = Image.new("RGB", (30, 30), "red")
    assert clean(encoded(Image.new("RGB", (40, 20)), "MPO", save_all=True, append_images=[second])).size == (40, 20)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_photo_that_is_an_archive_too_comes_out_as_a_photo_alone(kind: str) -> None:
    content = encoded(Image.new("RGB", (8, 8)), kind) + zip_file()
    assert zipfile.is_zipfile(io.BytesIO(content))
    (photo,) = clean_photos([SimpleUploadedFile("a.jpg", content)])
    for part in (photo.content, photo.thumbnail):
        assert not zipfile.is_zipfile(io.BytesIO(part))
        assert b"SECRET" not in part


@pytest.mark.parametrize(
    "beginning",
    [
        b"GIF89a/*",
        b"%PDF-1.4\n",
        b"<!doctype html><script>alert(1)</script>",
        b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>',
    ],
)
def test_file_that_begins_as_something_else_is_refused_though_a_photo_follows(beginning: bytes) -> None:
    assert "not a JPEG" in refusal(beginning + encoded(Image.new("RGB", (8, 8)), "JPEG"))


def test_photo_with_a_page_in_its_comment_comes_out_without_it() -> None:
    content = encoded(Image.new("RGB", (8, 8)), "JPEG", comment=b"*/=1;<html><script>SECRET()</script>")
    assert b"SECRET" in content
    (photo,) = clean_photos([SimpleUploadedFile("a.html", content)])
    assert b"SECRET" not in photo.content + photo.thumbnail


def test_thirty_megabytes_are_refused_unread() -> None:
    upload = SimpleUploadedFile("big.jpg", encoded(Image.new("RGB", (8, 8)), "JPEG") + bytes(30_000_000))
    with pytest.raises(InvalidFields, match=r"big\.jpg: larger than 10 MB"):
        clean_photos([SimpleUploadedFile("a.jpg", b"never looked at"), upload])
    assert upload.tell() == 0


def test_thumbnail_is_a_jpeg_of_320_pixels_at_its_longest_edge_without_metadata() -> None:
    content = encoded(Image.new("RGB", (1000, 500), "red"), "JPEG", exif=tagged(), comment=b"SECRET")
    (photo,) = clean_photos([SimpleUploadedFile("a.jpg", content)])
    small = Image.open(io.BytesIO(photo.thumbnail))
    assert (small.format, small.size, dict(small.getexif())) == ("JPEG", (320, 160), {})
    assert b"SECRET" not in photo.thumbnail
    assert Image.open(io.BytesIO(thumbnail_of(photo.content))).size == (320, 160)


def test_small_photo_keeps_its_size_as_a_thumbnail() -> None:
    (photo,) = clean_photos([SimpleUploadedFile("a.png", encoded(Image.new("RGB", (30, 40)), "PNG"))])
    assert Image.open(io.BytesIO(photo.thumbnail)).size == (30, 40)


def test_file_beyond_the_bound_is_refused_whatever_size_it_claims() -> None:
    upload = SimpleUploadedFile("big.jpg", encoded(Image.new("RGB", (8, 8)), "JPEG") + b"\0" * MAX_BYTES)
    with pytest.raises(InvalidFields, match=r"big\.jpg"):
        clean_photos([upload])


def test_six_photos_are_too_many_and_the_same_one_twice_is_one() -> None:
    one = encoded(Image.new("RGB", (8, 8)), "JPEG")
    with pytest.raises(InvalidFields):
        clean_photos([SimpleUploadedFile("a.jpg", one)] * 6)
    assert len(clean_photos([SimpleUploadedFile("a.jpg", one), SimpleUploadedFile("b.jpg", one)])) == 1


@pytest.mark.parametrize(
    ("orientation", "corner"), [(1, 0), (2, 1), (3, 3), (4, 2), (5, 0), (6, 1), (7, 3), (8, 2), (9, 0)]
)
def test_each_orientation_is_turned_upright(orientation: int, corner: int) -> None:
    """EXIF 2.32, table 6: at which visual corner the stored upper left one belongs (clockwise reading: 0 1 / 2 3)."""
    source = Image.new("RGB", (64, 64), "black")
    source.paste("white", (0, 0, 32, 32))
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    image = clean(encoded(source, "JPEG", exif=exif)).convert("L")
    corners = [image.getpixel(at) for at in ((8, 8), (56, 8), (8, 56), (56, 56))]
    assert [light > 128 for light in corners].index(True) == corner
