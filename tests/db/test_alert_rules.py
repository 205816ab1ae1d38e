"""Rules of alerts: which one watches a gauge, with which levels, and which are refused."""

from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.gis.geos import Point
from django.core.exceptions import ValidationError
from django.core.management.base import CommandError
from django.db.models import RestrictedError

from geo.areas.models import City
from geo.management.commands.load_fixtures import load_alert_rules
from geo.models import Alert, AlertRule, AlertState
from geo.operations.alerts.evaluation import evaluate_alerts
from tests.db.alert_gauges import SIAGA, at, city, gauge, log_of, measured, open_alert, rule, stream_of
from tests.factories import NOW, make_category, make_datastream, make_thing

pytestmark = pytest.mark.django_db
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
    measured_again = AlertState.objects.get()
    assert (measured_again.level, measured_again.evaluated_to) == (0, at("04:50"))
    assert log_of(alert)[-1] == ("05:00", "rule_changed", None)
    AlertRule.objects.update(is_active=False)
    evaluate_alerts(NOW)
    assert not AlertState.objects.exists()


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
    folder = Path(settings.BASE_DIR) / "fixtures/bekasi"
    assert load_alert_rules(folder, city) == 2
    assert load_alert_rules(folder, city) == 0
    p2c = AlertRule.objects.get(thing="river-p2c")
    assert [(level["name"], level["from"]) for level in p2c.levels] == [
        ("Siaga 3", 351), ("Siaga 2", 451), ("Siaga 1", 551),
    ]  # fmt: skip
    weir = AlertRule.objects.get(thing="river-bendung-bekasi")
    assert [(level["name"], level["from"]) for level in weir.levels] == [("Siap", 200), ("Siaga", 300), ("Awas", 400)]


def test_fixtures_for_a_thing_that_is_not_there_are_a_sentence(city: City) -> None:
    with pytest.raises(CommandError, match=r"alert_rules.json, KP2C: river_level river-p2c: .*no such"):
        load_alert_rules(Path(settings.BASE_DIR) / "fixtures/bekasi", city)
    assert not AlertRule.objects.exists()


def test_a_rule_that_has_had_alerts_is_kept(city: City) -> None:
    open_alert(city)
    with pytest.raises(RestrictedError):
        AlertRule.objects.get().delete()
