"""A layer's default style as QGIS's renderer: one symbol, or one for each class of a property."""

from collections.abc import Sequence
from xml.etree.ElementTree import Element, SubElement

from django.utils.translation import gettext as _

from geo.layers.layer import Layer
from geo.ogc.style import NO_COUNT, NO_VALUE, spread


def renderer(layer: Layer, edges: Sequence[float]) -> Element:
    """`renderer-v2` of the layer's style, in the colours of the web map. `edges` are where classes begin that the style
    leaves to the data."""
    style = layer.style
    prop = layer.property_named(style.property) if style.property else None
    if prop is None:
        return _single(layer, style.colours[0])
    if prop.type not in ("number", "integer"):
        return _categorised(layer, prop.name)
    if style.classes:
        return _graduated(layer, prop.name, style.classes, style.colours)
    if edges:
        # Below the least value above zero there is zero alone.
        return _graduated(layer, prop.name, edges, [NO_COUNT, *spread(style.colours, len(edges))])
    return _single(layer, NO_COUNT)


def _single(layer: Layer, colour: str) -> Element:
    element = _renderer("singleSymbol")
    SubElement(element, "symbols").append(_symbol(layer, "0", colour, is_outline=layer.style.property is None))
    return element


def _graduated(layer: Layer, name: str, edges: Sequence[float], colours: Sequence[str]) -> Element:
    element = _renderer("graduatedSymbol", attr=name, graduatedMethod="GraduatedColor")
    ranges, symbols = SubElement(element, "ranges"), SubElement(element, "symbols")
    # Open at both ends: what comes later than this file is still drawn.
    bounds = [-1e308, *map(float, edges), 1e308]
    classes = list(zip(bounds[:-1], bounds[1:], colours, strict=True))
    # From the highest down: QGIS takes the first range that holds a value, both ends included, and an edge belongs to
    # the class that begins there.
    for i, (lower, upper, colour) in enumerate(reversed(classes)):
        label = f"{lower:.3g} – {upper:.3g}"
        if i == 0:
            label = f"≥ {lower:.3g}"
        elif i == len(classes) - 1:
            label = f"< {upper:.3g}"
        bound = {"lower": repr(lower), "upper": repr(upper)}
        SubElement(ranges, "range", {**bound, "symbol": str(i), "label": label, "render": "true"})
        symbols.append(_symbol(layer, str(i), colour))
    return element


def _categorised(layer: Layer, name: str) -> Element:
    element = _renderer("categorizedSymbol", attr=name)
    categories, symbols = SubElement(element, "categories"), SubElement(element, "symbols")
    number = 0
    for colour, part in zip(layer.style.colours, layer.style.classes, strict=True):
        for value in part if isinstance(part, tuple | list) else (part,):
            _category(categories, symbols, layer, str(number), str(value), str(value), colour)
            number += 1
    # QGIS takes the category of the empty value for all that no other names.
    _category(categories, symbols, layer, str(number), "", _("others"), NO_VALUE)
    return element


def _category(
    categories: Element, symbols: Element, layer: Layer, number: str, value: str, label: str, colour: str
) -> None:
    SubElement(categories, "category", symbol=number, value=value, label=label, render="true")
    symbols.append(_symbol(layer, number, colour))


def _renderer(kind: str, **more: str) -> Element:
    same = {"symbollevels": "0", "enableorderby": "0", "forceraster": "0", "referencescale": "-1"}
    return Element("renderer-v2", {"type": kind, **same, **more})


def _symbol(layer: Layer, number: str, colour: str, *, is_outline: bool = False) -> Element:
    is_fill = layer.style.kind == "fill"
    # Boundaries alone are lines, so that what lies below them is seen.
    alpha = "1" if is_outline or not is_fill else "0.75"
    symbol = Element(
        "symbol", name=number, type="fill" if is_fill else "marker", alpha=alpha, clip_to_extent="1", force_rhr="0"
    )
    if is_fill:
        kind = "SimpleFill"
        values = {
            "color": _rgba(colour),
            "style": "no" if is_outline else "solid",
            "outline_color": _rgba(colour if is_outline else "#ffffff"),
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
            "outline_color": _rgba("#ffffff"),
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
