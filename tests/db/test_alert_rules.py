"""Rules of alerts: which one watches a gauge, with which levels, and which are refused."""

from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.gis.geos import Point
from django.core.exceptions import ValidationError
from django.core.management.base import CommandError
from django.db.models import RestrictedError

from geo.analysis.reading_limits import NOISE_LIMITS
from geo.areas.models import City
from geo.management.commands.load_fixtures import load_alert_rules, read_records
from geo.models import Alert, AlertRule
from geo.placement.services import place_things
from sensors.derived.deriving import ensure_derived
from sensors.thresholds.models import Watch
from tests.alerts import evaluate_alerts
from tests.db.alert_gauges import SIAGA, at, city, gauge, log_of, measured, open_alert, rule, stream_of
from tests.factories import NOW, make_category, make_datastream, make_thing

pytestmark = pytest.mark.django_db
FIXTURES = Path(settings.BASE_DIR) / "fixtures/bekasi"
__all__ = ["city"]


def test_the_rule_of_a_thing_goes_before_the_citys_of_the_same_authority(city: City) -> None:
    rule(city)
    rule(city, thing="river-p2c", levels=[{"name": "Awas", "from": 500}])
    rule(city, authority="BPBD", levels=[{"name": "Waspada", "from": 100}])
    measured(gauge(), ("04:50", 510.0))
    measured(gauge("river-cikeas"), ("04:50", 510.0))
    evaluate_alerts(NOW)
    found = {(alert.thing, alert.level_name) for alert in Alert.objects.all()}
    assert found == {
        ("river-p2c", "Awas"), ("river-p2c", "Waspada"), ("river-cikeas", "Siaga 2"), ("river-cikeas", "Waspada"),
    }  # fmt: skip


def test_a_thing_outside_the_city_is_watched_by_its_own_rule_alone(city: City) -> None:
    rule(city)
    measured(gauge("river-hulu", location=Point(110.0, -7.0, srid=4326)), ("04:50", 600.0))
    assert evaluate_alerts(NOW) == ""
    rule(city, thing="river-hulu")
    assert evaluate_alerts(NOW) == "1 opened"
    assert Alert.objects.get().area is None


def test_a_rule_without_levels_has_those_that_its_authority_configured_on_the_thing(city: City) -> None:
    table = {"authority": "KP2C", "observed_property": "river_level", "unit": "cm", "source": None, "levels": SIAGA}
    rule(city, levels=[])
    measured(gauge(properties={"alert_levels": [{**table, "authority": "BBWS"}, table]}), ("04:50", 460.0))
    measured(gauge("river-polos"), ("04:50", 460.0))
    assert evaluate_alerts(NOW) == "1 opened"
    assert Alert.objects.get().level_name == "Siaga 2"


def test_levels_of_a_thing_that_cannot_be_read_hide_no_others(city: City, caplog: Any) -> None:
    rule(city, levels=[])
    table = {"authority": "KP2C", "observed_property": "river_level", "unit": "cm", "levels": SIAGA}
    measured(gauge("rusak", properties={"alert_levels": [{"authority": "KP2C"}]}), ("04:50", 460.0))
    measured(gauge(properties={"alert_levels": [table]}), ("04:50", 460.0))
    assert evaluate_alerts(NOW) == "1 opened"
    assert "rusak cannot be read" in caplog.text


def test_values_in_another_unit_are_not_held_against_the_levels(city: City) -> None:
    rule(city, unit="m")
    measured(gauge(), ("04:50", 400.0))
    assert evaluate_alerts(NOW) == ""


def test_alerts_end_when_the_rule_is_switched_off_or_gets_other_levels(city: City) -> None:
    alert = open_alert(city)
    AlertRule.objects.update(levels=[{"name": "Awas", "from": 390}])
    assert evaluate_alerts(NOW) == "1 rule_changed"
    begun_anew = Watch.objects.get()
    assert (begun_anew.level, begun_anew.follows_from) == (0, at("04:50"))
    assert log_of(alert)[-1] == ("05:00", "rule_changed", None)
    AlertRule.objects.update(is_active=False)
    evaluate_alerts(NOW)
    assert not Watch.objects.exists()


def test_an_alert_ends_when_its_rule_is_said_to_hold_from_later_on(city: City) -> None:
    alert = open_alert(city)
    AlertRule.objects.update(active_since=at("04:55"))
    measured(stream_of(alert), ("04:58", 410.0))
    assert evaluate_alerts(NOW) == "1 opened, 1 rule_changed"
    assert [one.opened_at for one in Alert.objects.order_by("id")] == [at("04:50"), at("04:58")]


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"levels": [{"name": "Siaga 3"}]}, "levels"),
        ({"levels": [], "direction": "below"}, "levels"),
        ({"thing": "unknown"}, "thing"),
        ({"observed_property": "unknown"}, "observed_property"),
        ({"hysteresis": -1.0}, "hysteresis"),
        ({"levels": [], "levels_by": "land_use"}, "levels_of"),
        ({"levels": [], "levels_by": "land_use", "levels_of": {"housing": []}}, "levels_of"),
        ({"levels_by": "land_use", "levels_of": {"housing": SIAGA}}, "levels"),
        ({"opens_incident_at": 0}, "opens_incident_at"),
    ],
)
def test_a_rule_that_cannot_hold_is_refused_by_name(city: City, wrong: dict[str, Any], field: str) -> None:
    gauge()
    values = {"authority": "KP2C", "observed_property": "river_level", "unit": "cm", "levels": SIAGA, **wrong}
    with pytest.raises(ValidationError) as refused:
        AlertRule(city=city, **values).full_clean()
    assert set(refused.value.message_dict) == {field}


def test_bekasis_gauges_alert_at_the_published_levels(city: City) -> None:
    make_category("banjir")
    gauge("river-p2c")
    make_datastream(make_thing("river-bendung-bekasi"), "discharge", unit_ucum="m3/s")
    station = make_thing("stasiun")
    for code, unit in (("pm25", "ug/m3"), ("rain", "mm"), ("noise", "dB[SPL]")):
        make_datastream(station, code, unit_ucum=unit)
    ensure_derived()
    folder = Path(settings.BASE_DIR) / "fixtures/bekasi"
    assert load_alert_rules(folder, city) == 5
    assert load_alert_rules(folder, city) == 0
    p2c = AlertRule.objects.get(thing="river-p2c")
    assert [(level["name"], level["from"]) for level in p2c.levels] == [
        ("Siaga 3", 351), ("Siaga 2", 451), ("Siaga 1", 551),
    ]  # fmt: skip
    weir = AlertRule.objects.get(thing="river-bendung-bekasi")
    assert [(level["name"], level["from"]) for level in weir.levels] == [("Siap", 200), ("Siaga", 300), ("Awas", 400)]
    air = AlertRule.objects.get(observed_property="ispu_category")
    assert [(level["name"], level["from"]) for level in air.levels] == [
        ("Tidak sehat", 3), ("Sangat tidak sehat", 4), ("Berbahaya", 5),
    ]  # fmt: skip
    rain = AlertRule.objects.get(observed_property="rain_24h")
    assert [level["from"] for level in rain.levels] == [50.1, 100.1, 150.1]


# The limits as the regulation has them stand in tests/unit/test_reading_limits.py.
def test_noise_is_held_against_the_limit_of_the_use_of_the_land(city: City) -> None:
    record = next(one for one in read_records(FIXTURES / "alert_rules.json") if one["observed_property"] == "noise")
    rule(
        city,
        **{
            name: record[name]
            for name in ("authority", "observed_property", "unit", "levels", "levels_by", "levels_of")
        },
    )
    streams = {}
    for slug, properties in (("rumah", {"land_use": "housing"}), ("pabrik", {"land_use": "industry"}), ("entah", {})):
        streams[slug] = make_datastream(make_thing(slug, properties=properties), "noise", unit_ucum="dB[SPL]")
    place_things()
    measured(streams["rumah"], ("04:40", 55.0), ("04:50", 55.2))
    measured(streams["pabrik"], ("04:50", 69.9))
    measured(streams["entah"], ("04:50", 120.0))
    evaluate_alerts(NOW)
    assert list(Alert.objects.values_list("thing", "opened_at")) == [("rumah", at("04:50"))]


def test_the_noise_limits_of_the_fixtures_are_those_of_the_dossier() -> None:
    record = next(one for one in read_records(FIXTURES / "alert_rules.json") if one["observed_property"] == "noise")
    above = {land_use: levels[0]["from"] for land_use, levels in record["levels_of"].items()}
    assert above == {land_use: pytest.approx(limit + 0.1) for land_use, limit in NOISE_LIMITS.items()}


def test_fixtures_for_a_thing_that_is_not_there_are_a_sentence(city: City) -> None:
    with pytest.raises(CommandError, match=r"alert_rules.json, KP2C: river_level river-p2c: .*no such"):
        load_alert_rules(Path(settings.BASE_DIR) / "fixtures/bekasi", city)
    assert not AlertRule.objects.exists()


def test_a_rule_that_has_had_alerts_is_kept(city: City) -> None:
    open_alert(city)
    with pytest.raises(RestrictedError):
        AlertRule.objects.get().delete()
