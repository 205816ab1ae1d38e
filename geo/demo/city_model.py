"""A city that never was: what its weather, rivers and streets do at any moment, as pure functions of seed and time.

Planted, so that the correlation layer shows something true:

    storm -> hulu rivers -> 3 h -> P2C and Bendung Bekasi        each gauge -> 3 h -> flood reports (report_model)
    traffic -> noise and NO2 in the same hour, PM2.5 one hour later -> and jams -> congestion reports in the same hour

All drivers live on absolute cells of ten minutes, so a value is the same whether it is back-filled or sent live.
Times are epoch seconds.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from geo.demo.noise import Floats, Integers, gaussian, key_of, smooth, uniform

CELL_S = 600
CELLS_PER_HOUR = 6
# Water takes 2 to 4 hours from Cileungsi and Cikeas to P2C (KP2C).
HULU_TO_P2C_H = 3
STORM_SLOT_S = 12 * 3600
LONGEST_STORM_S = 5 * 3600
# The river's memory of rain: what fell longer ago has run off.
RIVER_MEMORY_H = 24


@dataclass(frozen=True, slots=True)
class Stream:
    """What the model has to know of a datastream. `place` ties things of one district together."""

    thing: str
    observed_property: str
    place: str
    plausible_min: float | None = None
    plausible_max: float | None = None


@dataclass(frozen=True, slots=True)
class Storms:
    """Storms over the city and its rivers' catchments; all shapes (n,). `slot` identifies a storm."""

    slot: Integers
    start: Floats
    duration: Floats
    intensity_mm_h: Floats


def cells_between(start: int, end: int) -> Integers:
    """The numbers of the cells that begin in [start, end)."""
    return np.arange(-(-start // CELL_S), -(-end // CELL_S), dtype=np.int64)


class CityModel:
    """The simulated city of a seed, in a city `utc_offset_h` hours ahead of UTC."""

    def __init__(self, seed: int = 2015, *, utc_offset_h: int = 7) -> None:
        self.seed = seed
        self._offset_s = utc_offset_h * 3600

    def sample(self, stream: Stream, times: Integers, interval_s: int) -> Floats:
        """What the datastream reads at each time (n,); amounts are those of [t, t + interval_s)."""
        name = stream.observed_property
        times = np.asarray(times, dtype=np.int64)
        if name in AMOUNTS_PER_CELL:
            values = self._amounts(AMOUNTS_PER_CELL[name], stream, times, interval_s)
        elif name in LEVELS:
            values = LEVELS[name](self, stream, np.floor_divide(times, CELL_S))
        elif name in DAILY:
            values = self._daily(stream, times)
        else:
            values = self._wandering(stream, times)
        low = -np.inf if stream.plausible_min is None else stream.plausible_min
        high = np.inf if stream.plausible_max is None else stream.plausible_max
        return np.asarray(np.round(np.clip(values, low, high), DECIMALS.get(name, 1)), dtype=np.float64)

    # Weather

    def storms(self, start: int, end: int) -> Storms:
        """The storms that may rain in [start, end): at most one in each half of a day, more often in the afternoon."""
        first = (start - LONGEST_STORM_S + self._offset_s) // STORM_SLOT_S - 1
        slots = np.arange(first, (end + self._offset_s) // STORM_SLOT_S + 1, dtype=np.int64)
        probability = np.where(slots % 2 == 1, 0.5, 0.28)
        slots = slots[self._uniform(slots, "storm") < probability]
        begin = slots * STORM_SLOT_S - self._offset_s + self._uniform(slots, "storm-start") * STORM_SLOT_S
        duration = 3600.0 * (1.0 + 3.5 * self._uniform(slots, "storm-duration") ** 2)
        intensity = 4.0 - 13.0 * np.log(self._uniform(slots, "storm-intensity"))
        return Storms(slots, begin, duration, intensity)

    def rain_mm_h(self, place: str, cells: Integers) -> Floats:
        """Rain at a place in each of consecutive cells: the city's storms, each a little different from place to place."""
        rain = np.zeros(len(cells))
        if len(cells) == 0:
            return rain
        at = cells * CELL_S + CELL_S / 2
        storms = self.storms(int(cells[0]) * CELL_S, (int(cells[-1]) + 1) * CELL_S)
        local = np.exp(0.3 * gaussian(key_of(self.seed, "storm-local", place), storms.slot))
        for start, duration, intensity in zip(
            storms.start, storms.duration, storms.intensity_mm_h * local, strict=True
        ):
            part = (at - start) / duration
            inside = (part >= 0) & (part < 1)
            # Steep at first, then slackening: the shape of a convective storm.
            rain[inside] += intensity * 6.75 * part[inside] * (1 - part[inside]) ** 2
        return rain

    # Rivers

    def wave(self, reach: str, cells: Integers) -> Floats:
        """The flood wave in a reach, in mm of rain that are on their way; `reach` is cileungsi, cikeas or p2c."""
        if reach == "p2c":
            earlier = cells - HULU_TO_P2C_H * CELLS_PER_HOUR
            return 0.5 * (self.wave("cileungsi", earlier) + self.wave("cikeas", earlier))
        memory = RIVER_MEMORY_H * CELLS_PER_HOUR
        first = int(cells[0]) - memory
        rain = self.rain_mm_h(f"catchment-{reach}", np.arange(first, int(cells[-1]) + 1, dtype=np.int64))
        hours = np.arange(memory + 1) / CELLS_PER_HOUR - 1.0
        response = np.where(hours >= 0, np.exp(-np.maximum(hours, 0.0) / 1.8), 0.0) / CELLS_PER_HOUR
        return np.convolve(rain, response, mode="valid")[cells - cells[0]]

    # Streets

    def activity(self, place: str, cells: Integers) -> Floats:
        """How busy the streets of a place are: about 0.1 at night, 1 to 1.5 in the rush hours."""
        hour = self._hour_of_day(cells)
        day = (
            0.08
            + np.exp(-0.5 * ((hour - 7.3) / 1.3) ** 2)
            + 0.55 * np.exp(-0.5 * ((hour - 12.5) / 3.0) ** 2)
            + 1.05 * np.exp(-0.5 * ((hour - 17.7) / 1.9) ** 2)
        )
        weekend = np.where(self._weekday(cells) >= 5, 0.72, 1.0)
        hours = np.floor_divide(cells, CELLS_PER_HOUR)
        wander = 0.22 * smooth(key_of(self.seed, "activity", place), cells * CELL_S, 6 * 3600)
        burst = 0.28 * gaussian(key_of(self.seed, "activity-hour", place), hours)
        return np.asarray(day * weekend * np.exp(wander + burst), dtype=np.float64)

    def congestion(self, place: str, cells: Integers) -> Floats:
        """0 (free flow) to 1 (standing): from what the streets bear, and from jams of an hour now and then."""
        hours = np.floor_divide(cells, CELLS_PER_HOUR)
        by_day = (self._hour_of_day(cells) >= 6) & (self._hour_of_day(cells) < 21)
        is_jam = (uniform(key_of(self.seed, "jam", place), hours) < 0.05) & by_day
        jam = np.where(is_jam, 0.4 + 0.4 * uniform(key_of(self.seed, "jam-size", place), hours), 0.0)
        return np.asarray(np.clip((self.activity(place, cells) - 0.55) / 1.3 + jam, 0.0, 1.0), dtype=np.float64)

    # Clocks and draws

    def _uniform(self, index: Integers, *name: object) -> Floats:
        return uniform(key_of(self.seed, *name), index)

    def _hour_of_day(self, cells: Integers) -> Floats:
        return np.asarray(((cells * CELL_S + self._offset_s) % 86_400) / 3600.0, dtype=np.float64)

    def _weekday(self, cells: Integers) -> Integers:
        """0 is Monday; 1 January 1970 was a Thursday."""
        return np.asarray(((cells * CELL_S + self._offset_s) // 86_400 + 3) % 7, dtype=np.int64)

    def _jitter(self, stream: Stream, cells: Integers) -> Floats:
        """The instrument's own error at each cell."""
        return gaussian(key_of(self.seed, "jitter", stream.thing, stream.observed_property), cells)

    def _offset_of(self, stream: Stream) -> float:
        """What sets this instrument apart from its like: -1 to 1."""
        return float(2 * uniform(key_of(self.seed, "site", stream.thing, stream.observed_property), 0)[0] - 1)

    def _amounts(self, per_hour: "Driver", stream: Stream, times: Integers, step_s: int) -> Floats:
        if len(times) == 0:
            return np.zeros(0)
        width = max(1, step_s // CELL_S)
        first = int(times.min()) // CELL_S
        cells = np.arange(first, int(times.max()) // CELL_S + width, dtype=np.int64)
        sums = np.concatenate([[0.0], np.cumsum(per_hour(self, stream, cells))])
        at = np.floor_divide(times, CELL_S) - first
        return np.asarray((sums[at + width] - sums[at]) / width * step_s / 3600, dtype=np.float64)

    def _daily(self, stream: Stream, times: Integers) -> Floats:
        base, spread, weekend = DAILY[stream.observed_property]
        day = (times + self._offset_s) // 86_400
        course = smooth(key_of(self.seed, "daily", stream.thing, stream.observed_property), times, 21 * 86_400)
        shake = gaussian(key_of(self.seed, "shake", stream.thing, stream.observed_property), day)
        week = np.where((day + 3) % 7 >= 5, weekend, 1.0)
        level = base * (1 + 0.25 * self._offset_of(stream)) * np.exp(spread * (0.8 * course + 0.5 * shake))
        return np.asarray(level * week, dtype=np.float64)

    def _wandering(self, stream: Stream, times: Integers) -> Floats:
        """Any property that the model does not know: it wanders about in the middle of its plausible range."""
        low, high = stream.plausible_min or 0.0, stream.plausible_max or 100.0
        course = smooth(key_of(self.seed, "wander", stream.thing, stream.observed_property), times, 6 * 3600)
        return np.asarray(low + (high - low) * (0.4 + 0.05 * course), dtype=np.float64)


Driver = Callable[[CityModel, Stream, Integers], Floats]


def reach_of(thing: str) -> str:
    """Hulu Cileungsi and hulu Cikeas by their names; every other gauge stands below the confluence."""
    return next((reach for reach in ("cileungsi", "cikeas") if reach in thing), "p2c")


def _river_level(model: CityModel, stream: Stream, cells: Integers) -> Floats:
    reach = reach_of(stream.thing)
    # Normal levels of the hulu gauges: 100 and 200 cm (KP2C); below the confluence gauges have their own zero.
    zero, gain = {"cileungsi": (100.0, 6.0), "cikeas": (200.0, 5.0)}.get(
        reach, (240.0 + 40 * model._offset_of(stream), 9.0)
    )
    base_flow = 4.0 * smooth(key_of(model.seed, "base-flow"), cells * CELL_S, 4 * 86_400)
    return zero + base_flow + gain * model.wave(reach, cells) + 0.8 * model._jitter(stream, cells)


def _discharge(model: CityModel, stream: Stream, cells: Integers) -> Floats:
    return 45.0 + 7.0 * model.wave(reach_of(stream.thing), cells) + 1.5 * model._jitter(stream, cells)


def _rain(model: CityModel, stream: Stream, cells: Integers) -> Floats:
    """A post on an upper river measures what falls on its catchment."""
    reach = reach_of(stream.thing)
    return model.rain_mm_h(stream.place if reach == "p2c" else f"catchment-{reach}", cells)


def _vehicles_per_hour(model: CityModel, stream: Stream, cells: Integers) -> Floats:
    capacity = 1500.0 * (1 + 0.4 * model._offset_of(stream))
    return np.round(capacity * model.activity(stream.place, cells) * np.exp(0.05 * model._jitter(stream, cells)))


def _speed(model: CityModel, stream: Stream, cells: Integers) -> Floats:
    free = 50.0 + 8 * model._offset_of(stream)
    return free * (1 - 0.75 * model.congestion(stream.place, cells)) + 1.2 * model._jitter(stream, cells)


def _noise_db(model: CityModel, stream: Stream, cells: Integers) -> Floats:
    quiet = 46.0 + 4 * model._offset_of(stream)
    return quiet + 11 * np.log10(1 + 9 * model.activity(stream.place, cells)) + 0.8 * model._jitter(stream, cells)


def _pm25(model: CityModel, stream: Stream, cells: Integers) -> Floats:
    """The season's background and the traffic of an hour ago, washed out by the rain of the last two hours."""
    background = 24.0 * np.exp(0.25 * smooth(key_of(model.seed, "haze"), cells * CELL_S, 4 * 86_400))
    hour_ago = model.activity(stream.place, cells - CELLS_PER_HOUR)
    window = np.arange(int(cells.min()) - 12, int(cells.max()) + 1, dtype=np.int64)
    fallen = np.convolve(model.rain_mm_h(stream.place, window), np.ones(12) / 6, mode="valid")[cells - cells.min()]
    level = background + 26.0 * (1 + 0.2 * model._offset_of(stream)) * hour_ago
    return level * np.exp(-0.02 * fallen) * np.exp(0.05 * model._jitter(stream, cells))


def _traffic_gas(base: float, gain: float) -> Driver:
    def level(model: CityModel, stream: Stream, cells: Integers) -> Floats:
        emitted = base + gain * model.activity(stream.place, cells)
        return emitted * np.exp(0.06 * model._jitter(stream, cells))

    return level


def _ozone(model: CityModel, stream: Stream, cells: Integers) -> Floats:
    sun = np.maximum(np.cos(2 * np.pi * (model._hour_of_day(cells) - 13.0) / 24), 0.0)
    return (
        25
        + 75 * sun * np.exp(0.2 * smooth(key_of(model.seed, "sun"), cells * CELL_S, 86_400))
        + model._jitter(stream, cells)
    )


def _temperature(model: CityModel, stream: Stream, cells: Integers) -> Floats:
    course = 3.8 * np.cos(2 * np.pi * (model._hour_of_day(cells) - 13.5) / 24)
    season = 0.8 * smooth(key_of(model.seed, "warmth"), cells * CELL_S, 3 * 86_400)
    window = np.arange(int(cells.min()), int(cells.max()) + 1, dtype=np.int64)
    cooled = np.minimum(0.15 * model.rain_mm_h(stream.place, window)[cells - cells.min()], 4.0)
    return 28.2 + course + season - cooled + 0.2 * model._jitter(stream, cells)


def _humidity(model: CityModel, stream: Stream, cells: Integers) -> Floats:
    return np.minimum(76 - 3.6 * (_temperature(model, stream, cells) - 28.2), 99.0)


LEVELS: dict[str, Driver] = {
    "river_level": _river_level,
    "discharge": _discharge,
    "traffic_speed": _speed,
    "noise": _noise_db,
    "pm25": _pm25,
    "pm10": lambda model, stream, cells: 8 + 1.6 * _pm25(model, stream, cells),
    "no2": _traffic_gas(14.0, 32.0),
    "co": _traffic_gas(350.0, 900.0),
    "so2": _traffic_gas(9.0, 4.0),
    "o3": _ozone,
    "temperature": _temperature,
    "humidity": _humidity,
}
# Per hour, on cells; a sample is the amount of its own step.
AMOUNTS_PER_CELL: dict[str, Driver] = {
    "rain": _rain,
    "traffic_volume": _vehicles_per_hour,
}
# Once a day: usual value, spread, and how weekends compare.
DAILY: dict[str, tuple[float, float, float]] = {
    "dengue_cases": (4.0, 0.5, 0.8),
    "puskesmas_visits": (160.0, 0.15, 0.3),
    "hospital_bed_occupancy": (63.0, 0.12, 0.97),
    "rice_price": (14_200.0, 0.02, 1.0),
    "chili_price": (48_000.0, 0.15, 1.0),
    "market_visitors": (2_600.0, 0.12, 1.35),
}
DECIMALS = {
    "rain": 2, "traffic_volume": 0, "dengue_cases": 0, "puskesmas_visits": 0, "market_visitors": 0, "rice_price": 0,
    "chili_price": 0, "co": 0,
}  # fmt: skip
