"""What `bench.reports` sends and imports: a file of a million reports as a channel would hand it over, and a photo."""

import csv
import io
import random
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

COLUMNS = ("external_id", "category", "description", "lon", "lat", "reported_at", "name", "phone")
JAKARTA = timezone(timedelta(hours=7))
FIRST_DAY = datetime(2025, 6, 1, tzinfo=JAKARTA)
DAYS = 120
# Reports come from the same corners again and again, a few tens of metres apart; some lie outside the city.
SPOTS = 3000
SPREAD_DEGREES = 0.0003
OUTSIDE_EVERY = 40
# Texts that hold what must be masked: one in fifty a telephone number, one in two hundred an address.
PHONE_EVERY, EMAIL_EVERY = 50, 200
WORDS = [
    *("jalan", "berlubang", "depan", "pasar", "sejak", "hari", "senin", "belum", "ada", "petugas", "mohon", "segera"),
    *("ditangani", "karena", "bahaya", "untuk", "pengendara", "motor", "malam", "sampah", "menumpuk", "bau", "banjir"),
    *(
        "setinggi",
        "lutut",
        "lampu",
        "mati",
        "warga",
        "terganggu",
        "dekat",
        "sekolah",
        "gang",
        "sempit",
        "got",
        "mampet",
    ),
]
NAMES = ["Siti", "Budi", "Agus", "Dewi", "Rina", "Joko", "Wati", "Hendra", "Putri", "Andi", "Sari", "Yanto", "Lestari"]


def write_csv(path: Path, count: int) -> None:
    """`count` rows, of which the first are the same whatever the count."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows(rows(count))


def rows(count: int) -> Iterator[tuple[str, ...]]:
    from geo.reports.models import Category

    rng = random.Random(5)
    spots = _spots()
    categories = sorted(Category.objects.filter(is_active=True).values_list("slug", flat=True))
    for i in range(count):
        lon, lat = (108.5, -6.9) if i % OUTSIDE_EVERY == 0 else rng.choice(spots)
        at = FIRST_DAY + timedelta(seconds=rng.randrange(DAYS * 86_400))
        yield (
            f"POT-{i:07d}",
            rng.choice(categories),
            _text(rng, i),
            f"{lon + rng.gauss(0, SPREAD_DEGREES):.6f}",
            f"{lat + rng.gauss(0, SPREAD_DEGREES):.6f}",
            at.isoformat(),
            f"{rng.choice(NAMES)} {rng.choice(NAMES)}",
            f"08{rng.randrange(10**9, 10**10)}",
        )


def _text(rng: random.Random, i: int) -> str:
    text = " ".join(rng.choices(WORDS, k=12))
    if i % PHONE_EVERY == 0:
        text += f", hub 0812-3456-{i % 10_000:04d}"
    if i % EMAIL_EVERY == 1:
        text += f" budi{i}@contoh.id"
    return text


def _spots() -> list[tuple[float, float]]:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT ST_X(p), ST_Y(p) FROM (SELECT (ST_Dump(ST_GeneratePoints(boundary, %s, 11))).geom AS p"
            " FROM geo_area WHERE parent_id IS NULL AND retired_at IS NULL) spots",
            [SPOTS],
        )
        return cursor.fetchall()


def photo() -> bytes:
    """A JPEG of two megapixels with a coarse pattern: about as large as a telephone's, sent by a messenger."""
    from PIL import Image

    noise = random.Random(7).randbytes(3 * 200 * 150)
    image = Image.frombytes("RGB", (200, 150), noise).resize((1600, 1200), Image.Resampling.BICUBIC)
    file = io.BytesIO()
    image.save(file, "JPEG", quality=85)
    return file.getvalue()
