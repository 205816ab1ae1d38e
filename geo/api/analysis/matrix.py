"""`/api/analysis/matrix/`: what goes with which complaints, as JSON, CSV and a picture."""

import csv
import io
from collections.abc import Mapping
from typing import Any, ClassVar

from django.http import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from geo.api.analysis.documents import CSV, JSON, PNG, DocumentView, Form, analysis_parameters
from geo.api.reports import PROBLEM
from geo.layers.analyses.matrix import MATRIX

COLUMNS = (
    "rank",
    "category",
    "property",
    "coefficient",
    "low",
    "high",
    "lag",
    "p_value",
    "q_value",
    "intervals",
    "effective_intervals",
    "other_coefficient",
    "other_lag",
    "reason",
)


def as_csv(document: Mapping[str, Any]) -> bytes:
    """A row per pair, the most certain first, with its coefficient at each lag at the end."""
    file = io.StringIO(newline="")
    writer = csv.writer(file)
    writer.writerow([*COLUMNS, *(f"lag_{lag}" for lag in document["lags"])])
    for rank, pair in enumerate(document["pairs"], start=1):
        row = {"rank": rank, **pair}
        writer.writerow([*(row[name] for name in COLUMNS), *pair["by_lag"]])
    return file.getvalue().encode()


def as_picture(document: Mapping[str, Any]) -> bytes:
    # matplotlib is large, and most processes never draw.
    from geo.api.analysis.matrix_picture import draw_matrix

    return draw_matrix(document)


class MatrixView(DocumentView):
    analysis = MATRIX
    forms: ClassVar[Mapping[str, Form]] = {"csv": Form(CSV, as_csv), "png": Form(PNG, as_picture)}

    @extend_schema(
        operation_id="analysis_matrix",
        parameters=analysis_parameters(MATRIX, forms),
        responses={
            (200, JSON): OpenApiTypes.OBJECT,
            (200, CSV): OpenApiTypes.STR,
            (200, PNG): OpenApiTypes.BINARY,
            400: PROBLEM,
            404: PROBLEM,
            503: PROBLEM,
        },
    )
    def get(self, request: Request) -> HttpResponseBase:
        """Every category against every observed property at every lag, the most certain first.

        `q_value` controls the false discovery rate over the whole table. An association, not a cause.
        """
        return self.answer(request)
