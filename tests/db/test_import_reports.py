"""manage import_reports: files of any size, every row accounted for."""

import csv
import gzip
import json
import os
import random
import re
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from geo.models import HistoryEntry, Report, ReportContact
from geo.reports.importing.importer import import_rows
from tests.factories import make_agency, make_category, make_channel, make_city

pytestmark = pytest.mark.django_db

HEADER = "external_id,category,description,lon,lat,reported_at,name,phone"
GOOD = "Q1,sampah,Bau,106.93,-6.25,2015-11-11 00:30:00,Siti,0812"


@pytest.fixture(autouse=True)
def city() -> Any:
    make_category("sampah", name_id="Sampah", name_en="Rubbish")
    make_category("kekerasan", public_grid_m=500)
    make_channel("qlue")
    return make_city()


def run(path: Path, *args: str) -> str:
    out = StringIO()
    call_command("import_reports", str(path), "--channel", "qlue", "-v", "0", *args, stdout=out, stderr=StringIO())
    return out.getvalue().strip()


def write(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_rows_become_reports_with_all_that_a_report_has(tmp_path: Path, city: Any) -> None:
    make_agency(city, "dlh", make_category("sampah"))
    path = write(
        tmp_path / "a.csv", HEADER, GOOD, "Q2,kekerasan,hub 0812-3456-7890,106.93,-6.25,2015-11-12T00:00:00Z,,"
    )
    assert run(path) == "read 2: stored 2, repeated 0, rejected 0"
    one, two = Report.objects.order_by("id")
    # A time without a zone is one of Jakarta.
    assert one.reported_at == datetime(2015, 11, 10, 17, 30, tzinfo=UTC)
    assert (one.area.code, one.agency.slug, one.channel.slug, one.location_flag) == (
        "kota-uji.1.1",
        "dlh",
        "qlue",
        "inside",
    )
    assert (one.public_location, one.contact.name, one.contact.phone) == (one.location, "Siti", "0812")
    assert two.public_description == "hub [telepon]"
    assert two.public_location != two.location
    assert not ReportContact.objects.filter(report=two).exists()
    assert [line.new for line in HistoryEntry.objects.all()] == [{"status": "submitted"}] * 2
    assert not list(tmp_path.glob("*.rejects.csv"))


def test_same_file_again_changes_nothing(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", HEADER, GOOD, GOOD, GOOD.replace("Q1", "Q2"))
    assert run(path) == "read 3: stored 2, repeated 1, rejected 0"
    assert run(path) == "read 3: stored 0, repeated 3, rejected 0"
    assert Report.objects.count() == HistoryEntry.objects.count() == ReportContact.objects.count() == 2


def test_rows_without_an_id_are_known_by_what_they_say(tmp_path: Path) -> None:
    row = "sampah,106.93,-6.25,2015-11-11"
    path = write(tmp_path / "a.csv", "category,lon,lat,reported_at", row, row, row.replace("93", "94"))
    assert run(path) == "read 3: stored 2, repeated 1, rejected 0"
    assert run(path) == "read 3: stored 0, repeated 3, rejected 0"


BAD = {
    "Q10,nothing,x,106.93,-6.25,2015-11-11,,": "category: there is no category 'nothing'",
    "Q11,,x,106.93,-6.25,2015-11-11,,": "category: missing",
    "Q12,sampah,x,east,-6.25,2015-11-11,,": "lon: 'east' is not a number",
    "Q13,sampah,x,,-6.25,2015-11-11,,": "lon: missing",
    "Q14,sampah,x,nan,-6.25,2015-11-11,,": "finite",
    "Q15,sampah,x,-6.25,106.93,2015-11-11,,": "swapped",
    "Q16,sampah,x,500,500,2015-11-11,,": "Outside the world",
    "Q17,sampah,x,106.93,-6.25,,,": "reported_at: missing",
    "Q18,sampah,x,106.93,-6.25,someday,,": "is not a date",
    "Q19,sampah,x,106.93,-6.25,2999-01-01,,": "future",
    "Q20,sampah,x,106.93,-6.25,1999-01-01,,": "2000",
    "Q21,sampah,x,106.93,-6.25,2015-11-11,": "7 columns where the header has 8",
    "Q22,sampah,x,106.93,-6.25,2015-11-11,,,": "9 columns",
    f"{'Q' * 201},sampah,x,106.93,-6.25,2015-11-11,,": "longer than 200",
    "Q23,sampah,a\0b,106.93,-6.25,2015-11-11,,": "NUL",
}


def test_bad_rows_go_to_the_rejects_file_with_their_reasons_and_the_rest_in(tmp_path: Path, settings: Any) -> None:
    settings.LANGUAGE_CODE = "en"
    path = write(tmp_path / "a.csv", HEADER, GOOD, *BAD, GOOD.replace("Q1", "Q99"))
    rejects = tmp_path / "bad.csv"
    assert run(path, "--rejects", str(rejects)) == f"read {len(BAD) + 2}: stored 2, repeated 0, rejected {len(BAD)}"
    with rejects.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["row"] for row in rows] == [str(number) for number in range(2, len(BAD) + 2)]
    for row, reason in zip(rows, BAD.values(), strict=True):
        assert reason in row["reason"]
    assert rows[0]["external_id"] == "Q10"
    assert rows[0]["lon"] == "106.93"
    assert rejects.stat().st_mode & 0o777 == 0o600


def test_row_that_is_not_utf8_is_refused_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(
        f"{HEADER}\n{GOOD}\n".encode() + GOOD.replace("Q1", "Q2").replace("Bau", "B\xe9u").encode("latin-1")
    )
    assert run(path) == "read 2: stored 1, repeated 0, rejected 1"


def test_quote_that_is_never_closed_does_not_take_the_file_into_memory(tmp_path: Path) -> None:
    lines = [
        GOOD,
        'Q3,sampah,"never closed,106.93,-6.25,2015-11-11,,',
        *[GOOD.replace("Q1", f"R{i}") for i in range(5000)],
    ]
    path = write(tmp_path / "a.csv", HEADER, *lines)
    found = re.fullmatch(r"read (\d+): stored (\d+), repeated 0, rejected (\d+)", run(path))
    assert found
    read, stored, rejected = map(int, found.groups())
    assert read == stored + rejected
    assert rejected >= 1
    assert stored > 1000


def test_place_outside_every_area_is_kept_and_so_is_a_row_without_a_place(tmp_path: Path) -> None:
    rows = ["Q1,sampah,x,108.1,-6.25,2015-11-11,,", "Q2,sampah,x,,,2015-11-11,,"]
    assert run(write(tmp_path / "a.csv", HEADER, *rows)) == "read 2: stored 2, repeated 0, rejected 0"
    assert list(Report.objects.order_by("external_id").values_list("location_flag", flat=True)) == ["outside", "none"]


def test_columns_are_mapped_and_categories_known_by_name_or_by_a_file(tmp_path: Path) -> None:
    names = write(tmp_path / "names.csv", "Sampah Liar,sampah")
    path = write(
        tmp_path / "a.csv",
        "nomor;jenis;bujur;lintang;waktu",
        "1;RUBBISH;106,93;-6,25;11/11/2015 07.30",
        "2; sampah  liar ;106,93;-6,25;11/11/2015 07.30",
    )
    mapped = "external_id=nomor,category=jenis,lon=bujur,lat=lintang,reported_at=waktu"
    args = ["--map", mapped, "--time-format", "%d/%m/%Y %H.%M", "--categories", str(names), "--tz", "Asia/Makassar"]
    assert run(path, *args) == "read 2: stored 2, repeated 0, rejected 0"
    assert Report.objects.first().reported_at == datetime(2015, 11, 10, 23, 30, tzinfo=UTC)


def feature(number: int, **more: Any) -> dict[str, Any]:
    return {
        "type": "Feature",
        "id": number,
        "geometry": {"type": "Point", "coordinates": [106.93, -6.25]},
        "properties": {"category": "sampah", "reported_at": "2015-11-11T07:00:00+07:00", "description": "é"},
        **more,
    }


def test_geojson_comes_as_a_collection_or_line_by_line_plain_or_gzipped(tmp_path: Path) -> None:
    collection = {"type": "FeatureCollection", "name": "x", "features": [feature(1), feature(2)]}
    (tmp_path / "a.geojson").write_text(json.dumps(collection, indent=1))
    with gzip.open(tmp_path / "b.geojson.gz", "wt") as file:
        json.dump(collection, file)
    (tmp_path / "c.geojsonl").write_text("\n".join(json.dumps(feature(number)) for number in (2, 3)))
    (tmp_path / "d.json").write_text("".join("\x1e" + json.dumps(feature(number)) + "\n" for number in (3, 4)))
    assert run(tmp_path / "a.geojson") == "read 2: stored 2, repeated 0, rejected 0"
    assert run(tmp_path / "b.geojson.gz") == "read 2: stored 0, repeated 2, rejected 0"
    assert run(tmp_path / "c.geojsonl") == "read 2: stored 1, repeated 1, rejected 0"
    assert run(tmp_path / "d.json") == "read 2: stored 1, repeated 1, rejected 0"


def test_features_that_are_no_points_are_refused_alone(tmp_path: Path) -> None:
    bad = [
        feature(2, geometry={"type": "LineString", "coordinates": [[1, 2], [3, 4]]}),
        feature(3, geometry={"type": "Point", "coordinates": []}),
        feature(4, geometry={"type": "Point", "coordinates": [[1], {"a": 2}]}),
        {"type": "Nothing"},
        feature(5, properties=None),
    ]
    path = tmp_path / "a.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [feature(1), *bad, 7]}))
    assert run(path) == "read 7: stored 1, repeated 0, rejected 6"
    assert len(Path(f"{path}.rejects.csv").read_text().splitlines()) == 7


def test_geojson_that_breaks_off_is_said_and_what_came_before_stays(tmp_path: Path) -> None:
    features = ",".join(json.dumps(feature(number)) for number in range(300))
    (tmp_path / "a.geojson").write_text('{"type": "FeatureCollection", "features": [' + features + ',{"type": "Feat')
    with pytest.raises(CommandError, match="not whole JSON"):
        run(tmp_path / "a.geojson")
    assert Report.objects.count() == 300


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["--channel", "nobody"], "no channel"),
        (["--map", "lon"], "FIELD=COLUMN"),
        (["--map", "lon=nowhere"], "no column"),
        (["--map", "colour=lon"], "FIELD=COLUMN"),
        (["--tz", "Mars"], "time zone"),
        (["--city", "x"], "no city"),
    ],
)
def test_wrong_argument_is_said_in_a_sentence(tmp_path: Path, args: list[str], says: str) -> None:
    with pytest.raises(CommandError, match=says):
        run(write(tmp_path / "a.csv", HEADER, GOOD), *args)


def test_wrong_file_is_said_in_a_sentence(tmp_path: Path) -> None:
    for path in (
        tmp_path / "missing.csv",
        write(tmp_path / "a.xlsx", "x"),
        write(tmp_path / "empty.csv", ""),
        write(tmp_path / "twice.csv", "lon,lon"),
        write(tmp_path / "short.csv", "lon,lat", "1,2"),
    ):
        with pytest.raises(CommandError):
            run(path)


def test_texts_arrive_as_they_are_whatever_characters_they_hold() -> None:
    texts = ['say "no"', "back\\slash \\", "{a,b}", "NULL", "", "line\nline", "é 😀", "it's 100% %(x)s", '","']
    rows = [
        {"external_id": str(i), "category": "sampah", "description": text, "reported_at": "2020-01-01", "name": text}
        for i, text in enumerate(texts)
    ]
    assert import_rows(rows, channel=make_channel()).stored == 9
    assert list(Report.objects.order_by("id").values_list("description", flat=True)) == texts
    named = ReportContact.objects.order_by("report_id").values_list("name", flat=True)
    assert list(named) == [text for text in texts if text]


def test_reporter_is_masked_in_the_text_and_the_place_where_the_category_hides_it() -> None:
    row = {
        "description": "Saya Siti Aminah, di -6.25123, 106.93456",
        "reported_at": "2020-01-01",
        "name": "Siti Aminah",
    }
    rows = [{**row, "external_id": slug, "category": slug} for slug in ("sampah", "kekerasan")]
    import_rows(rows, channel=make_channel())
    assert list(Report.objects.order_by("id").values_list("public_description", flat=True)) == [
        "Saya [nama], di -6.25123, 106.93456",
        "Saya [nama], di [tempat]",
    ]


def numbered_rows(count: int) -> list[dict[str, Any]]:
    row = {"category": "sampah", "lon": 106.93, "lat": -6.25, "reported_at": "2020-01-01"}
    return [{**row, "external_id": f"r{i}", "description": f"Nomor {i}"} for i in range(count)]


@pytest.mark.django_db(transaction=True)
def test_several_connections_store_what_one_does_and_the_first_row_of_an_id_wins() -> None:
    rows = numbered_rows(400)
    # In the chunk after it, in a later one, and both ways round in neighbours, where two writers would wait for each other.
    rows[15]["external_id"] = rows[5]["external_id"]
    rows[120]["external_id"] = rows[20]["external_id"]
    rows[40]["external_id"], rows[41]["external_id"] = "r31", "r30"
    rejected: list[int] = []
    rows[7]["category"] = rows[205]["category"] = "nothing"
    summary = import_rows(
        rows,
        channel=make_channel(),
        chunk_size=10,
        connections=3,
        on_reject=lambda given: rejected.append(given.number),
    )
    assert (summary.read, summary.stored, summary.repeated, summary.rejected) == (400, 394, 4, 2)
    assert rejected == [8, 206]
    firsts = Report.objects.filter(external_id__in=["r5", "r20", "r30", "r31"]).order_by("external_id")
    assert list(firsts.values_list("description", flat=True)) == ["Nomor 20", "Nomor 30", "Nomor 31", "Nomor 5"]


@pytest.mark.django_db(transaction=True)
def test_hook_runs_in_the_transaction_of_its_chunk_and_its_error_ends_the_import() -> None:
    def break_off(stored: list[tuple[int, Any]]) -> None:
        assert Report.objects.filter(pk__in=[pk for pk, _row in stored]).count() == 10
        if any(row["external_id"] == "r25" for _pk, row in stored):
            raise RuntimeError("no more")

    with pytest.raises(RuntimeError, match="no more"):
        import_rows(numbered_rows(1000), channel=make_channel(), chunk_size=10, connections=2, on_stored=break_off)
    stored = set(Report.objects.values_list("external_id", flat=True))
    assert {"r0", "r19"} <= stored
    assert not {f"r{i}" for i in range(20, 30)} & stored
    assert len(stored) < 100


def test_inside_a_transaction_its_own_connection_stores_everything() -> None:
    assert import_rows(numbered_rows(30), channel=make_channel(), chunk_size=10, connections=3).stored == 30


def test_point_on_a_border_lies_in_the_area_with_the_lowest_code_as_the_database_says() -> None:
    # The corner of four subdistricts' neighbours: 106.95 parts kota-uji.1.1 from kota-uji.1.2, 107.0 district 1 from 2.
    places = [(106.95, -6.25), (107.0, -6.25), (106.9, -6.3), (107.1, -6.2), (106.96, -6.25), (107.2, -6.25)]
    rows = [
        {"external_id": str(i), "category": "sampah", "lon": lon, "lat": lat, "reported_at": "2020-01-01"}
        for i, (lon, lat) in enumerate(places)
    ]
    import_rows(rows, channel=make_channel())
    assert list(Report.objects.order_by("id").values_list("area__code", flat=True)) == [
        "kota-uji.1.1",
        "kota-uji.1.2",
        "kota-uji.1.1",
        "kota-uji.2.2",
        "kota-uji.1.2",
        None,
    ]
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM geo_report WHERE area_id IS DISTINCT FROM geo_area_at(location)")
        assert cursor.fetchone() == (0,)


def test_rows_may_come_from_the_program_itself() -> None:
    rows = [
        {
            "external_id": "a",
            "category": "sampah",
            "lon": 106.93,
            "lat": -6.25,
            "reported_at": datetime(2020, 1, 1, tzinfo=UTC),
        }
    ]
    summary = import_rows(rows, channel=make_channel("simulator", is_simulated=True))
    assert (summary.read, summary.stored) == (1, 1)
    assert Report.objects.get().channel.is_simulated


def test_importing_asks_the_database_a_few_times_per_chunk_and_not_per_row(django_assert_max_num_queries: Any) -> None:
    rows = [
        {
            "category": "sampah",
            "lon": 106.93,
            "lat": -6.25,
            "reported_at": "2020-01-01",
            "description": str(i),
            "name": "x",
        }
        for i in range(3000)
    ]
    with django_assert_max_num_queries(20):
        assert import_rows(rows, channel=make_channel()).stored == 3000


def test_hundred_thousand_rows_import_in_the_memory_of_a_chunk(tmp_path: Path) -> None:
    from tqdm import tqdm

    rng = random.Random(1)
    path = tmp_path / "large.csv.gz"
    with gzip.open(path, "wt", compresslevel=1) as file:
        file.write("external_id,category,description,lon,lat,reported_at\n")
        for i in range(100_000):
            lon, lat = 106.9 + 0.2 * rng.random(), -6.3 + 0.1 * rng.random()
            file.write(f"{i},sampah,Sampah menumpuk di depan rumah nomor {i},{lon:.6f},{lat:.6f},2015-12-01 07:00:00\n")
    seen: list[int] = []

    class Watched(tqdm):  # type: ignore[type-arg]
        def update(self, n: float | None = 1) -> bool | None:
            seen.append(_resident_kb())
            return super().update(n)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("geo.management.commands.import_reports.tqdm", Watched)
        assert run(path) == "read 100000: stored 100000, repeated 0, rejected 0"
    assert len(seen) > 100
    # After the first ten thousand rows nothing more is held: 20 MB are the allocator's freedom; the rows are 9 MB of text
    # and would be over 100 MB as Python's objects.
    assert max(seen[20:]) - max(seen[:20]) < 20_000
    assert Report.objects.filter(area=None).count() == 0


def _resident_kb() -> int:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1024
