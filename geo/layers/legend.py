"""What the colours of a layer's default style mean: its classes, with words in the language of whoever asks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from django.utils.formats import get_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from geo.layers.layer import Layer, Text
from geo.reports.workflow import Status

NO_VALUE, NO_COUNT = "#b9b9b9", "#eceae4"
# The property that says how likely chance alone makes such a figure; the web map draws the line at the same value.
P_VALUE, CHANCE = "p_value", 0.05
# What the values of a property are called, by its name.
WORDS: Mapping[str, Mapping[str, Text]] = {
    "status": {str(status.value): status.label for status in Status},
    "domain": {
        "environment": lazy("environment"),
        "traffic": lazy("traffic"),
        "health": lazy("health"),
        "economy": lazy("economy"),
    },
    # Of hotspots, of clusters, and of hotspots over time.
    "class": {
        "hot_99": lazy("hot spot, 99 %"),
        "hot_95": lazy("hot spot, 95 %"),
        "hot_90": lazy("hot spot, 90 %"),
        "none": lazy("not significant"),
        "cold_90": lazy("cold spot, 90 %"),
        "cold_95": lazy("cold spot, 95 %"),
        "cold_99": lazy("cold spot, 99 %"),
        "high_high": lazy("high among high"),
        "high_low": lazy("high among low"),
        "low_high": lazy("low among high"),
        "low_low": lazy("low among low"),
        "new_hot": lazy("new hot spot"),
        "consecutive_hot": lazy("consecutive hot spot"),
        "intensifying_hot": lazy("intensifying hot spot"),
        "persistent_hot": lazy("persistent hot spot"),
        "diminishing_hot": lazy("diminishing hot spot"),
        "sporadic_hot": lazy("sporadic hot spot"),
        "oscillating_hot": lazy("oscillating hot spot"),
        "historical_hot": lazy("historical hot spot"),
        "new_cold": lazy("new cold spot"),
        "consecutive_cold": lazy("consecutive cold spot"),
        "intensifying_cold": lazy("intensifying cold spot"),
        "persistent_cold": lazy("persistent cold spot"),
        "diminishing_cold": lazy("diminishing cold spot"),
        "sporadic_cold": lazy("sporadic cold spot"),
        "oscillating_cold": lazy("oscillating cold spot"),
        "historical_cold": lazy("historical cold spot"),
    },
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One class. Of a number: `lower` (included) to `upper`, None where it is open. Of a text: its `value`, None for all others."""

    label: str
    colour: str
    lower: float | None = None
    upper: float | None = None
    value: str | None = None
    is_pale: bool = False


def legend(layer: Layer, edges: Sequence[float] = ()) -> list[Entry]:
    """Every line of a legend, from the highest class down. `edges` are where classes begin that the style leaves to the data."""
    if layer.style.property is None:
        return []
    if not is_number(layer):
        return categories(layer)
    found = ranges(layer, edges)
    if has_chance(layer):
        found += [Entry(paler_words(), entry.colour, is_pale=True) for entry in found[:1]]
    return [*found, Entry(no_figure_words(), NO_VALUE)]


def is_number(layer: Layer) -> bool:
    prop = layer.property_named(layer.style.property) if layer.style.property else None
    return prop is not None and prop.type in ("number", "integer")


def has_chance(layer: Layer) -> bool:
    """Whether features say how far their figure may be chance."""
    return is_number(layer) and layer.property_named(P_VALUE) is not None


def ranges(layer: Layer, edges: Sequence[float]) -> list[Entry]:
    """The classes of a number, the highest first. Where the style leaves them to the data, the last is of zero alone."""
    starts, colours = layer.style.classes, layer.style.colours
    if not starts:
        starts, colours = edges, [NO_COUNT, *spread(colours, len(edges))]
    bounds = [None, *map(float, starts), None]
    found = [
        Entry(_range_words(lower, upper), colour, lower, upper)
        for lower, upper, colour in zip(bounds[:-1], bounds[1:], colours, strict=True)
    ]
    if not layer.style.classes:
        found[0] = replace(found[0], label=f"0 ({_('no report')})")
    return found[::-1]


def categories(layer: Layer) -> list[Entry]:
    """The classes of a text, in the order of the declaration, and one for all other values."""
    words = WORDS.get(layer.style.property or "", {})
    found = [
        Entry(str(words.get(value, value)), colour, value=str(value))
        for colour, part in zip(layer.style.colours, layer.style.classes, strict=True)
        for value in (part if isinstance(part, tuple | list) else (part,))
    ]
    return [*found, Entry(_("others"), NO_VALUE)]


def spread(colours: Sequence[str], count: int) -> list[str]:
    """So many of the colours, from first to last, evenly; the middle one where one is enough."""
    if count >= len(colours):
        return list(colours)
    if count == 1:
        return [colours[len(colours) // 2]]
    return [colours[round(i * (len(colours) - 1) / (count - 1))] for i in range(count)]


def solid_words() -> str:
    return _("significant (p < 0.05)")


def paler_words() -> str:
    return _("not significant (p ≥ 0.05)")


def no_figure_words() -> str:
    return _("no figure")


def _range_words(lower: float | None, upper: float | None) -> str:
    if lower is None:
        return f"< {_figure(upper)}" if upper is not None else ""
    return f"≥ {_figure(lower)}" if upper is None else f"{_figure(lower)} – {_figure(upper)}"


def _figure(value: float) -> str:
    return f"{value:.3g}".replace(".", str(get_format("DECIMAL_SEPARATOR")))
