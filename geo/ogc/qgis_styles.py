"""A layer's default style as QGIS's renderer: one symbol, or one for each class of a property."""

from collections.abc import Sequence
from xml.etree.ElementTree import Element, SubElement

from geo.layers.layer import Layer
from geo.layers.legend import (
    CHANCE,
    NO_VALUE,
    P_VALUE,
    Entry,
    categories,
    has_chance,
    is_number,
    no_figure_words,
    paler_words,
    ranges,
    solid_words,
)

EDGE, PALE_EDGE = "#ffffff", "#7f7f7f"


def renderer(layer: Layer, edges: Sequence[float]) -> Element:
    """`renderer-v2` of the layer's style, in the colours of the web map. `edges` are where classes begin that the style
    leaves to the data."""
    name = layer.style.property
    if name is None:
        return _single(layer, layer.style.colours[0])
    if not is_number(layer):
        return _categorised(layer, name)
    classes = ranges(layer, edges)
    if len(classes) == 1:
        return _single(layer, classes[0].colour)
    return _ruled(layer, name, classes) if has_chance(layer) else _graduated(layer, name, classes)


def _single(layer: Layer, colour: str) -> Element:
    element = _renderer("singleSymbol")
    SubElement(element, "symbols").append(_symbol(layer, "0", colour, is_outline=layer.style.property is None))
    return element


def _graduated(layer: Layer, name: str, classes: Sequence[Entry]) -> Element:
    element = _renderer("graduatedSymbol", attr=name, graduatedMethod="GraduatedColor")
    parts, symbols = SubElement(element, "ranges"), SubElement(element, "symbols")
    # From the highest down: QGIS takes the first range that holds a value, both ends included, and an edge belongs to
    # the class that begins there.
    for i, entry in enumerate(classes):
        # Open at both ends: what comes later than this file is still drawn.
        lower = -1e308 if entry.lower is None else entry.lower
        upper = 1e308 if entry.upper is None else entry.upper
        bound = {"lower": repr(lower), "upper": repr(upper)}
        SubElement(parts, "range", {**bound, "symbol": str(i), "label": entry.label, "render": "true"})
        symbols.append(_symbol(layer, str(i), entry.colour))
    return element


def _ruled(layer: Layer, name: str, classes: Sequence[Entry]) -> Element:
    """The classes twice: solid, and paler where chance may well make such a figure or nothing says that it does not."""
    element = _renderer("RuleRenderer")
    rules, symbols = SubElement(element, "rules", key="all"), SubElement(element, "symbols")
    groups = (
        (f'"{P_VALUE}" < {CHANCE}', solid_words(), False),
        (f'"{P_VALUE}" IS NULL OR "{P_VALUE}" >= {CHANCE}', paler_words(), True),
    )
    number = 0
    for chosen, words, is_pale in groups:
        key = "pale" if is_pale else "solid"
        group = SubElement(rules, "rule", key=key, filter=chosen, label=words)
        for entry in classes:
            rule = {"filter": _range_filter(name, entry), "label": entry.label, "symbol": str(number)}
            SubElement(group, "rule", {"key": f"{key}-{number}", **rule})
            symbols.append(_symbol(layer, str(number), entry.colour, is_pale=is_pale, edge=PALE_EDGE))
            number += 1
    rest = {"filter": f'"{name}" IS NULL', "label": no_figure_words(), "symbol": str(number)}
    SubElement(rules, "rule", {"key": "none", **rest})
    symbols.append(_symbol(layer, str(number), NO_VALUE, edge=PALE_EDGE))
    return element


def _range_filter(name: str, entry: Entry) -> str:
    bounds = [] if entry.lower is None else [f'"{name}" >= {entry.lower!r}']
    return " AND ".join(bounds if entry.upper is None else [*bounds, f'"{name}" < {entry.upper!r}'])


def _categorised(layer: Layer, name: str) -> Element:
    element = _renderer("categorizedSymbol", attr=name)
    parts, symbols = SubElement(element, "categories"), SubElement(element, "symbols")
    for i, entry in enumerate(categories(layer)):
        # QGIS takes the category of the empty value for all that no other names.
        named = {"value": entry.value or "", "label": entry.label, "render": "true"}
        SubElement(parts, "category", {"symbol": str(i), **named})
        symbols.append(_symbol(layer, str(i), entry.colour))
    return element


def _renderer(kind: str, **more: str) -> Element:
    same = {"symbollevels": "0", "enableorderby": "0", "forceraster": "0", "referencescale": "-1"}
    return Element("renderer-v2", {"type": kind, **same, **more})


def _symbol(
    layer: Layer, number: str, colour: str, *, is_outline: bool = False, is_pale: bool = False, edge: str = EDGE
) -> Element:
    is_fill = layer.style.kind == "fill"
    # Boundaries alone are lines, so that what lies below them is seen.
    alpha = "0.25" if is_pale else "1" if is_outline or not is_fill else "0.75"
    symbol = Element(
        "symbol", name=number, type="fill" if is_fill else "marker", alpha=alpha, clip_to_extent="1", force_rhr="0"
    )
    if is_fill:
        kind = "SimpleFill"
        values = {
            "color": _rgba(colour),
            "style": "no" if is_outline else "solid",
            "outline_color": _rgba(colour if is_outline else edge),
            "outline_style": "solid",
            "outline_width": "0.5" if is_outline else "0.2",
            "outline_width_unit": "MM",
            "joinstyle": "bevel",
        }
    else:
        kind = "SimpleMarker"
        values = {
            "name": "circle",
            "color": _rgba(colour),
            "size": "2",
            "size_unit": "MM",
            "outline_color": _rgba(edge),
            "outline_style": "solid",
            "outline_width": "0.2",
            "outline_width_unit": "MM",
        }
    drawn = SubElement(symbol, "layer", {"class": kind, "enabled": "1", "locked": "0", "pass": "0"})
    # 3.22 reads either of these forms, later ones the first alone.
    options = SubElement(drawn, "Option", type="Map")
    for name, value in values.items():
        SubElement(options, "Option", name=name, value=value, type="QString")
    for name, value in values.items():
        SubElement(drawn, "prop", k=name, v=value)
    return symbol


def _rgba(colour: str) -> str:
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"{red},{green},{blue},255"
