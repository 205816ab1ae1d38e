"""The matrix as a picture: categories down, properties across; colour for strength, a number for the lag, a frame for what is found."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from matplotlib.patches import Rectangle

from geo.api.analysis.figures import clock_of, days_of, make_figure, png_bytes

CELL_IN = 0.52
MARGIN_IN = (3.2, 2.6)
# Of columns and rows, so that the words above have room even over a single pair.
LEAST = (9, 3)
STRONGEST = 0.6


def draw_matrix(document: Mapping[str, Any]) -> bytes:
    """A PNG of the document of `/api/analysis/matrix/`."""
    categories = [entry["slug"] for entry in document["categories"]]
    properties = [entry["code"] for entry in document["properties"]]
    figure = make_figure(
        width_in=MARGIN_IN[0] + CELL_IN * max(len(properties), LEAST[0]),
        height_in=MARGIN_IN[1] + CELL_IN * max(len(categories), LEAST[1]),
    )
    axes = figure.add_subplot()
    figure.suptitle(_title(document), fontsize=9, x=0.01, ha="left")
    if not document["pairs"]:
        axes.set_axis_off()
        return png_bytes(figure)
    pairs = {(pair["category"], pair["property"]): pair for pair in document["pairs"]}
    shades = np.array([[_number(pairs[c, p]["coefficient"]) for p in properties] for c in categories])
    shades = shades.reshape(len(categories), len(properties))
    image = axes.imshow(shades, cmap="RdBu_r", vmin=-STRONGEST, vmax=STRONGEST, aspect="equal")
    # Its ends are pointed: what is stronger has the last colour.
    figure.colorbar(image, ax=axes, label=_label_of(document["method"]), shrink=0.8, extend="both")
    _label(axes, document["categories"], document["properties"])
    for row, category in enumerate(categories):
        for column, code in enumerate(properties):
            _mark(axes, pairs[category, code], column, row, document["alpha"])
    return png_bytes(figure)


def _label(axes: Any, categories: Sequence[Mapping[str, Any]], properties: Sequence[Mapping[str, Any]]) -> None:
    axes.set_xticks(range(len(properties)), [_name(entry) for entry in properties], rotation=45, ha="right", fontsize=8)
    axes.set_yticks(
        range(len(categories)), [f"{_name(entry)} ({entry['reports']})" for entry in categories], fontsize=8
    )
    axes.set_facecolor("#dddddd")
    axes.tick_params(length=0)


def _mark(axes: Any, pair: Mapping[str, Any], column: int, row: int, alpha: float) -> None:
    if pair["coefficient"] is None:
        return
    is_found = pair["q_value"] is not None and pair["q_value"] <= alpha
    shade = "white" if abs(pair["coefficient"]) > 0.35 else "black"
    axes.text(
        column, row, str(pair["lag"]), ha="center", va="center", fontsize=8, color=shade if is_found else "#5c5c5c"
    )
    if is_found:
        axes.add_patch(Rectangle((column - 0.48, row - 0.48), 0.96, 0.96, fill=False, edgecolor="black", linewidth=1.5))


def _title(document: Mapping[str, Any]) -> str:
    interval = {"hour": _("hours"), "day": _("days"), "week": _("weeks")}[document["interval"]]
    zone = document["time_zone"]
    start, end = days_of(document["start"], document["end"], zone)
    grey = _("In brackets: how many reports. Grey: too little data for a figure.")
    return "\n".join(
        [
            _("What goes with which complaints: %(area)s, %(start)s to %(end)s")
            % {"area": document["area"]["name"], "start": start, "end": end},
            _("Numbers: lag in %(interval)s. Framed: false discovery rate at most %(alpha)g over %(tests)d pairs.")
            % {"interval": interval, "alpha": document["alpha"], "tests": document["tests"]},
            grey if document["tests"] else _("No pair has enough data in this period."),
            _("An association, not a cause. As of %(as_of)s.") % {"as_of": clock_of(document["as_of"], zone)},
        ]
    )


def _label_of(method: str) -> str:
    if method == "pearson":
        return _("Pearson's r, shared rhythm removed")
    return _("Spearman's rho, shared rhythm removed")


def _name(entry: Mapping[str, Any]) -> str:
    return str(entry["name_en"] if (get_language() or "").startswith("en") else entry["name_id"])


def _number(value: float | None) -> float:
    return float("nan") if value is None else value
