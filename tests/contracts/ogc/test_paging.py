"""Pages: the union is each feature exactly once, whatever happens meanwhile; order, offset, and what a next link keeps."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from django.db import connection
from django.test import Client

from geo.areas.models import City
from geo.models import Report
from tests.contracts.ogc.asking import (
    COLLECTIONS,
    CRS84,
    EPSG_3857,
    NEEDS,
    ask,
    ids,
    items,
    items_path,
    link_of,
    links_of,
    pages,
    refused,
    report_ids,
)
from tests.factories import make_agency, make_category, make_report

pytestmark = pytest.mark.usefixtures("town")
SORTS = [
    "reported_at",
    "-reported_at",
    "closed_at",
    "-closed_at",
    "agency,-reported_at",
    "-agency,status",
    "support_count,-id",
    "-support_count,category,-closed_at",
    "is_simulated,status",
]
COLUMNS = {
    "reported_at": "r.reported_at",
    "closed_at": "r.closed_at",
    "agency": "ag.slug",
    "status": "r.status",
    "support_count": "r.support_count",
    "id": "r.public_id",
    "category": "c.slug",
    "is_simulated": "ch.is_simulated",
}
MOMENT = datetime(2026, 2, 1, tzinfo=UTC)


@pytest.fixture
def many(town: City) -> None:
    """Twenty-four more reports: ties in every property, and nulls in some."""
    for i in range(24):
        make_report(
            reported_at=MOMENT + timedelta(hours=i // 3),
            status=("submitted", "in_progress", "resolved")[i % 3],
            closed_at=MOMENT + timedelta(days=i // 6) if i % 3 == 2 else None,
            support_count=i % 4,
            category=make_category(("sampah", "banjir")[i % 2]),
        )


def in_order(sortby: str) -> list[str]:
    """Ids in the order that SQL gives; the newest report first among equals, rows without a value last."""
    terms = []
    for part in sortby.split(","):
        terms.append(f"{COLUMNS[part.lstrip('-')]} {'DESC' if part.startswith('-') else 'ASC'} NULLS LAST")
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT r.public_id FROM geo_report r JOIN geo_category c ON c.id = r.category_id"
            " JOIN geo_channel ch ON ch.id = r.channel_id LEFT JOIN geo_agency ag ON ag.id = r.agency_id"
            f" WHERE r.is_public AND r.public_location IS NOT NULL ORDER BY {', '.join(terms)}, r.id DESC"
        )
        return [row[0] for row in cursor.fetchall()]


def walk(client: Client, params: dict[str, str]) -> Iterator[list[str]]:
    for page in pages(client, items_path("reports"), params):
        yield ids(page)


@pytest.mark.usefixtures("many")
@pytest.mark.parametrize("sortby", SORTS)
def test_sortby_orders_as_sql_does_with_missing_values_last(client: Client, sortby: str) -> None:
    wanted = in_order(sortby)
    assert report_ids(client, {"sortby": sortby}) == wanted
    assert [fid for page in walk(client, {"sortby": sortby, "limit": "4"}) for fid in page] == wanted


@pytest.mark.usefixtures("many")
def test_a_plus_before_a_property_is_ascending_escaped_or_not(client: Client) -> None:
    wanted = in_order("reported_at")
    assert report_ids(client, {"sortby": "+reported_at"}) == wanted
    assert ids(ask(client, f"{items_path('reports')}?sortby=+reported_at")) == wanted
    assert report_ids(client, {"sortby": "+status,-reported_at"}) == in_order("status,-reported_at")


@pytest.mark.usefixtures("many")
@pytest.mark.parametrize("params", [{}, *({"sortby": sortby} for sortby in SORTS)], ids=["own order", *SORTS])
@pytest.mark.parametrize("limit", ["3", "11"])
def test_the_union_of_pages_holds_each_feature_once_while_others_arrive(
    client: Client, params: dict[str, str], limit: str
) -> None:
    """With eleven a page the first one also moves rows to its front, so that each property shows a value there."""
    before = set(report_ids(client))
    seen: list[str] = []
    for i, page in enumerate(walk(client, {**params, "limit": limit})):
        seen += page
        assert i < 40, "the pages do not come to an end"
        # One that sorts early and one that sorts late, by whichever property.
        make_report(reported_at=MOMENT - timedelta(days=i), status="assigned", closed_at=MOMENT - timedelta(days=9))
        make_report(reported_at=MOMENT + timedelta(days=20, hours=i), status="waiting", support_count=9)
    assert len(seen) == len(set(seen))
    assert before <= set(seen)


@pytest.mark.usefixtures("many")
def test_the_rows_moved_to_the_front_come_once_and_show_a_value_of_each_property(client: Client) -> None:
    """QGIS 3.22 takes fields and types from the first ten features; the agency is known of two of the oldest alone."""
    Report.objects.update(agency=None)
    make_agency(Report.objects.earliest("id").city, "dlh")
    oldest = Report.objects.order_by("id")[:1].get()
    Report.objects.filter(pk=oldest.pk).update(agency_id=oldest.city.agencies.get(slug="dlh").pk)
    got = list(pages(client, items_path("reports"), {"limit": "10"}))
    everything = [fid for page in got for fid in ids(page)]
    assert len(everything) == len(set(everything)) == 30
    first_ten = got[0]["features"]
    for name in ("agency", "closed_at", "status", "area"):
        assert any(feature["properties"][name] is not None for feature in first_ten), name


@pytest.mark.usefixtures("many")
def test_a_feature_that_goes_away_shifts_no_other(client: Client) -> None:
    before = report_ids(client)
    seen: list[str] = []
    for page in walk(client, {"limit": "5"}):
        seen += page
        Report.objects.filter(public_id__in=page[:2]).update(is_public=False)
    assert seen == before


@pytest.mark.usefixtures("many")
def test_number_matched_is_that_of_the_first_page_on_all_of_them(client: Client) -> None:
    counts = []
    for page in pages(client, items_path("reports"), {"limit": "10"}):
        counts.append((page["numberMatched"], page["numberReturned"]))
        make_report()
    assert counts == [(30, 10), (30, 10), (30, 10)]


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_pages_of_one_give_what_one_page_gives(client: Client, collection: str) -> None:
    whole = ids(items(client, collection))
    needs = NEEDS.get(collection, {})
    got = list(pages(client, items_path(collection), {**needs, "limit": "1"}))
    assert [fid for page in got for fid in ids(page)] == whole
    assert not links_of(got[-1], "next")
    assert all(link_of(page, "next").startswith("http://testserver/") for page in got[:-1])


@pytest.mark.parametrize("sortby", ["", "status", "-reported_at"])
def test_offset_passes_over_rows_of_the_same_order(client: Client, sortby: str) -> None:
    """ArcGIS pages by offset alone."""
    order = {"sortby": sortby} if sortby else {}
    whole = report_ids(client, order)
    for offset in range(8):
        answer = items(client, "reports", {**order, "offset": str(offset), "limit": "2"})
        assert ids(answer) == whole[offset : offset + 2]
        assert answer["numberMatched"] == 6
    rest = [fid for page in walk(client, {**order, "offset": "1", "limit": "2"}) for fid in page]
    assert rest == whole[1:]


def test_an_offset_of_nothing_is_the_first_page(client: Client) -> None:
    assert report_ids(client, {"offset": "0"}) == report_ids(client)
    assert items(client, "reports", {"offset": "1000000"})["features"] == []


def test_a_next_link_keeps_every_parameter(client: Client) -> None:
    given = {
        "limit": "1",
        "bbox": "11000000,-800000,12000000,-600000",
        "bbox-crs": EPSG_3857,
        "crs": EPSG_3857,
        "datetime": "2026-02-01/..",
        "filter": "support_count >= 0 AND description LIKE '%a+b%' OR kind = 'laporan'",
        "filter-lang": "cql2-text",
        "filter-crs": CRS84,
        "sortby": "+status,-reported_at",
        "properties": "status,id",
        "skipGeometry": "true",
        "category": "sampah",
        "is_simulated": "false",
        "city": "kota-uji",
        "lang": "en",
    }
    first = items(client, "reports", given)
    assert first["numberMatched"] == 2
    query = dict(parse_qsl(urlsplit(link_of(first, "next")).query, strict_parsing=True))
    assert query.pop("next")
    assert query == given
    second = ask(client, link_of(first, "next"))
    assert len(second["features"]) == 1
    assert set(second["features"][0]["properties"]) == {"status", "id"}
    assert ids(second) != ids(first)


def test_a_token_answers_its_own_list_in_its_own_order_alone(client: Client) -> None:
    link = link_of(items(client, "reports", {"limit": "1"}), "next")
    token = dict(parse_qsl(urlsplit(link).query))["next"]
    assert refused(client, items_path("sensors"), {"next": token}) == "next"
    assert refused(client, items_path("reports"), {"next": token, "sortby": "status"}) == "next"
    assert refused(client, items_path("reports"), {"next": token[:-2]}) == "next"
    assert refused(client, items_path("reports"), {"next": token, "offset": "1"}) in ("offset", "next")


def test_a_page_without_a_limit_holds_a_thousand(client: Client) -> None:
    """What the definition's `components.parameters.limit` says to QGIS."""
    kept: Any = Report.objects.order_by("id").first()
    Report.objects.bulk_create(
        Report(
            **{
                field.attname: getattr(kept, field.attname)
                for field in Report._meta.concrete_fields
                if field.name not in ("id", "public_id", "external_id")
            }
        )
        for _ in range(1001)
    )
    answer = items(client, "reports", {"skipGeometry": "true", "properties": "id"})
    assert (answer["numberReturned"], answer["numberMatched"]) == (1000, 1007)
    assert len(list(pages(client, items_path("reports"), {"properties": "id"}))) == 2
