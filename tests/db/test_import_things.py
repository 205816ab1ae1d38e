import csv
import json
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from sensors.registry.models import Datastream, ObservedProperty, Thing, ThingLocation
from sensors.registry.services import ALWAYS
from server.core import broker_credentials
from tests.sensor_factories import make_property

pytestmark = pytest.mark.django_db

BEKASI = Path(__file__).parents[2] / "fixtures" / "bekasi"


@pytest.fixture(autouse=True)
def broker_dir(settings: Any, tmp_path: Path) -> Path:
    folder = tmp_path / "broker"
    folder.mkdir(mode=0o700)
    settings.BROKER_DIR = str(folder)
    return folder


def import_bekasi() -> None:
    properties = BEKASI / "observed_properties.json"
    mapping = BEKASI / "things.map.json"
    call_command(
        "import_things", str(BEKASI / "things.csv"), "--map", str(mapping), "--observed-properties", str(properties)
    )


def import_text(tmp_path: Path, text: str, *options: str) -> None:
    path = tmp_path / "things.csv"
    path.write_text(text)
    call_command("import_things", str(path), "--map", "name=name,lon=lon,lat=lat", *options)


def test_the_network_of_bekasi_comes_in_whole_and_a_second_time_changes_nothing(
    broker_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import_bekasi()
    with (BEKASI / "things.csv").open() as file:
        rows = list(csv.DictReader(file))
    codes = Counter(code for row in rows for code in row["properties"].split(";"))
    assert Thing.objects.count() == ThingLocation.objects.count() == len(rows) >= 60
    assert Datastream.objects.count() == sum(codes.values())
    assert set(ObservedProperty.objects.values_list("domain", flat=True)) == {
        "environment",
        "traffic",
        "health",
        "economy",
    }
    level = Datastream.objects.get(thing__slug="river-p2c", observed_property__code="river_level")
    assert (level.unit_ucum, level.plausible_min, level.plausible_max) == ("cm", 0.0, 1500.0)
    assert level.sensor is not None
    assert level.thing.is_simulated
    passwords = broker_credentials.devices(broker_dir)
    assert len(passwords) == len(rows)
    capsys.readouterr()

    import_bekasi()
    out = capsys.readouterr().out
    assert f"{len(rows)} things unchanged" in out
    assert "created" not in out
    assert "0 new broker credentials" in out
    assert broker_credentials.devices(broker_dir) == passwords


def test_a_moved_thing_keeps_where_it_stood(tmp_path: Path) -> None:
    import_text(tmp_path, "name,lon,lat\nA,106.9,-6.3\n")
    import_text(tmp_path, "name,lon,lat\nA,107.0,-6.2\n", "--moved-at", "2026-03-01T00:00:00+07:00")
    moved = datetime(2026, 2, 28, 17, tzinfo=UTC)
    places = [(place.location.coords, place.valid_from, place.valid_to) for place in ThingLocation.objects.all()]
    assert places == [((106.9, -6.3), ALWAYS, moved), ((107.0, -6.2), moved, None)]


def test_a_thing_cannot_have_moved_before_it_came(tmp_path: Path) -> None:
    import_text(tmp_path, "name,lon,lat\nA,106.9,-6.3\n", "--since", "2026-03-01T00:00:00Z")
    with pytest.raises(CommandError, match="cannot have moved before"):
        import_text(tmp_path, "name,lon,lat\nA,107.0,-6.2\n", "--moved-at", "2026-02-01T00:00:00Z")


def test_one_bad_row_and_nothing_is_imported(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"nothing was imported:\nline 3, column lon: 'x' is not a number"):
        import_text(tmp_path, "name,lon,lat\nA,106.9,-6.3\nB,x,1\n")
    assert not Thing.objects.exists()


def test_a_unit_cannot_change_under_what_is_stored(tmp_path: Path) -> None:
    make_property("river_level")
    text = "name,lon,lat\nA,106.9,-6.3\n"
    import_text(tmp_path, text, "--default-property", "river_level", "--unit", "cm")
    with pytest.raises(CommandError, match="a/river_level is measured in 'cm' and cannot become 'mm'"):
        import_text(tmp_path, text, "--default-property", "river_level", "--unit", "mm")


def test_an_unknown_observed_property_is_named(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="no observed property 'wind'"):
        import_text(tmp_path, "name,lon,lat\nA,1,2\n", "--default-property", "wind", "--unit", "m/s")


def test_a_plausible_range_can_be_given_and_half_of_it(tmp_path: Path) -> None:
    make_property("river_level")
    import_text(
        tmp_path, "name,lon,lat\nA,1,2\n", "--default-property", "river_level", "--unit", "mm", "--plausible", ":9000"
    )
    stream = Datastream.objects.get()
    assert (stream.plausible_min, stream.plausible_max) == (None, 9000.0)


def test_a_dry_run_says_what_it_would_do_and_keeps_nothing(
    tmp_path: Path, broker_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import_text(tmp_path, "name,lon,lat\nA,1,2\n", "--dry-run")
    assert "1 things created" in capsys.readouterr().out
    assert not Thing.objects.exists()
    assert broker_credentials.devices(broker_dir) == {}


def test_without_a_folder_the_brokers_users_are_anothers(
    tmp_path: Path, settings: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.BROKER_DIR = ""
    import_text(tmp_path, "name,lon,lat\nA,1,2\n")
    assert "the broker's users are kept elsewhere" in capsys.readouterr().out


def test_a_folder_that_cannot_be_written_is_a_sentence(tmp_path: Path, settings: Any) -> None:
    settings.BROKER_DIR = str(tmp_path / "nowhere")
    with pytest.raises(CommandError, match="the things are registered, but"):
        import_text(tmp_path, "name,lon,lat\nA,1,2\n")


def test_geojson_needs_no_columns_for_the_place(tmp_path: Path) -> None:
    path = tmp_path / "things.geojson"
    point = {"type": "Point", "coordinates": [106.9, -6.3]}
    features = [{"type": "Feature", "properties": {"title": "Pos Hujan"}, "geometry": point}]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    call_command("import_things", str(path), "--map", "name=title,lon=lon,lat=lat")
    assert ThingLocation.objects.get(thing__slug="pos-hujan").location.coords == (106.9, -6.3)


@pytest.mark.parametrize(
    "options",
    [
        ("--map", "colour=x"),
        ("--map", "lon=lon"),
        ("--unit", "mm"),
        ("--default-property", "x", "--unit", "mm", "--plausible", "a:b"),
        ("--moved-at", "2026-01-01"),
        ("--observed-properties", "nowhere.json"),
    ],
)
def test_a_bad_option_is_a_sentence(tmp_path: Path, options: tuple[str, ...]) -> None:
    path = tmp_path / "things.csv"
    path.write_text("slug,name,lon,lat,properties\na,A,1,2,\n")
    with pytest.raises(CommandError):
        call_command("import_things", str(path), *options)
