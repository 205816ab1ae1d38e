"""Photos as they come in: decoded, turned upright, encoded anew. Nothing of the sent file itself is ever stored."""

import hashlib
import io
import math
import re
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from django.utils.translation import gettext as _
from PIL import Image

from geo.reports.photos.metadata import PhotoMetadata, read_metadata
from server.core.errors import InvalidFields, NotReady

MAX_PHOTOS = 5
MAX_BYTES = 10_000_000
LONGEST_EDGE_PX = 2560
THUMBNAIL_EDGE_PX = 320
QUALITY = 85
# A JPEG is decoded at a fraction of its size (draft), so that a camera's 50 megapixels are welcome: its longest edge is
# at most about twice ours then, which is 105 MB. A PNG is decoded whole, four bytes a pixel; a WebP is held four
# times meanwhile, and 38 bytes of it can be a picture of any size.
MAX_PIXELS = {"JPEG": 64_000_000, "MPO": 64_000_000, "PNG": 25_000_000, "WEBP": 12_000_000}
# A JPEG in several scans (a progressive one) is held whole, six bytes a pixel, and every scan goes over all of it: 1,000
# empty ones in 220 KB keep a core busy for 13 s. Encoders write about ten.
MAX_PIXELS_IN_SCANS = 25_000_000
MAX_SCANS = 50
# Decoding is what costs memory, up to 290 MB at the bounds above: one at a time in a process, however many are sent.
_TURN = threading.BoundedSemaphore(1)
WAIT_S = 5.0
RETRY_AFTER_S = 10
# A large picture is made smaller in bands of so many rows of the result, so that it is never there a second time.
_BAND = 64
_BICUBIC_REACH = 2

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
# Any marker but those without a length (TEM, RSTn, SOI), and but 0xFF00, which is a byte of a picture (ITU-T T.81, B.1.1).
_JPEG_MARKER = re.compile(rb"\xff([^\x00\x01\xd0-\xd8\xff])")
_END_OF_IMAGE, _START_OF_SCAN = 0xD9, 0xDA


class Upload(Protocol):
    """A file as a form brings it."""

    name: str | None
    size: int | None

    def read(self, size: int = ...) -> bytes: ...


@dataclass(frozen=True, slots=True)
class CleanPhoto:
    """A JPEG of our own making, and a small one for lists: upright, in RGB, without metadata.

    What the metadata said is beside it (see PhotoMetadata), for the check alone: `position` is never stored.
    """

    content: bytes = field(repr=False)
    thumbnail: bytes = field(repr=False)
    width: int
    height: int
    sha256: str
    taken_at: datetime | None = None
    position: tuple[float, float] | None = field(default=None, repr=False)


def clean_photos(uploads: Sequence[Upload]) -> list[CleanPhoto]:
    """Every photo cleaned, a photo sent twice once.

    Errors: InvalidFields names the first that cannot be accepted; NotReady where others are being decoded for long.
    """
    if len(uploads) > MAX_PHOTOS:
        raise InvalidFields({"photos": [_("At most %(n)d photos go with a report.") % {"n": MAX_PHOTOS}]})
    labels = [(upload.name or "").rsplit("/", 1)[-1][:80] or str(number) for number, upload in enumerate(uploads, 1)]
    # Before any is decoded: that is what costs.
    for label, upload in zip(labels, uploads, strict=True):
        if (upload.size or 0) > MAX_BYTES:
            raise _too_large(label)
    cleaned: dict[str, CleanPhoto] = {}
    for label, upload in zip(labels, uploads, strict=True):
        with _turn_to_decode():  # before it is read, too: those who wait hold nothing
            photo = _clean(upload.read(MAX_BYTES + 1), label)
        cleaned.setdefault(photo.sha256, photo)
    return list(cleaned.values())


def clean_photo(content: bytes, label: str) -> CleanPhoto:
    """One photo. The format is read from its bytes, whatever its name says.

    Errors: InvalidFields, with the label, when it is no JPEG, PNG or WebP, too large, animated, damaged; NotReady where
            others are being decoded for long.
    """
    with _turn_to_decode():
        return _clean(content, label)


@contextmanager
def _turn_to_decode() -> Iterator[None]:
    if not _TURN.acquire(timeout=WAIT_S):
        raise NotReady(
            _("Many photos are coming in at the moment; send this again in a few seconds."), retry_after_s=RETRY_AFTER_S
        )
    try:
        yield
    finally:
        _TURN.release()


def _clean(content: bytes, label: str) -> CleanPhoto:
    if len(content) > MAX_BYTES:
        raise _too_large(label)
    try:
        plain, told = _decoded(content, label)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise _refusal(label, _("too many pixels")) from None
    except InvalidFields:
        raise
    except Exception:  # decoders raise whatever a damaged file leads them to; all of it means that this is no photo
        raise _refusal(label, _("not a JPEG, PNG or WebP image that can be read")) from None
    ours = _jpeg(plain)
    return CleanPhoto(
        content=ours,
        thumbnail=_jpeg(_on_white(plain, THUMBNAIL_EDGE_PX)),
        width=plain.width,
        height=plain.height,
        sha256=hashlib.sha256(ours).hexdigest(),
        taken_at=told.taken_at,
        position=told.position,
    )


def thumbnail_of(photo: bytes) -> bytes:
    """The small JPEG of a photo that was cleaned before."""
    with Image.open(io.BytesIO(photo), formats=["JPEG"]) as opened:
        opened.draft("RGB", (THUMBNAIL_EDGE_PX, THUMBNAIL_EDGE_PX))
        return _jpeg(_on_white(opened, THUMBNAIL_EDGE_PX))


def _decoded(content: bytes, label: str) -> tuple[Image.Image, PhotoMetadata]:
    with Image.open(io.BytesIO(content), formats=["JPEG", "PNG", "WEBP"]) as opened:
        bound = MAX_PIXELS.get(opened.format or "", 0)
        if opened.format in ("JPEG", "MPO"):
            scans = _scans(content)
            if len(scans) > MAX_SCANS:
                raise _refusal(label, _("made of too many scans"))
            if scans != [getattr(opened, "layers", 0)] or opened.info.get("progressive"):
                bound = MAX_PIXELS_IN_SCANS
        elif getattr(opened, "is_animated", False):
            raise _refusal(label, _("animated"))
        if opened.width * opened.height > bound:
            raise _refusal(label, _("too many pixels"))
        # Of the photo's shape: by a square, the short edge of a panorama would forbid any fraction.
        opened.draft("RGB", _fitted(opened.size, LONGEST_EDGE_PX))
        opened.load()
        told = read_metadata(opened)
        plain = _on_white(opened, LONGEST_EDGE_PX)
    del opened
    turn = _TURNS.get(told.orientation)
    return (plain if turn is None else plain.transpose(turn)), told


def _scans(jpeg: bytes) -> list[int]:
    """The scans of a JPEG, each as the number of components (colours) in it; one too many at the most, so that it ends soon."""
    scans: list[int] = []
    at = 2
    while len(scans) <= MAX_SCANS and (found := _JPEG_MARKER.search(jpeg, at)):
        marker, begin = found[1][0], found.end()
        if marker == _END_OF_IMAGE:
            break
        if marker == _START_OF_SCAN:
            scans.append(int.from_bytes(jpeg[begin + 2 : begin + 3]))
        at = begin + int.from_bytes(jpeg[begin : begin + 2])
    return scans


def _fitted(size: tuple[int, int], edge: int) -> tuple[int, int]:
    """The same shape, whose longest edge has at most `edge` pixels."""
    shrink = max(1.0, max(size) / edge)
    return max(1, round(size[0] / shrink)), max(1, round(size[1] / shrink))


def _on_white(image: Image.Image, edge: int) -> Image.Image:
    """Pixels alone, in RGB, at most `edge` at the longest: a new image, so that no comment or profile of the old one comes along."""
    width, height = _fitted(image.size, edge)
    rows = image.height / height
    canvas = Image.new("RGB", (width, height), "white")
    for top in range(0, height, _BAND):
        bottom = min(top + _BAND, height)
        begin, end = top * rows, min(bottom * rows, image.height)
        # With the rows beside the band that it is mixed from, it has no seam.
        first = max(0, math.floor(begin - _BICUBIC_REACH * rows))
        last = min(image.height, math.ceil(end + _BICUBIC_REACH * rows))
        band = _opaque(image.crop((0, first, image.width, last)))
        box = (0, begin - first, image.width, end - first)
        canvas.paste(band.resize((width, bottom - top), Image.Resampling.BICUBIC, box), (0, top))
    return canvas


def _opaque(image: Image.Image) -> Image.Image:
    if not image.has_transparency_data:
        return image.convert("RGB")
    image = image.convert("RGBA")
    canvas = Image.new("RGB", image.size, "white")
    canvas.paste(image, mask=image.getchannel("A"))
    return canvas


def _jpeg(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "JPEG", quality=QUALITY, optimize=True, exif=b"", icc_profile=None)
    return out.getvalue()


def _too_large(label: str) -> InvalidFields:
    return _refusal(label, _("larger than %(n)d MB") % {"n": MAX_BYTES // 1_000_000})


def _refusal(label: str, why: str) -> InvalidFields:
    return InvalidFields({"photos": [f"{label}: {why}"]})
