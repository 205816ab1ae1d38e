"""Photos as they come in: decoded, turned upright, encoded anew. Nothing of the sent file itself is ever stored."""

import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO, Protocol

from django.utils.translation import gettext as _
from PIL import Image, ImageOps

from server.core.errors import InvalidFields

MAX_PHOTOS = 5
MAX_BYTES = 10_000_000
LONGEST_EDGE_PX = 2560
QUALITY = 85
# A JPEG is decoded at a fraction of its size (draft), so that a camera's 50 megapixels are welcome; PNG and WebP are
# decoded whole, four bytes a pixel: 100 MB at this bound.
MAX_PIXELS = {"JPEG": 64_000_000, "MPO": 64_000_000, "PNG": 25_000_000, "WEBP": 25_000_000}


class Upload(Protocol):
    """A file as a form brings it."""

    name: str | None
    size: int | None

    def read(self, size: int = ...) -> bytes: ...


@dataclass(frozen=True, slots=True)
class CleanPhoto:
    """A JPEG of our own making: upright, in RGB, without metadata."""

    content: bytes
    width: int
    height: int
    sha256: str


def clean_photos(uploads: Sequence[Upload]) -> list[CleanPhoto]:
    """Every photo cleaned, a photo sent twice once; InvalidFields names the first that cannot be accepted."""
    if len(uploads) > MAX_PHOTOS:
        raise InvalidFields({"photos": [_("At most %(n)d photos go with a report.") % {"n": MAX_PHOTOS}]})
    cleaned: dict[str, CleanPhoto] = {}
    for number, upload in enumerate(uploads, start=1):
        label = (upload.name or "").rsplit("/", 1)[-1][:80] or str(number)
        if (upload.size or 0) > MAX_BYTES:
            raise _refusal(label, _("larger than %(n)d MB") % {"n": MAX_BYTES // 1_000_000})
        photo = clean_photo(io.BytesIO(upload.read(MAX_BYTES + 1)), label)
        cleaned.setdefault(photo.sha256, photo)
    return list(cleaned.values())


def clean_photo(source: BinaryIO, label: str) -> CleanPhoto:
    """One photo. The format is read from its bytes, whatever its name says.

    Errors: InvalidFields when it is no JPEG, PNG or WebP, too large, damaged.
    """
    try:
        with Image.open(source, formats=["JPEG", "PNG", "WEBP"]) as opened:
            if opened.width * opened.height > MAX_PIXELS.get(opened.format or "", 0):
                raise _refusal(label, _("too many pixels"))
            opened.draft("RGB", (LONGEST_EDGE_PX, LONGEST_EDGE_PX))
            upright = ImageOps.exif_transpose(opened)
            upright.thumbnail((LONGEST_EDGE_PX, LONGEST_EDGE_PX))
            plain = _on_white(upright)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise _refusal(label, _("too many pixels")) from None
    except InvalidFields:
        raise
    except Exception:  # decoders raise whatever a damaged file leads them to; all of it means that this is no photo
        raise _refusal(label, _("not a JPEG, PNG or WebP image that can be read")) from None
    out = io.BytesIO()
    plain.save(out, "JPEG", quality=QUALITY, optimize=True, exif=b"", icc_profile=None)
    content = out.getvalue()
    return CleanPhoto(content, plain.width, plain.height, hashlib.sha256(content).hexdigest())


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


def _refusal(label: str, why: str) -> InvalidFields:
    return InvalidFields({"photos": [f"{label}: {why}"]})
