"""`/api/datastreams/` and their observations: raw, by hour, by day."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.conf import settings
from django.db import connection
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from sensors.api.serializers import DatastreamSerializer, ObservationPageSerializer, UnitSerializer
from sensors.api.views import EXERCISE, PAGE_PARAMETERS, OpenView, SensorProblemSerializer, parameter, wants_exercise
from sensors.observations.archive_restore import archived_months
from sensors.observations.columns import FLAG_NAMES, quality_words
from sensors.observations.models import TimeSource
from sensors.registry.models import Datastream, ObservedProperty, Thing
from server.core.errors import BadParameter, NotFound
from server.core.listing import PAGING, next_link, page_of, read_query
from server.core.params import day_start, parse_choice, parse_time
from server.core.sql import load_queries

QUERIES = load_queries(Path(__file__).with_name("queries.sql"))
KIND = "datastreams"
RESOLUTIONS = ("raw", "hour", "day")
MAX_OBSERVATIONS = 10_000
# The bounds of an open interval. Observations before 1990 or more than a day ahead are never stored.
BEGINNING, END = datetime(1970, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)


class DatastreamPageSerializer(serializers.Serializer[Any]):
    next = serializers.URLField(allow_null=True)
    results = DatastreamSerializer(many=True)


class DatastreamsView(OpenView):
    @extend_schema(
        operation_id="datastreams_list",
        parameters=[
            parameter("thing", "Slug of a thing."),
            parameter("property", "Code of an observed property."),
            EXERCISE,
            *PAGE_PARAMETERS,
        ],
        responses={200: DatastreamPageSerializer, 400: SensorProblemSerializer},
    )
    def get(self, request: Request) -> Response:
        """The datastreams: what each thing measures, in which unit."""
        values = read_query(request.query_params, ["thing", "property", "exercise", *PAGING])
        limit, after = page_of(values, KIND)
        found = Datastream.objects.filter(thing__is_exercise=wants_exercise(values)).order_by("id")
        found = found.select_related("thing", "observed_property", "sensor")
        if "thing" in values:
            if not Thing.objects.filter(slug=values["thing"]).exists():
                raise BadParameter("thing", f"there is no thing {values['thing']!r}; /api/things/ lists them")
            found = found.filter(thing__slug=values["thing"])
        if "property" in values:
            codes = ObservedProperty.objects.order_by("code").values_list("code", flat=True)
            found = found.filter(observed_property__code=parse_choice(values["property"], "property", codes))
        if after is not None:
            found = found.filter(id__gt=after)
        page = list(found[: limit + 1])
        following = next_link(request, KIND, page[limit - 1].pk) if len(page) > limit else None
        return Response({"next": following, "results": DatastreamSerializer(page[:limit], many=True).data})


@dataclass(frozen=True, slots=True)
class Series:
    """Which observations of one datastream are asked for; half-open, in UTC."""

    datastream_id: int
    resolution: str
    zone: ZoneInfo
    start: datetime
    end: datetime
    limit: int
    # None: any quality; 0: good alone; else those that have one of these flags.
    flags: int | None = None

    @property
    def list_name(self) -> str:
        """What a page token belongs to: a token of hours is no position among days."""
        return f"observations:{self.datastream_id}:{self.resolution}:{self.zone.key}"


class ObservationsView(OpenView):
    @extend_schema(
        operation_id="datastreams_observations",
        parameters=[
            parameter("start", "From this time or day on (included)."),
            parameter("end", "To this time (excluded), or to the end of this day."),
            parameter("resolution", "raw (the default), hour or day."),
            parameter(
                "quality",
                "Of raw observations: any (the default), good, flagged, or flags with commas between (implausible, rate, stuck, "
                "spike, doubted): those that have one of them. Hours and days are made of good ones, and of those whose flags "
                "the datastream counts nevertheless (`counted_flags`).",
            ),
            parameter("tz", "Whose days are meant, by IANA name; the installation's unless said otherwise."),
            *PAGE_PARAMETERS,
        ],
        responses={200: ObservationPageSerializer, 400: SensorProblemSerializer, 404: SensorProblemSerializer},
    )
    def get(self, request: Request, datastream_id: int) -> Response:
        """The observations of a datastream in order of time; by hour and day the good ones, summed up."""
        datastream = Datastream.objects.filter(pk=datastream_id).first() if datastream_id < 2**63 else None
        if datastream is None:
            raise NotFound(_("There is no such datastream."))
        series = _series(request, datastream_id)
        rows = _fetch(series)
        following = None
        if len(rows) > series.limit:
            following = next_link(request, series.list_name, rows[series.limit][0].isoformat())
        shape = _observation if series.resolution == "raw" else _interval
        return Response(
            {
                "datastream": datastream.pk,
                "unit_of_measurement": UnitSerializer(datastream).data,
                "resolution": series.resolution,
                "time_zone": series.zone.key,
                "archived_months": [f"{month:%Y-%m}" for month in archived_months(datastream.pk)],
                "next": following,
                "results": [shape(row, series.zone) for row in rows[: series.limit]],
            }
        )


def _series(request: Request, datastream_id: int) -> Series:
    values = read_query(request.query_params, ["start", "end", "resolution", "quality", "tz", *PAGING])
    resolution = parse_choice(values.get("resolution", "raw"), "resolution", RESOLUTIONS)
    flags = _flags(values.get("quality", "any"), resolution)
    zone = _zone(values.get("tz", settings.DEFAULT_TIME_ZONE))
    start = parse_time(values["start"], "start", zone) if "start" in values else BEGINNING
    end = parse_time(values["end"], "end", zone, end=True) if "end" in values else END
    if start >= end:
        raise BadParameter("end", "the period ends before it starts")
    if resolution == "day":
        # Whole days: half a day's sum beside whole ones would mislead.
        start = max(day_start(start, zone), BEGINNING)
        end = min(day_start(day_start(end - timedelta(microseconds=1), zone) + timedelta(hours=36), zone), END)
    elif resolution == "hour":
        start = start.replace(minute=0, second=0, microsecond=0)
    series = Series(datastream_id, resolution, zone, start, end, 0)
    limit, first = page_of(values, series.list_name, maximum=MAX_OBSERVATIONS)
    # The token names the first row of its page, so that nothing is skipped where times lie close together.
    first_at = datetime.fromisoformat(first) if first is not None else start
    return Series(datastream_id, resolution, zone, max(start, first_at), end, limit, flags)


def _flags(text: str, resolution: str) -> int | None:
    if text == "any":
        return None
    if resolution != "raw":
        raise BadParameter("quality", "quality is of raw observations; an hour and a day are made of good ones")
    masks = {name: flag for flag, name in FLAG_NAMES.items()} | {"good": 0, "flagged": sum(FLAG_NAMES)}
    words = [parse_choice(word.strip(), "quality", ["any", *masks]) for word in text.split(",")]
    if len(words) > 1 and not {*words} <= {*FLAG_NAMES.values()}:
        raise BadParameter("quality", "any, good and flagged stand alone")
    return sum(masks[word] for word in {*words})


def _zone(name: str) -> ZoneInfo:
    try:
        zone = ZoneInfo(name)
        offset = datetime.now(zone).utcoffset()
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise BadParameter("tz", f"there is no time zone {name!r}; take a name such as Asia/Jakarta") from None
    if offset is not None and offset % timedelta(hours=1):
        raise BadParameter("tz", f"{name} is not whole hours from UTC, so that its days are not made of whole hours")
    return zone


def _fetch(series: Series) -> list[tuple[Any, ...]]:
    """One row more than the limit where there is one: the first of the next page."""
    with connection.cursor() as cursor:
        cursor.execute(
            getattr(QUERIES, series.resolution),
            {
                "datastream_id": series.datastream_id,
                "start": series.start,
                "end": series.end,
                "zone": series.zone.key,
                "limit": series.limit + 1,
                "flags": series.flags,
            },
        )
        return list(cursor.fetchall())


def _observation(row: tuple[Any, ...], zone: ZoneInfo) -> dict[str, Any]:
    phenomenon_time, result, quality, time_source = row
    return {
        "phenomenon_time": _iso(phenomenon_time),
        "result": result,
        "quality": quality_words(quality),
        "time_source": TimeSource(time_source).name.lower(),
    }


def _interval(row: tuple[Any, ...], zone: ZoneInfo) -> dict[str, Any]:
    start, n, mean, total, least, greatest = row
    local = start.astimezone(zone).isoformat()
    return {"start": local, "n": n, "mean": mean, "sum": total, "min": least, "max": greatest}


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
