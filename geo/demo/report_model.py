"""What the citizens of the simulated city say, and when: pure, and the same for a back-fill and a live run.

Flood reports follow the level of the area's own gauge by PLANTED_LAG_H; congestion reports follow the streets in the same
hour; nothing else follows anything but the hours at which people are awake.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import poisson

from geo.demo.city_model import CELLS_PER_HOUR, CityModel
from geo.demo.noise import Floats, Integers, gaussian, key_of, uniform

PLANTED_LAG_H = 3
HOTSPOTS = 5
HOTSPOT_SPREAD_M = 260.0
PLACE_TRIES = 12
METRES_PER_DEGREE = 111_320.0

# Reports a day in a district, of what follows nothing.
DAILY_RATES = {
    "sampah": 1.9,
    "iklan-liar": 1.3,
    "jalan-rusak": 1.2,
    "pelanggaran": 0.8,
    "lampu-jalan": 0.7,
    "fasilitas-umum": 0.5,
    "parkir-liar": 0.5,
    "pkl-liar": 0.4,
    "pohon-tumbang": 0.2,
    "bangunan-tanpa-izin": 0.15,
    "kebakaran": 0.05,
}
FLOOD, CONGESTION = "banjir", "kemacetan"
# What people call a flood: mostly so, at times by a kind of it (a category below FLOOD), with its share.
FLOOD_KINDS = (("genangan", 0.2), ("luapan-sungai", 0.35))
CATEGORIES = (FLOOD, CONGESTION, *DAILY_RATES)

SIMULATED = "[SIMULASI]"
TEXTS: dict[str, Sequence[str]] = {
    FLOOD: (
        "Banjir setinggi lutut, air terus naik di {place}.",
        "Air masuk ke rumah warga di {place}, mohon bantuan.",
        "Jalan terendam banjir, motor tidak bisa lewat di {place}.",
        "Air kali meluap ke jalan di {place}.",
    ),
    CONGESTION: (
        "Macet total di {place}, kendaraan tidak bergerak.",
        "Antrean panjang di {place}, mohon petugas mengatur lalu lintas.",
        "Lalu lintas tersendat di {place} sejak tadi.",
    ),
    "sampah": ("Sampah menumpuk di {place}, sudah berhari-hari.", "Bau sampah menyengat di {place}, belum diangkut."),
    "iklan-liar": ("Spanduk liar terpasang di pohon di {place}.", "Banyak reklame tanpa izin di {place}."),
    "jalan-rusak": ("Jalan berlubang di {place}, berbahaya bagi motor.", "Aspal rusak parah di {place}."),
    "pelanggaran": ("Pelanggaran ketertiban di {place}, mohon ditindak.",),
    "lampu-jalan": ("Lampu jalan mati di {place}, gelap sekali.", "PJU padam di {place}."),
    "fasilitas-umum": ("Bangku taman rusak di {place}.", "Halte rusak di {place}."),
    "parkir-liar": ("Parkir liar memakan badan jalan di {place}.",),
    "pkl-liar": ("PKL berjualan di trotoar di {place}, pejalan kaki terganggu.",),
    "pohon-tumbang": ("Pohon tumbang menutup jalan di {place}.",),
    "bangunan-tanpa-izin": ("Bangunan tanpa izin sedang didirikan di {place}.",),
    "kebakaran": ("Ada kebakaran kecil di {place}, asap terlihat tebal.",),
}


@dataclass(frozen=True, slots=True)
class District:
    """An area in which reports are made. `gauges` are the reaches whose water its people watch;
    `contains(lon, lat)` tells whether a place lies in it."""

    code: str
    name: str
    hotspots: tuple[tuple[float, float], ...]
    gauges: tuple[str, ...] = ("p2c",)
    contains: Callable[[float, float], bool] = lambda lon, lat: True


@dataclass(frozen=True, slots=True)
class SimulatedReport:
    """One report: time in epoch seconds, place in degrees (longitude, latitude)."""

    external_id: str
    category: str
    district: str
    reported_at: float
    lon: float
    lat: float
    description: str


class ReportModel:
    """The reports of a city model."""

    def __init__(self, model: CityModel) -> None:
        self._model = model

    def rates(self, district: District, category: str, hours: Integers) -> Floats:
        """Expected reports in each of consecutive hours (numbers of hours since the epoch)."""
        if category == FLOOD:
            return self._flood_rate(district, hours)
        cells = self._cells(hours)
        awake = self._awake(cells).reshape(-1, CELLS_PER_HOUR).mean(axis=1)
        if category == CONGESTION:
            # Only a street that stands is worth a report.
            standing = self._model.congestion(district.code, cells).reshape(-1, CELLS_PER_HOUR).mean(axis=1)
            return np.asarray(1.5 * np.maximum(standing - 0.3, 0.0) ** 1.5 + 0.003, dtype=np.float64)
        return DAILY_RATES[category] / 24 * awake

    def reports(
        self, district: District, first_hour: int, last_hour: int, *, categories: Sequence[str] = CATEGORIES
    ) -> Iterator[SimulatedReport]:
        """The reports of a district in the hours [first_hour, last_hour), category by category."""
        hours = np.arange(first_hour, last_hour, dtype=np.int64)
        if len(hours) == 0:
            return
        for category in categories:
            key = key_of(self._model.seed, "reports", district.code, category)
            draws, rates = uniform(key, hours), self.rates(district, category, hours)
            counts = np.asarray(poisson.ppf(draws, rates), dtype=np.int64)
            for hour, count in zip(hours[counts > 0], counts[counts > 0], strict=True):
                for i in range(count):
                    yield self._report(district, category, int(hour), i)

    def _flood_rate(self, district: District, hours: Integers) -> Floats:
        waves = []
        for reach in district.gauges:
            cells = self._cells(hours - PLANTED_LAG_H)
            waves.append(self._model.wave(reach, cells).reshape(-1, CELLS_PER_HOUR).mean(axis=1))
        excess = np.maximum(np.mean(waves, axis=0) - 1.0, 0.0)
        return np.asarray(0.002 + np.minimum(0.17 * excess, 7.0), dtype=np.float64)

    def _awake(self, cells: Integers) -> Floats:
        """How readily people report: least at four in the morning, a little less at weekends; 1 on average."""
        hour = self._model._hour_of_day(cells)
        weekend = np.where(self._model._weekday(cells) >= 5, 0.85, 1.06)
        return np.asarray(weekend * (1.0 + 0.8 * np.cos(2 * np.pi * (hour - 15.0) / 24)), dtype=np.float64)

    def _report(self, district: District, category: str, hour: int, i: int) -> SimulatedReport:
        external_id = f"sim-{hour}-{district.code}-{category}-{i}"
        draw = uniform(key_of(self._model.seed, external_id), np.arange(4))
        texts = TEXTS[category]
        lon, lat = self._place(district, external_id, float(draw[1]))
        called = next((kind for kind, up_to in FLOOD_KINDS if category == FLOOD and draw[3] < up_to), category)
        return SimulatedReport(
            external_id=external_id,
            category=called,
            district=district.code,
            reported_at=float(np.floor(hour * 3600 + draw[0] * 3600)),
            lon=lon,
            lat=lat,
            description=f"{SIMULATED} {texts[int(draw[2] * len(texts))].format(place=district.name)}",
        )

    def _place(self, district: District, external_id: str, draw: float) -> tuple[float, float]:
        """A place near one of the district's hotspots and inside the district; the hotspot itself if luck fails."""
        lon, lat = district.hotspots[int(draw * len(district.hotspots))]
        steps = HOTSPOT_SPREAD_M * gaussian(key_of(self._model.seed, external_id, "place"), np.arange(2 * PLACE_TRIES))
        for east, north in steps.reshape(-1, 2):
            there = (
                round(lon + float(east) / (METRES_PER_DEGREE * float(np.cos(np.radians(lat)))), 6),
                round(lat + float(north) / METRES_PER_DEGREE, 6),
            )
            if district.contains(*there):
                return there
        return lon, lat

    def _cells(self, hours: Integers) -> Integers:
        return np.arange(int(hours[0]) * CELLS_PER_HOUR, (int(hours[-1]) + 1) * CELLS_PER_HOUR, dtype=np.int64)
