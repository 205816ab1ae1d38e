"""`/api/reports/{id}/photos/`: the photos of a report, read through this service alone, wherever they are stored."""

import io
from typing import Any

from django.http import FileResponse
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request

from geo.api.serializers import ProblemSerializer
from geo.api.views import PublicView
from geo.reports.models import Report, ReportPhoto
from geo.reports.photos.cleaning import thumbnail_of
from geo.reports.photos.stored import read_file
from server.core.errors import NotFound

PROBLEM = OpenApiResponse(ProblemSerializer, description="problem+json that says what is wrong")
RESPONSES = {(200, "image/jpeg"): OpenApiTypes.BINARY, 404: PROBLEM, 503: PROBLEM}


class PhotoView(PublicView):
    """What both sizes share."""

    def perform_content_negotiation(self, request: Request, force: bool = False) -> Any:
        # An <img> may accept images alone; what is sent is no rendering of DRF's.
        return super().perform_content_negotiation(request, force=True)

    def find(self, public_id: str, number: int) -> tuple[Report, ReportPhoto]:
        report = Report.objects.visible_to(self.principal).filter(public_id=public_id).first()
        if report is None:
            raise NotFound(_("There is no such report."))
        photos = list(report.photos.all())
        if not 1 <= number <= len(photos):
            raise NotFound(_("There is no such photo."))
        return report, photos[number - 1]


class ReportPhotoView(PhotoView):
    @extend_schema(operation_id="reports_photo", responses=RESPONSES)
    def get(self, request: Request, public_id: str, number: int) -> FileResponse:
        """A photo of a report, as JPEG; the first one is number 1."""
        report, photo = self.find(public_id, number)
        return _answer(report, read_file(photo.image), photo.sha256)


class ReportThumbnailView(PhotoView):
    @extend_schema(operation_id="reports_photo_thumbnail", responses=RESPONSES)
    def get(self, request: Request, public_id: str, number: int) -> FileResponse:
        """The same photo for a list: a JPEG of 320 pixels at its longest edge."""
        report, photo = self.find(public_id, number)
        # Photos from before thumbnails were stored have none.
        content = read_file(photo.thumbnail) if photo.thumbnail else thumbnail_of(read_file(photo.image))
        return _answer(report, content, f"{photo.sha256}-thumbnail")


def _answer(report: Report, content: bytes, tag: str) -> FileResponse:
    response = FileResponse(io.BytesIO(content), content_type="image/jpeg")
    scope = "public" if report.is_public else "private"
    # Not for long: a report may be hidden, and photo 2 is photo 1 once the first was taken away.
    response["Cache-Control"] = f"{scope}, max-age=60"
    response["ETag"] = f'"{tag}"'
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response["Content-Disposition"] = "inline"
    return response
