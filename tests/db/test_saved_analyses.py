"""Saved analyses in the database: shared results, what freezing keeps, and what it takes to notice a change."""

import hashlib
from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import ProtectedError
from django.utils import timezone

from geo.analysis.freezing import checksum_of, code_version
from geo.areas.models import City
from geo.layers.asking import parse_values
from geo.layers.layer import Query
from geo.layers.results import compute_result, current_result
from geo.layers.saved import layer_of
from geo.layers.saving import delete_analysis, freeze_analysis, result_of, revise_analysis
from geo.models import Area, ResultRow, ResultSet, SavedAnalysis
from server.core.errors import BadParameter, Conflict, InvalidFields
from server.core.versions import data_version
from tests.factories import make_category, make_report, square
from tests.saved_analyses import COUNTED, FIXED, NOW, OPEN_ENDED, counted, counted_city, saved_by, staff

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("counted")]
__all__ = ["counted"]


@pytest.fixture
def city() -> City:
    return counted_city()


@pytest.fixture
def saved(city: City) -> SavedAnalysis:
    return saved_by(staff("perencana", city), city)


def frozen(saved: SavedAnalysis) -> SavedAnalysis:
    return freeze_analysis(saved, user_id=saved.owner_id, now=NOW)


def test_a_live_one_shares_the_result_of_its_layer(city: City, saved: SavedAnalysis) -> None:
    values = parse_values(COUNTED, FIXED, city, None, NOW)
    version = data_version(COUNTED.versions).number
    asked = current_result(COUNTED, Query(city, values, NOW), version)
    assert result_of(saved, NOW).pk == asked.pk
    assert ResultSet.objects.count() == 1


def test_a_default_period_moves_on_with_the_citys_day(city: City) -> None:
    saved = saved_by(staff("perencana", city), city, parameters=OPEN_ENDED)
    layer = layer_of(saved)
    assert layer is not None
    # 16:59 and 17:00 UTC: the last minute of 1 March and the first of 2 March in Jakarta.
    before = parse_values(layer, {}, city, None, datetime(2026, 3, 1, 16, 59, tzinfo=UTC))
    after = parse_values(layer, {}, city, None, datetime(2026, 3, 1, 17, 0, tzinfo=UTC))
    assert (before["end"], after["end"]) == (
        datetime(2026, 3, 1, 17, tzinfo=UTC),
        datetime(2026, 3, 2, 17, tzinfo=UTC),
    )
    assert layer.follows_clock


def test_a_frozen_one_keeps_its_period_and_its_rows(city: City) -> None:
    saved = frozen(saved_by(staff("perencana", city), city, parameters=OPEN_ENDED))
    layer = layer_of(saved)
    assert layer is not None
    assert not layer.follows_clock
    years_later = parse_values(layer, {}, city, None, datetime(2029, 1, 1, tzinfo=UTC))
    assert saved.result_set is not None
    assert years_later["end"].isoformat() == saved.result_set.parameters["end"]["at"]
    assert years_later["end"] < datetime(2029, 1, 1, tzinfo=UTC)


def test_later_boundaries_names_and_retirements_do_not_change_a_frozen_one(city: City, saved: SavedAnalysis) -> None:
    done = frozen(saved)
    assert done.result_set is not None
    Area.objects.filter(code="kota-uji.1").update(name="Baru", boundary=square(0, 0, 1, 1))
    Area.objects.filter(code="kota-uji.2").update(retired_at=NOW)
    layer = layer_of(SavedAnalysis.objects.get(pk=done.pk))
    assert layer is not None
    assert layer.settled is not None
    assert layer.settled.pinned is not None
    query = Query(city, layer.settled.pinned.values, NOW, result_set=done.result_set.pk)
    source = layer.rows(query)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT s.code, s.name, s.level, ST_XMin(s.geom) FROM ({source.sql}) s ORDER BY s.key", source.params
        )
        rows = cursor.fetchall()
    assert rows == [("kota-uji.1", "Kota-Uji 1", "kecamatan", 106.9), ("kota-uji.2", "Kota-Uji 2", "kecamatan", 107.0)]


def test_the_live_result_is_not_the_frozen_one(city: City, saved: SavedAnalysis) -> None:
    live = result_of(saved, NOW)
    done = frozen(saved)
    assert done.result_set_id != live.pk
    assert not ResultRow.objects.filter(result_set=live, geom__isnull=False).exists()
    assert ResultRow.objects.filter(result_set_id=done.result_set_id, geom__isnull=False).count() == 2


def test_sweeping_old_results_spares_the_frozen_one(city: City, saved: SavedAnalysis) -> None:
    done = frozen(saved)
    other = saved_by(staff("lain", city), city, slug="lain", parameters={**FIXED, "seed": "1"})
    swept = result_of(saved_by(staff("ketiga", city), city, slug="ketiga", parameters={**FIXED, "seed": "2"}), NOW)
    ResultSet.objects.update(requested_at=timezone.now() - timedelta(days=30))
    result_of(other, NOW)  # computed, and the old ones swept
    assert ResultSet.objects.filter(pk=done.result_set_id).exists()
    assert not ResultSet.objects.filter(pk=swept.pk).exists()


def test_the_database_keeps_a_pinned_result(city: City, saved: SavedAnalysis) -> None:
    done = frozen(saved)
    with pytest.raises(ProtectedError):
        ResultSet.objects.filter(pk=done.result_set_id).delete()
    with pytest.raises(IntegrityError), transaction.atomic():
        SavedAnalysis.objects.filter(pk=done.pk).update(result_set=None)


def test_freezing_says_what_made_the_result(city: City, saved: SavedAnalysis) -> None:
    make_report(category=make_category("banjir"), reported_at=datetime(2026, 2, 5, tzinfo=UTC))
    version = data_version(COUNTED.versions).number
    done = SavedAnalysis.objects.get(pk=frozen(saved).pk)
    assert (done.refresh, done.frozen_by_id) == ("frozen", saved.owner_id)
    assert (done.data_version, done.seed) == (version, 7)
    assert done.code_version == code_version()
    assert done.code_version.startswith("pantau 0.1.0 analysis ")
    assert " numpy " in done.code_version
    assert " scipy " in done.code_version


def test_it_is_frozen_when_that_was_asked_unless_the_result_came_later(city: City, saved: SavedAnalysis) -> None:
    """A result is dated by the real clock, which is past NOW."""
    late = frozen(saved)
    assert late.result_set is not None
    assert late.frozen_at == late.result_set.as_of
    assert late.frozen_at > NOW
    tomorrow = timezone.now() + timedelta(days=1)
    other = saved_by(saved.owner, city, slug="besok")
    assert freeze_analysis(other, user_id=saved.owner_id, now=tomorrow).frozen_at == tomorrow


def test_the_checksum_is_that_of_the_documented_lines(city: City, saved: SavedAnalysis) -> None:
    result = ResultSet.objects.create(
        analysis="probe",
        parameters_key="k",
        parameters={"b": 1, "a": "é"},
        data_version=1,
        requested_at=NOW,
        touched_at=NOW,
        members={"n": 2},
    )
    ResultRow.objects.create(result_set=result, key=2, geom=None, figures={"z": None, "rho": 0.25})
    ResultRow.objects.create(result_set=result, key=1, geom=square(0, 0, 1, 1), figures={})
    # A MultiPolygon of one ring of five points, little-endian, with SRID 4326.
    point = {0: "0000000000000000", 1: "000000000000f03f"}
    ring = "".join(point[x] + point[y] for x, y in ((0, 0), (0, 1), (1, 1), (1, 0), (0, 0)))
    ewkb = f"0106000020e61000000100000001030000000100000005000000{ring}"
    lines = (
        '{"given":{"lag":"auto"},"layer":"probe","members":{"n":2},"resolved":{"a":"é","b":1}}\n'
        f'[1,{{}},"{ewkb}"]\n'
        '[2,{"rho":0.25,"z":null},null]\n'
    )
    assert checksum_of(result, {"lag": "auto"}) == hashlib.sha256(lines.encode()).hexdigest()


@pytest.mark.parametrize("change", ["figure", "shape", "parameter", "member", "row"])
def test_the_checksum_notices(city: City, saved: SavedAnalysis, change: str) -> None:
    done = frozen(saved)
    kept = ResultSet.objects.get(pk=done.result_set_id)
    assert checksum_of(kept, done.parameters) == done.checksum
    row = kept.rows.order_by("key")[0]
    given = dict(done.parameters)
    if change == "figure":
        row.figures["reports"] = 9
        row.save()
    elif change == "shape":
        row.geom = square(0, 0, 1, 1)
        row.save()
    elif change == "row":
        row.delete()
    elif change == "member":
        kept.members = {"more": 1}
    else:
        given["seed"] = "3"
    assert checksum_of(kept, given) != done.checksum


def test_a_frozen_one_is_neither_changed_nor_frozen_again(city: City, saved: SavedAnalysis) -> None:
    done = frozen(saved)
    with pytest.raises(Conflict):
        revise_analysis(done, {"title": "Lain"}, NOW)
    with pytest.raises(Conflict):
        frozen(done)
    # As another request sees it, that read it before it was frozen.
    with pytest.raises(Conflict):
        revise_analysis(saved, {"title": "Lain"}, NOW)
    assert ResultSet.objects.filter(pinned_by__isnull=False).count() == 1


def test_deleting_a_frozen_one_lets_its_result_go(city: City, saved: SavedAnalysis) -> None:
    done = frozen(saved)
    delete_analysis(done)
    assert not SavedAnalysis.objects.exists()
    assert not ResultSet.objects.filter(pk=done.result_set_id).exists()


def test_a_slug_is_made_of_the_title_and_is_nobody_elses(city: City, saved: SavedAnalysis) -> None:
    user = staff("lain", city)
    assert saved_by(user, city, slug="", title="Banjir & Hujan, 2026!").slug == "banjir-hujan-2026"
    for taken in ("banjir-air", "counted", "reports"):
        with pytest.raises(InvalidFields) as refusal:
            saved_by(user, city, slug=taken)
        assert list(refusal.value.fields) == ["slug"]
    with pytest.raises(InvalidFields):
        saved_by(user, city, slug="", title="！")


def test_what_is_had_by_its_link_has_an_id_that_cannot_be_guessed(city: City, saved: SavedAnalysis) -> None:
    one, two = (saved_by(staff(name, city), city, visibility="link", slug="air") for name in ("a", "b"))
    for each in (one, two):
        stem, _hyphen, token = each.slug.rpartition("-")
        assert (stem, len(token)) == ("air", 32)
        assert int(token, 16) >= 0
    assert one.slug != two.slug
    hidden = revise_analysis(saved, {"visibility": "link"}, NOW)
    assert hidden.slug.startswith("banjir-air-")
    # Once it was public its id was known: hidden again, it has another.
    shown = revise_analysis(hidden, {"visibility": "public"}, NOW)
    assert shown.slug == hidden.slug
    again = revise_analysis(shown, {"visibility": "link"}, NOW)
    assert again.slug != hidden.slug
    assert len(again.slug) == len(hidden.slug)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"category": "nothing"}, "category"),
        ({"category": ""}, "category"),
        ({"seed": "1001"}, "seed"),
        ({"start": "2026-03-01"}, "end"),
        ({"unknown": "1"}, "unknown"),
        ({"seed": ["1"]}, "seed"),
        ({"category": "\0"}, "category"),
    ],
)
def test_a_parameter_that_cannot_be_resolved_is_named(city: City, change: dict, named: str) -> None:
    with pytest.raises(BadParameter) as refusal:
        saved_by(staff("perencana", city), city, parameters={**FIXED, **change})
    assert refusal.value.name == named
    assert not SavedAnalysis.objects.exists()


def test_parameters_are_kept_as_texts(city: City) -> None:
    saved = saved_by(staff("perencana", city), city, parameters={**FIXED, "seed": 2, "level": " kota "})
    assert saved.parameters == {**FIXED, "seed": "2", "level": "kota"}


def test_a_layer_that_is_not_computed_cannot_be_saved(city: City) -> None:
    for layer in ("reports", "density", "nothing"):
        with pytest.raises(InvalidFields) as refusal:
            saved_by(staff(layer, city), city, layer_id=layer)
        assert list(refusal.value.fields) == ["layer"]


def test_one_whose_layer_is_gone_is_no_layer(city: City, saved: SavedAnalysis) -> None:
    saved.layer = "gone"
    assert layer_of(saved) is None


def test_hourly_answers_with_a_result_of_the_hour_whatever_the_data_does(city: City) -> None:
    saved = saved_by(staff("perencana", city), city, refresh="hourly")
    first = result_of(saved, NOW)
    make_report(category=make_category("banjir"), reported_at=datetime(2026, 2, 5, tzinfo=UTC))
    ResultSet.objects.update(as_of=timezone.now() - timedelta(minutes=50))
    assert result_of(saved, NOW).pk == first.pk
    ResultSet.objects.update(as_of=timezone.now() - timedelta(minutes=61))
    assert result_of(saved, NOW).pk != first.pk


def test_computing_twice_leaves_the_frozen_copy_alone(city: City, saved: SavedAnalysis) -> None:
    done = frozen(saved)
    compute_result.func(done.result_set_id)
    kept = ResultSet.objects.get(pk=done.result_set_id)
    assert checksum_of(kept, done.parameters) == done.checksum
