"""Photos as they come in: decoded, turned upright, encoded anew. Nothing of the sent file itself is ever stored."""

import hashlib
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from django.utils.translation import gettext as _
from PIL import Image

from geo.reports.photo_metadata import PhotoMetadata, read_metadata
from server.core.errors import InvalidFields

MAX_PHOTOS = 5
MAX_BYTES = 10_000_000
LONGEST_EDGE_PX = 2560
THUMBNAIL_EDGE_PX = 320
QUALITY = 85
# A JPEG is decoded at a fraction of its size (draft), so that a camera's 50 megapixels are welcome; PNG and WebP are
# decoded whole, four bytes a pixel: 100 MB at this bound.
MAX_PIXELS = {"JPEG": 64_000_000, "MPO": 64_000_000, "PNG": 25_000_000, "WEBP": 25_000_000}
# A JPEG in several scans (a progressive one) is held whole, six bytes a pixel, and every scan goes over all of it: 1,000
# empty ones in 220 KB keep a core busy for 13 s. Encoders write about ten.
MAX_PIXELS_IN_SCANS = 25_000_000
MAX_SCANS = 50

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
    """Every photo cleaned, a photo sent twice once; InvalidFields names the first that cannot be accepted."""
    if len(uploads) > MAX_PHOTOS:
        raise InvalidFields({"photos": [_("At most %(n)d photos go with a report.") % {"n": MAX_PHOTOS}]})
    labels = [(upload.name or "").rsplit("/", 1)[-1][:80] or str(number) for number, upload in enumerate(uploads, 1)]
    # Before any is decoded: that is what costs.
    for label, upload in zip(labels, uploads, strict=True):
        if (upload.size or 0) > MAX_BYTES:
            raise _too_large(label)
    cleaned: dict[str, CleanPhoto] = {}
    for label, upload in zip(labels, uploads, strict=True):
        photo = clean_photo(upload.read(MAX_BYTES + 1), label)
        cleaned.setdefault(photo.sha256, photo)
    return list(cleaned.values())


def clean_photo(content: bytes, label: str) -> CleanPhoto:
    """One photo. The format is read from its bytes, whatever its name says.

    Errors: InvalidFields, with the label, when it is no JPEG, PNG or WebP, too large, animated, damaged.
    """
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
        thumbnail=_thumbnail(plain),
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
        return _thumbnail(opened)


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
        opened.draft("RGB", (LONGEST_EDGE_PX, LONGEST_EDGE_PX))
        opened.load()
        told = read_metadata(opened)
        opened.thumbnail((LONGEST_EDGE_PX, LONGEST_EDGE_PX))
        turn = _TURNS.get(told.orientation)
        return _on_white(opened if turn is None else opened.transpose(turn)), told


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


def _on_white(image: Image.Image) -> Image.Image:
    """Pixels alone, in RGB: a new image, so that no comment or profile of the old one comes along."""
    if image.has_transparency_data:
        image = image.convert("RGBA")
        canvas = Image.new("RGB", image.size, "white")
        canvas.paste(image, mask=image.getchannel("A"))
        return canvas
    canvas = Image.new("RGB", image.size)
    canvas.paste(image.convert("RGB"))
    return canvas


def _thumbnail(image: Image.Image) -> bytes:
    small = image.copy()
    small.thumbnail((THUMBNAIL_EDGE_PX, THUMBNAIL_EDGE_PX))
    return _jpeg(small)


def _jpeg(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "JPEG", quality=QUALITY, optimize=True, exif=b"", icc_profile=None)
    return out.getvalue()


def _too_large(label: str) -> InvalidFields:
    return _refusal(label, _("larger than %(n)d MB") % {"n": MAX_BYTES // 1_000_000})


def _refusal(label: str, why: str) -> InvalidFields:
    return InvalidFields({"photos": [f"{label}: {why}"]})
