"""What a photo says of itself: which side is up, when and where it was taken. Read for the check, before it is left behind."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from PIL import ExifTags, Image

# A clock that was never set says 1970 or 1980; there were no photos of that kind yet.
YEARS = range(1990, 2100)


@dataclass(frozen=True, slots=True)
class PhotoMetadata:
    """`orientation` from 1 to 8, as EXIF counts. `taken_at` is naive, in the time of the place, where the camera named no offset.

    `position` is longitude and latitude in degrees, EPSG:4326. It is personal data: it is never stored, nor printed.
    """

    orientation: int = 1
    taken_at: datetime | None = None
    position: tuple[float, float] | None = field(default=None, repr=False)


def read_metadata(image: Image.Image) -> PhotoMetadata:
    """From a decoded image. What is missing, damaged or absurd is as if it were not there; nothing here fails.

    Source: EXIF 2.32 (CIPA DC-008-2019), 4.6.5 and 4.6.6.
    """
    whole, details = _block(image, None), _block(image, ExifTags.IFD.Exif)
    orientation = whole.get(ExifTags.Base.Orientation)
    return PhotoMetadata(
        orientation=int(orientation) if orientation is not None and orientation in range(1, 9) else 1,
        taken_at=_moment(details.get(ExifTags.Base.DateTimeOriginal), details.get(ExifTags.Base.OffsetTimeOriginal)),
        position=_position(_block(image, ExifTags.IFD.GPSInfo)),
    )


def _block(image: Image.Image, number: int | None) -> Mapping[int, Any]:
    """The tags of one block (IFD) of the EXIF data."""
    try:
        exif = image.getexif()
        return dict(exif if number is None else exif.get_ifd(number))
    except (
        Exception
    ):  # Pillow raises whatever damaged data leads it to; all of it means that there is nothing to be read
        return {}


def _moment(text: Any, offset: Any) -> datetime | None:
    try:
        # Without a zone, as EXIF has it: that is written elsewhere, or hangs on the place.
        moment = datetime.strptime(str(text).strip("\0 "), "%Y:%m:%d %H:%M:%S")  # noqa: DTZ007
    except ValueError:
        return None
    if moment.year not in YEARS:
        return None
    try:
        return moment.replace(tzinfo=datetime.strptime(str(offset).strip("\0 "), "%z").tzinfo)
    except ValueError:
        return moment


def _position(gps: Mapping[int, Any]) -> tuple[float, float] | None:
    tags = ExifTags.GPS
    longitude = _degrees(gps.get(tags.GPSLongitude), gps.get(tags.GPSLongitudeRef), "EW", 180)
    latitude = _degrees(gps.get(tags.GPSLatitude), gps.get(tags.GPSLatitudeRef), "NS", 90)
    # Both are zero where a camera found no satellites.
    if longitude is None or latitude is None or (longitude, latitude) == (0, 0):
        return None
    return longitude, latitude


def _degrees(value: Any, reference: Any, sides: str, most: int) -> float | None:
    """Degrees of an angle in degrees, minutes and seconds; negative on the second of the two sides."""
    if reference not in tuple(sides):
        return None
    try:
        parts = [float(part) for part in value]
    except (TypeError, ValueError, ArithmeticError):
        return None
    if len(parts) != 3 or not all(part >= 0 for part in parts):  # not a number is not >= 0 either
        return None
    degrees = parts[0] + parts[1] / 60 + parts[2] / 3600
    if degrees > most:
        return None
    return degrees if reference == sides[0] else -degrees
