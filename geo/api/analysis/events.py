"""`/api/analysis/events/`: reports around a thing when its readings cross a threshold, as JSON, CSV and a picture."""

import csv
from collections.abc import Mapping
from io import StringIO
from typing import Any, ClassVar

from django.http import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from geo.api.analysis.documents import CSV, JSON, PNG, DocumentView, Form, analysis_parameters
from geo.api.reports import PROBLEM
from geo.layers.analyses.events import EVENTS

COLUMNS = ("hour", "mean", "expected", "low", "high", "band_low", "band_high")
_NUMBER, _WHOLE, _TEXT = {"type": "number"}, {"type": "integer"}, {"type": "string"}
_NUMBER_OR_NULL = {"type": "number", "nullable": True}
_TIME = {"type": "string", "format": "date-time"}


def _object(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


def _list(of: Mapping[str, Any], description: str) -> dict[str, Any]:
    return {"type": "array", "items": of, "description": description}


DOCUMENT = _object(
    analysis=_TEXT,
    as_of=_TIME,
    data_version=_WHOLE,
    parameters={"type": "object", "additionalProperties": {}},
    thing=_object(slug=_TEXT, name=_TEXT),
    property=_object(code=_TEXT, name_id=_TEXT, name_en=_TEXT),
    unit={"type": "string", "description": "UCUM; of the threshold and the peaks."},
    threshold=_NUMBER,
    radius_m=_NUMBER,
    before=_WHOLE,
    after=_WHOLE,
    quiet_h=_WHOLE,
    time_zone=_TEXT,
    caveat=_TEXT,
    reason={
        "type": "string",
        "nullable": True,
        "description": "Why there is no comparison: no_readings, too_few_events, too_many_events, too_few_free_days, "
        "no_reports, no_location.",
    },
    location=_object(lon=_NUMBER, lat=_NUMBER, since={**_TIME, "nullable": True}),
    start=_TIME,
    end=_TIME,
    hours=_WHOLE,
    hours_with_readings=_WHOLE,
    reports=_WHOLE,
    crossings=_list(
        _object(
            time=_TIME,
            peak=_NUMBER,
            is_used={"type": "boolean"},
            reports_after={
                "type": "integer",
                "nullable": True,
                "description": "Reports in the hours 0 to `after`; null where the event is not used.",
            },
        ),
        "Every event of the period.",
    ),
    events={"type": "integer", "description": "How many are used: their hours before and after lie in the period."},
    free_days={"type": "integer", "description": "The fewest ordinary days that any event is compared with."},
    permutations=_WHOLE,
    course=_list(
        _object(hour=_WHOLE, **dict.fromkeys(COLUMNS[1:], _NUMBER_OR_NULL)),
        "Reports per event in each hour: low and high hold 95 % of draws at that hour, the band 95 % of whole courses.",
    ),
    total_after=_object(
        **dict.fromkeys(("mean", "expected", "p_value", "ratio", "ratio_low", "ratio_high"), _NUMBER_OR_NULL)
    ),
)


def course_csv(document: Mapping[str, Any]) -> bytes:
    """A line per hour; what does not exist is empty."""
    text = StringIO()
    lines = csv.DictWriter(text, COLUMNS, lineterminator="\r\n")
    lines.writeheader()
    lines.writerows(document.get("course", ()))
    return text.getvalue().encode()


def as_picture(document: Mapping[str, Any]) -> bytes:
    # matplotlib is large, and most processes never draw.
    from geo.api.analysis.events_picture import draw_events

    return draw_events(document)


class EventsView(DocumentView):
    analysis = EVENTS
    forms: ClassVar[Mapping[str, Form]] = {"csv": Form(CSV, course_csv), "png": Form(PNG, as_picture)}

    @extend_schema(
        operation_id="analysis_events",
        parameters=analysis_parameters(EVENTS, forms),
        responses={
            (200, JSON): DOCUMENT,
            (200, CSV): OpenApiTypes.STR,
            (200, PNG): OpenApiTypes.BINARY,
            400: PROBLEM,
            404: PROBLEM,
            503: PROBLEM,
        },
    )
    def get(self, request: Request) -> HttpResponseBase:
        """How reports near a thing run in the hours before and after its readings reach a threshold.

        Superposed epochs, against the same hours of other days; 95 % bands, and a p-value for the total of the hours after.
        """
        return self.answer(request)
