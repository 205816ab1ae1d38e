"""A layer's declared style in the words of the MapLibre style specification, version 8. Pure."""

from collections.abc import Sequence
from typing import Any

from geo.layers.layer import Layer, Style
from geo.layers.legend import CHANCE, NO_COUNT, NO_VALUE, P_VALUE, has_chance, legend, spread
from geo.layers.tiles import POINT_COUNT

Expression = Any
GROUND, EDGE, CLUSTER = "#f5f3ee", "#ffffff", "#4a5a68"
SOLID, PALE = 0.8, 0.25


def layer_style(
    layer: Layer, *, source_url: str, centre: tuple[float, float], edges: Sequence[float] = ()
) -> dict[str, Any]:
    """The style of one layer. `edges` are where classes begin that the declaration leaves to the data.

    There is no text on the map: glyphs would have to come from somebody else's server. What the colours mean stands in the
    style's `metadata`, as `pantau:legend`.
    """
    return {
        "version": 8,
        "name": str(layer.title),
        "metadata": {"pantau:legend": _legend(layer, edges)},
        "center": list(centre),
        "zoom": 10,
        "sources": {layer.id: {"type": "vector", "url": source_url, "promoteId": "id"}},
        "layers": [
            {"id": "ground", "type": "background", "paint": {"background-color": GROUND}},
            *(_circles if layer.style.kind == "circle" else _fills)(layer, colour_of(layer.style, edges)),
        ],
    }


def colour_of(style: Style, edges: Sequence[float] = ()) -> Expression:
    """The colour of a feature: one, or by the class that holds its property. What has no value is grey."""
    if style.property is None:
        return style.colours[0]
    value, present = ["get", style.property], ["has", style.property]
    if not style.classes:
        if not edges:
            return ["case", present, NO_COUNT, NO_VALUE]
        # Below the least value above zero there is zero alone.
        return ["case", present, ["step", value, NO_COUNT, *_steps(edges, spread(style.colours, len(edges)))], NO_VALUE]
    if all(isinstance(each, int | float) for each in style.classes):
        steps = _steps(style.classes, style.colours[1:])
        return ["case", present, ["step", value, style.colours[0], *steps], NO_VALUE]
    labels = [list(each) if isinstance(each, list | tuple) else each for each in style.classes]
    pairs = [part for pair in zip(labels, style.colours, strict=True) for part in pair]
    return ["match", value, *pairs, NO_VALUE]


def opacity_of(layer: Layer) -> Expression:
    """How solid a feature is: paler where its figure may well be chance."""
    if not has_chance(layer):
        return SOLID
    is_solid = ["all", ["has", P_VALUE], ["<", ["get", P_VALUE], CHANCE]]
    return ["case", ["!", ["has", layer.style.property]], SOLID, is_solid, SOLID, PALE]


def _legend(layer: Layer, edges: Sequence[float]) -> list[dict[str, Any]]:
    return [
        {"color": entry.colour, "label": entry.label} | ({"opacity": PALE} if entry.is_pale else {})
        for entry in legend(layer, edges)
    ]


def _steps(edges: Sequence[float], colours: Sequence[str]) -> list[Expression]:
    return [part for pair in zip(edges, colours, strict=True) for part in pair]


def _circles(layer: Layer, colour: Expression) -> list[dict[str, Any]]:
    common = {"type": "circle", "source": layer.id, "source-layer": layer.id}
    root = ["sqrt", ["get", POINT_COUNT]]
    return [
        {
            "id": f"{layer.id}-clusters",
            **common,
            "filter": ["has", POINT_COUNT],
            "paint": {
                "circle-color": CLUSTER,
                "circle-opacity": 0.8,
                "circle-radius": ["interpolate", ["linear"], root, 1, 3, 5, 6, 20, 9, 100, 16],
                "circle-stroke-color": EDGE,
                "circle-stroke-width": 1,
            },
        },
        {
            "id": layer.id,
            **common,
            "filter": ["!", ["has", POINT_COUNT]],
            "paint": {
                "circle-color": colour,
                "circle-radius": ["interpolate", ["linear"], ["zoom"], 9, 3, 16, 7],
                "circle-stroke-color": EDGE,
                "circle-stroke-width": 1,
            },
        },
    ]


def _fills(layer: Layer, colour: Expression) -> list[dict[str, Any]]:
    common = {"source": layer.id, "source-layer": layer.id}
    return [
        {"id": layer.id, "type": "fill", **common, "paint": {"fill-color": colour, "fill-opacity": opacity_of(layer)}},
        {
            "id": f"{layer.id}-outline",
            "type": "line",
            **common,
            "paint": {"line-color": EDGE, "line-width": ["interpolate", ["linear"], ["zoom"], 9, 0.5, 14, 2]},
        },
    ]
