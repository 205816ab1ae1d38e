"""Files that are sent as photos: whole ones, with what a telephone writes into them, and such as are no photos at all."""

import io
import struct
import zipfile
import zlib
from typing import Any

from PIL import Image

DETAILS = 0x8769
GPS = 0x8825


def encoded(image: Image.Image, kind: str, **more: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **more)
    return out.getvalue()


def tagged(
    *,
    time: str = "2026:03:01 11:58:30",
    offset: str | None = None,
    latitude: Any = (6.0, 14.0, 5.0),
    south: Any = "S",
    longitude: Any = (106.0, 59.0, 24.0),
) -> Image.Exif:
    """EXIF as a telephone writes it in Bekasi."""
    exif = Image.Exif()
    exif[0x010F] = "MAKER-X"
    exif.get_ifd(DETAILS)[0x9003] = time
    if offset is not None:
        exif.get_ifd(DETAILS)[0x9011] = offset
    exif.get_ifd(GPS).update({1: south, 2: latitude, 3: "E", 4: longitude})
    return exif


def header(width: int, height: int) -> tuple[bytes, bytes]:
    return b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)


def png(*chunks: tuple[bytes, bytes]) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in [*chunks, (b"IEND", b"")]
    )


def jpeg(width: int, height: int, *, scans: int = 1, frame: int = 0xC0) -> bytes:
    """A grey JPEG, black all over, whose scans hold no data; `frame` is SOF0 (baseline) or SOF2 (progressive)."""

    def segment(marker: int, data: bytes) -> bytes:
        return bytes([0xFF, marker]) + struct.pack(">H", len(data) + 2) + data

    tables = segment(0xDB, b"\0" + b"\1" * 64) + segment(0xC4, b"\0\1" + bytes(15) + b"\0")
    first = segment(0xDA, bytes([1, 1, 0, 0, 0, 0]))
    size = segment(frame, struct.pack(">BHHB", 8, height, width, 1) + bytes([1, 0x11, 0]))
    return b"\xff\xd8" + tables + size + (first + b"\0") * scans + b"\xff\xd9"


def zip_file() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("index.html", "<script>SECRET</script>")
    return out.getvalue()
