"""Saved analyses as layers: beside the built-in ones, which come first, wherever layers are listed or looked up by id."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from geo.analysis.saved import SavedAnalysis
from geo.layers.catalogue import LAYERS
from geo.layers.layer import Layer, Pinned, Query, RowSource, Settled
from geo.layers.results import values_of
from geo.reports.access.principals import Principal

FRESH_FOR = {
    SavedAnalysis.Refresh.LIVE: timedelta(seconds=60),
    SavedAnalysis.Refresh.HOURLY: timedelta(hours=1),
    SavedAnalysis.Refresh.DAILY: timedelta(hours=24),
    # Asked of nobody: it answers with the result that it has pinned.
    SavedAnalysis.Refresh.FROZEN: timedelta(hours=24),
}


def built_in_layer(layer_id: str) -> Layer | None:
    return next((layer for layer in LAYERS if layer.id == layer_id), None)


def computed_layer(layer_id: str) -> Layer | None:
    """The built-in layer of this id, if it is one that can be saved: its rows are computed and stored."""
    layer = built_in_layer(layer_id)
    return layer if layer is not None and layer.is_stored else None


def listed_layers(principal: Principal) -> list[Layer]:
    """The built-in layers, then the saved analyses that are listed for this principal: one query."""
    saved = SavedAnalysis.objects.listed_for(principal).select_related("city", "result_set").order_by("id")
    found = (layer_of(each) for each in saved)
    return [*LAYERS, *(layer for layer in found if layer is not None)]


def find_layer(layer_id: str, principal: Callable[[], Principal]) -> Layer | None:
    """The layer of this id, None where there is none that this principal may see.

    A built-in layer costs no query, a saved analysis one; who asks is looked up only where it decides.
    """
    return built_in_layer(layer_id) or _saved_layer(layer_id, principal)


def _saved_layer(slug: str, principal: Callable[[], Principal]) -> Layer | None:
    saved = SavedAnalysis.objects.select_related("city", "result_set").filter(slug=slug).first()
    if saved is None or not may_read(saved, principal):
        return None
    return layer_of(saved)


def may_read(saved: SavedAnalysis, principal: Callable[[], Principal]) -> bool:
    """Whether this principal may read it, given that its id is known."""
    if saved.visibility != SavedAnalysis.Visibility.CITY:
        return True
    who = principal()
    return who.is_staff and who.may_act_in(saved.city_id)


def layer_of(saved: SavedAnalysis) -> Layer | None:
    """The saved analysis as a layer without parameters; None where its layer is no longer there.

    Its rows are the base's: a live one shares the result set of whoever asks the base for the same.
    """
    base = computed_layer(saved.layer)
    if base is None:
        return None
    base = replace(base, fresh_for=FRESH_FOR[SavedAnalysis.Refresh(saved.refresh)])
    return replace(
        base,
        id=saved.slug,
        title=saved.title,
        description=saved.description or base.description,
        parameters=(),
        rows=_rows_of(saved, base),
        settled=Settled(
            base=base,
            city=saved.city,
            texts=saved.parameters,
            is_public=saved.visibility == SavedAnalysis.Visibility.PUBLIC,
            revised_at=saved.updated_at,
            pinned=_pinned(saved),
        ),
    )


def _pinned(saved: SavedAnalysis) -> Pinned | None:
    result = saved.result_set
    if result is None or result.as_of is None:
        return None
    return Pinned(result.pk, values_of(result), result.as_of)


def _rows_of(saved: SavedAnalysis, base: Layer) -> Callable[[Query], RowSource]:
    """The base's rows; those of a frozen analysis say so, wherever they are taken to."""
    if not saved.is_frozen:
        return base.rows
    said = {"frozen_at": saved.frozen_at, "data_version": saved.data_version, "checksum": saved.checksum}

    def rows(query: Query) -> RowSource:
        source = base.rows(query)
        return replace(source, members={**source.members, **said})

    return rows
