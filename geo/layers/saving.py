"""Writes of saved analyses: saving, changing, freezing and deleting one. Who may is decided before."""

import re
import secrets
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.text import slugify
from django.utils.translation import gettext as _

from geo.analysis.freezing import checksum_of, code_version, copy_result
from geo.analysis.models import ResultSet
from geo.analysis.saved import SavedAnalysis
from geo.areas.models import City
from geo.layers.asking import parse_values
from geo.layers.catalogue import ANALYSES
from geo.layers.layer import Layer, Query
from geo.layers.results import current_result
from geo.layers.saved import built_in_layer, computed_layer, layer_of
from server.core.errors import BadParameter, Conflict, InvalidFields, NotFound, NotReady
from server.core.versions import data_version

BOUNDARIES = {"geo_dataversion": ["areas"]}

LONGEST_TEXT = 2000
LONGEST_SLUG = 100
# 128 bits: what nobody guesses, and no list of layers names.
TOKEN = re.compile(r"-[0-9a-f]{32}$")
# NUL, and halves of surrogate pairs, which JSON can name: PostgreSQL and UTF-8 have no place for them.
NOT_STORED = re.compile("[\0\ud800-\udfff]")


def save_analysis(
    *,
    city: City,
    layer_id: str,
    parameters: Mapping[str, str],
    title: str,
    slug: str,
    description: str,
    visibility: str,
    refresh: str,
    owner_id: int,
    now: datetime,
) -> SavedAnalysis:
    """A new saved analysis. An empty `slug` is made of the title.

    Errors: InvalidFields for the layer and the slug; BadParameter, by name, for a parameter that cannot be resolved.
    """
    base = computed_layer(layer_id)
    if base is None:
        raise InvalidFields({"layer": [_("There is no computed layer of this id; /layers/ lists them.")]})
    texts = checked_texts(base, parameters, city, now)
    wanted = slug or slugify(title)[: LONGEST_SLUG - 40].strip("-")
    if not wanted:
        raise InvalidFields({"slug": [_("The title gives no slug; name one.")]})
    if visibility == SavedAnalysis.Visibility.LINK:
        wanted = with_token(wanted)
    _refuse_reserved(wanted)
    try:
        with transaction.atomic():
            return SavedAnalysis.objects.create(
                city=city,
                slug=wanted,
                title=title,
                description=description,
                layer=layer_id,
                parameters=texts,
                owner_id=owner_id,
                visibility=visibility,
                refresh=refresh,
                created_at=now,
                updated_at=now,
            )
    except IntegrityError:
        raise InvalidFields({"slug": [_("There is an analysis of this slug already.")]}) from None


def revise_analysis(saved: SavedAnalysis, changes: Mapping[str, Any], now: datetime) -> SavedAnalysis:
    """With another title, description, visibility or refresh; Conflict for a frozen one.

    One that is henceforth had by its link alone gets a new id: the old one may be known.
    """
    with transaction.atomic():
        locked = _locked(saved)
        if locked.is_frozen:
            raise Conflict(_("A frozen analysis cannot be changed."))
        is_hidden = changes.get("visibility") == SavedAnalysis.Visibility.LINK != locked.visibility
        for name in ("title", "description", "visibility", "refresh"):
            setattr(locked, name, changes.get(name, getattr(locked, name)))
        if is_hidden:
            locked.slug = with_token(locked.slug)
        locked.updated_at = now
        locked.save()
    return locked


def freeze_analysis(saved: SavedAnalysis, *, user_id: int, now: datetime) -> SavedAnalysis:
    """Pins the current result for good, with all that it takes to cite it.

    Errors: Conflict where it is frozen already; NotReady where the result is still to be computed; BadParameter where a
    parameter no longer names anything.
    """
    if saved.is_frozen:
        raise Conflict(_("This analysis is frozen already."))
    result = result_of(saved, now, is_fresh=True)
    changed_at = data_version(BOUNDARIES).changed_at
    if changed_at and result.as_of and changed_at > result.as_of:
        # The rows keep the shapes of now: figures of other boundaries would lie under them.
        raise NotReady(_("The boundaries changed since this was computed; try again in a moment."), retry_after_s=5)
    with transaction.atomic():
        locked = _locked(saved)
        if locked.is_frozen:
            raise Conflict(_("This analysis is frozen already."))
        original = ResultSet.objects.select_for_update().filter(pk=result.pk).first()
        if original is None:
            raise Conflict(_("The result is no longer kept; try again."))
        kept = copy_result(original)
        locked.refresh = SavedAnalysis.Refresh.FROZEN
        locked.result_set = kept
        # What had first to be computed is not frozen before it was there.
        locked.frozen_at, locked.frozen_by_id = max(now, kept.as_of or now), user_id
        locked.data_version, locked.code_version = kept.data_version, code_version()
        locked.seed = kept.parameters.get("seed")
        locked.checksum = checksum_of(kept, locked.parameters)
        locked.updated_at = now
        locked.save()
    return locked


def delete_analysis(saved: SavedAnalysis) -> None:
    """With the result that it has pinned, if it is frozen."""
    with transaction.atomic():
        locked = _locked(saved)
        kept = locked.result_set_id
        locked.delete()
        if kept is not None:
            ResultSet.objects.filter(pk=kept).delete()


def result_of(saved: SavedAnalysis, now: datetime, *, is_fresh: bool = False) -> ResultSet:
    """The result that it answers with: the pinned one, else the current one; NotReady where there is none yet.

    `is_fresh`: of the data as they are now, whatever its refresh allows.
    """
    layer = layer_of(saved)
    if layer is None or layer.settled is None:
        raise NotFound(_("The layer of this analysis is no longer there."))
    if saved.result_set is not None:
        return saved.result_set
    query = Query(saved.city, parse_values(layer, {}, saved.city, None, now), now)
    base = replace(layer.settled.base, fresh_for=timedelta(0)) if is_fresh else layer.settled.base
    return current_result(base, query, data_version(layer.versions).number)


def checked_texts(base: Layer, given: Mapping[str, Any], city: City, now: datetime) -> dict[str, str]:
    """The parameters as texts, once all of them could be resolved; BadParameter for the one that could not."""
    texts: dict[str, str] = {}
    for name, value in given.items():
        if base.parameter(name) is None:
            known = ", ".join(p.name for p in base.parameters)
            raise BadParameter(name, f"{base.id} has no parameter {name!r}; known are {known}")
        if not isinstance(value, str | bool | int | float):
            raise BadParameter(name, f"{name} must be a text or a number")
        text = str(value).lower() if isinstance(value, bool) else str(value).strip()
        if NOT_STORED.search(text) or len(text) > LONGEST_TEXT:
            raise BadParameter(
                name, f"{name} holds a character that cannot be stored, or more than {LONGEST_TEXT} characters"
            )
        if text:
            texts[name] = text
    parse_values(base, texts, city, None, now)
    return texts


def with_token(slug: str) -> str:
    """The slug with a new end that cannot be guessed."""
    return f"{TOKEN.sub('', slug)[: LONGEST_SLUG - 33].strip('-')}-{secrets.token_hex(16)}"


def _refuse_reserved(slug: str) -> None:
    if built_in_layer(slug) is not None or any(analysis.id == slug for analysis in ANALYSES):
        raise InvalidFields({"slug": [_("This is the id of a built-in layer.")]})


def _locked(saved: SavedAnalysis) -> SavedAnalysis:
    found = SavedAnalysis.objects.select_for_update(of=("self",)).select_related("city", "result_set")
    locked = found.filter(pk=saved.pk).first()
    if locked is None:
        raise NotFound(_("There is no such analysis."))
    return locked
