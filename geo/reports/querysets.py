"""Reads of reports: who sees what, and the filters that every protocol shares."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from django.contrib.gis.db import models
from django.contrib.gis.geos import MultiPolygon, Polygon

from geo.reports.access.principals import Principal
from server.core.params import BBox

if TYPE_CHECKING:
    from geo.reports.models import Report  # noqa: F401 - in the base class below


class ReportQuerySet(models.QuerySet["Report"]):
    def visible_to(self, principal: Principal) -> "ReportQuerySet":
        """The public ones, for everybody; people what they deal with or oversee, a channel its own, a link's holder its one."""
        if principal.is_superuser:
            return self
        seen = models.Q(is_public=True) | principal.overseen()
        if principal.may_read_own():
            seen |= models.Q(channel=principal.channel)
        if principal.link is not None:
            seen |= models.Q(pk=principal.link.report_id)
        return self.filter(seen)

    def handled_by(self, principal: Principal) -> "ReportQuerySet":
        """What somebody deals with: these they see whole, and may take further."""
        return self if principal.is_superuser else self.filter(principal.handled())

    def overseen_by(self, principal: Principal) -> "ReportQuerySet":
        """What somebody sees whole, whether they deal with it or not."""
        return self if principal.is_superuser else self.filter(principal.overseen())

    def in_bbox(self, bbox: BBox) -> "ReportQuerySet":
        boxes = MultiPolygon([Polygon.from_bbox(box) for box in bbox.boxes()], srid=4326)
        return self.filter(public_location__intersects=boxes)

    def reported(self, start: datetime | None, end: datetime | None) -> "ReportQuerySet":
        """Half-open: from `start`, before `end`."""
        found = self
        if start is not None:
            found = found.filter(reported_at__gte=start)
        return found if end is None else found.filter(reported_at__lt=end)

    def late(self, now: datetime) -> "ReportQuerySet":
        """Open past their deadline, or closed after it. One whose clock stands has none, unless it was late before."""
        return self.filter(models.Q(closed_at=None, due_at__lt=now) | models.Q(closed_at__gt=models.F("due_at")))

    def response_late(self, now: datetime) -> "ReportQuerySet":
        """Not answered by the deadline of the first response, whatever came after."""
        late = models.Q(responded_at=None, response_due_at__lt=now)
        return self.filter(late | models.Q(responded_at__gt=models.F("response_due_at")))

    def of_categories(self, slugs: Sequence[str]) -> "ReportQuerySet":
        """These categories and all below them."""
        from geo.reports.categories import with_descendants

        return self.filter(category_id__in=with_descendants(slugs))

    def containing(self, text: str) -> "ReportQuerySet":
        """Reports in whose public description this text stands, whatever the case of its letters."""
        return self.filter(public_description__icontains=text)

    def for_answer(self) -> "ReportQuerySet":
        """With all that an answer shows beside the report's own columns, in two queries however many there are."""
        joined = self.select_related("city", "channel", "category", "agency", "public_area")
        hidden = ("description", "location", "public_area__boundary")
        return joined.defer(*hidden).prefetch_related("photos")
