"""Bekasi with 20,500 reports on the map and a reading of its sensors: what the clients are shown.

    python -m tests.clients.city_data        fills the database that DATABASE_URL names

Everything follows from a report's number i (public id r00001 … r20700), so that expected counts can be worked by hand:

  1 … 20,000    in the first 50 kelurahan by code, 400 in each
  … 20,500      outside every area, on a grid of 25 x 20 points, 0.001 degrees apart, from (107.2, -6.1); the newest ones,
                so that what clients see first has no area, no agency and was never closed
  … 20,600      not public; … 20,700 without a place: none of these is on the map
  category      sampah, banjir, lampu-jalan, jalan-rusak for i % 4 = 0, 1, 2, 3
  status        resolved for i % 5 = 4, in_progress for 3, else submitted
  closed_at     a day after reported_at where resolved and i <= 20,000; else null
  agency        null for i % 10 = 0 and above 20,000; else dlh
  channel       qlue for odd i, web for even; support_count i % 7
  reported_at   2026-01-01T00:00Z and i times 10 minutes; r00001 half a second later
"""

from datetime import UTC, date, datetime, timedelta
from typing import Any

# The session of a planner of Bekasi, as the cookie sessionid.
SESSION = "planner0of0bekasi0for0client0tst"
# Saved analyses: hotspots of flooding reports over the twelve districts. One goes with the data and is listed; one is frozen
# and for staff of the city.
PUBLIC_ANALYSIS, CITY_ANALYSIS = "titik-panas-banjir", "titik-panas-banjir-2026"
# What clients ask of computed layers by their address, beside what the layers have without any parameter.
FLOODS = {"category": "banjir", "start": "2026-01-01", "end": "2026-06-01"}
ASKED = (
    ("hotspots", {**FLOODS, "level": "kelurahan", "permutations": "99"}),
    ("hotspots", {**FLOODS, "cell_m": "2000", "permutations": "99"}),
    ("surface", {**FLOODS, "bandwidth_m": "1000", "cell_m": "500"}),
)

FILL = """
WITH kelurahan AS (
    SELECT a.boundary, row_number() OVER (ORDER BY a.code) AS k
    FROM geo_area a JOIN geo_arealevel l ON l.id = a.level_id WHERE l.code = 'kelurahan'
), inside AS (
    SELECT (k - 1) * 400 + (d.path)[1] AS i, d.geom
    FROM kelurahan, ST_Dump(ST_GeneratePoints(boundary, 400, k::integer)) d WHERE k <= 50
), outside AS (
    SELECT 20001 + n AS i, ST_SetSRID(ST_MakePoint(107.2 + (n % 25) * 0.001, -6.1 + (n / 25) * 0.001), 4326) AS geom
    FROM generate_series(0, 699) n
)
INSERT INTO geo_report (public_id, city_id, channel_id, kind, category_id, agency_id, description, public_description,
                        location, public_location, location_flag, reported_at, received_at, updated_at, closed_at,
                        status, is_public, support_count)
SELECT 'r' || lpad(i::text, 5, '0'), city.id, ch.id, CASE WHEN i % 3 = 0 THEN 'aspirasi' ELSE 'laporan' END, c.id, ag.id,
       told, told, place, place, CASE WHEN place IS NULL THEN 'none' ELSE 'outside' END,
       at, at, at, CASE WHEN i % 5 = 4 AND i <= 20000 THEN at + interval '1 day' END,
       CASE i % 5 WHEN 4 THEN 'resolved' WHEN 3 THEN 'in_progress' ELSE 'submitted' END,
       i NOT BETWEEN 20501 AND 20600, i % 7
FROM (SELECT * FROM inside UNION ALL SELECT * FROM outside) p
CROSS JOIN LATERAL (
    SELECT timestamptz '2026-01-01T00:00:00Z' + i * interval '10 minutes'
               + CASE WHEN i = 1 THEN interval '0.5 s' ELSE interval '0' END AS at,
           CASE i WHEN 20500 THEN E'Kata "banjir" \\\\ dan \\u00e9\\u4e2d,\\nlalu baris kedua' ELSE 'Laporan nomor ' || i END AS told,
           CASE WHEN i <= 20600 THEN geom END AS place
) v
CROSS JOIN geo_city city
JOIN geo_category c ON c.slug = (ARRAY['sampah', 'banjir', 'lampu-jalan', 'jalan-rusak'])[i % 4 + 1]
JOIN geo_channel ch ON ch.slug = CASE i % 2 WHEN 1 THEN 'qlue' ELSE 'web' END
LEFT JOIN geo_agency ag ON ag.slug = 'dlh' AND i % 10 <> 0 AND i <= 20000
ORDER BY i
"""
READ_AT = datetime(2026, 5, 1, tzinfo=UTC)


def fill() -> None:
    """Tables, Bekasi, its reports and one reading of each datastream: 5.0, but 7.25 of the last, and none of the first."""
    from django.core.management import call_command
    from django.db import connection

    from geo.placement.services import rebuild_placements

    call_command("migrate", verbosity=0)
    call_command("load_fixtures", verbosity=0)
    with connection.cursor() as cursor:
        cursor.execute(FILL)
    rebuild_placements()
    _read_sensors()
    _analyse()
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


def _read_sensors() -> None:
    from sensors.models import Datastream
    from sensors.observations.columns import GOOD, TIMED_BY_DEVICE, Columns
    from sensors.observations.partitions import ensure_partitions
    from sensors.observations.writer import write_observations

    _first, *middle, last = Datastream.objects.order_by("pk").values_list("pk", flat=True)
    columns = Columns()
    for datastream in middle:
        columns.append(datastream, READ_AT, 5.0, READ_AT, GOOD, TIMED_BY_DEVICE)
    columns.append(last, READ_AT, 7.25, READ_AT, GOOD, TIMED_BY_DEVICE)
    ensure_partitions({date(2026, 5, 1)})
    write_observations(columns)


def _analyse() -> None:
    """What a worker would compute, computed here: nothing works beside the service that the clients talk to."""
    from django.test.utils import override_settings

    from geo.areas.models import City
    from geo.layers.asking import parse_values
    from geo.layers.catalogue import LAYERS
    from geo.layers.layer import Query
    from geo.layers.results import current_result
    from server.core.versions import data_version

    city = City.objects.get()
    with override_settings(TASKS={"default": {"BACKEND": "django_tasks.backends.immediate.ImmediateBackend"}}):
        # GDAL asks for some features of each layer that is listed.
        now = datetime.now(UTC)
        stored = {layer.id: layer for layer in LAYERS if layer.is_stored}
        asked = [(layer_id, {}) for layer_id, layer in stored.items() if not any(p.required for p in layer.parameters)]
        for layer_id, given in (*asked, *ASKED):
            layer = stored[layer_id]
            query = Query(city, parse_values(layer, given, city, None, now), now)
            current_result(layer, query, data_version(layer.versions).number)
        _save_analyses(city, now)


def _save_analyses(city: Any, now: datetime) -> None:
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.auth.models import User
    from django.contrib.sessions.backends.db import SessionStore
    from django.contrib.sessions.models import Session

    from geo.layers.saving import freeze_analysis, result_of, save_analysis
    from geo.models import CityRole

    planner = User.objects.create(username="perencana", is_staff=True)
    CityRole.objects.create(user=planner, city=city, role="planner")
    said = {
        SESSION_KEY: str(planner.pk),
        BACKEND_SESSION_KEY: "django.contrib.auth.backends.ModelBackend",
        HASH_SESSION_KEY: planner.get_session_auth_hash(),
    }
    Session.objects.create(
        session_key=SESSION, session_data=SessionStore().encode(said), expire_date=now + timedelta(days=1)
    )
    period = {"start": "2026-01-01", "end": "2026-05-31"}
    parameters = {"level": "kecamatan", "category": "banjir", "permutations": "99", "seed": "1", **period}
    common = {"city": city, "layer_id": "hotspots", "parameters": parameters, "description": "", "refresh": "live"}
    for slug, visibility in ((PUBLIC_ANALYSIS, "public"), (CITY_ANALYSIS, "city")):
        saved = save_analysis(
            **common, slug=slug, title="Titik panas banjir", visibility=visibility, owner_id=planner.pk, now=now
        )
        result_of(saved, now)
    freeze_analysis(saved, user_id=planner.pk, now=now)


if __name__ == "__main__":
    import django

    django.setup()
    fill()
