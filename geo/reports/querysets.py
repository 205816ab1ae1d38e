"""Reads of reports: who sees what, and the filters that every protocol shares."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from django.contrib.gis.db import models
from django.contrib.gis.geos import MultiPolygon, Polygon

from server.core.params import BBox

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

    from geo.reports.models import Channel, Report


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks. Nobody in particular is `Principal()`; staff are signed-in people; a channel came with its key.

    Staff see what is not public only in the cities in which they have a role; `city_ids` None means every city.
    """

    is_staff: bool = False
    city_ids: frozenset[int] | None = None
    channel: "Channel | None" = None
    user_id: int | None = None

    @property
    def may_submit(self) -> bool:
        """Whether this is somebody who is known to send reports: a channel, or staff of a city."""
        return self.channel is not None or (self.is_staff and self.city_ids != frozenset())

    def may_change(self, report: "Report") -> bool:
        """A channel its own reports, staff those of their cities."""
        if self.channel is not None:
            return report.channel_id == self.channel.pk
        return self.is_staff and self.may_act_in(report.city_id)

    def may_act_in(self, city_id: int) -> bool:
        """Whether a city is among those of the staff; a channel may send reports from everywhere."""
        return self.channel is not None or self.city_ids is None or city_id in self.city_ids

    @property
    def audience(self) -> str:
        """What of an answer's variants this principal gets: part of every cache key."""
        return "staff" if self.is_staff else "public"


PUBLIC = Principal()


def cities_of(user: "AbstractBaseUser") -> list[int]:
    """The cities in which somebody has a role."""
    from geo.reports.models import CityRole

    return list(CityRole.objects.filter(user_id=user.pk).values_list("city_id", flat=True).distinct())


class ReportQuerySet(models.QuerySet["Report"]):
    def visible_to(self, principal: Principal) -> "ReportQuerySet":
        """Staff see every report of their cities; everyone else the public ones, and a channel its own as well."""
        if principal.is_staff and principal.city_ids is None:
            return self
        seen = models.Q(is_public=True)
        if principal.is_staff:
            seen |= models.Q(city_id__in=principal.city_ids)
        if principal.channel is not None:
            seen |= models.Q(channel=principal.channel)
        return self.filter(seen)

    def in_area(self, code: str) -> "ReportQuerySet":
        """Reports whose public area is this one or lies under it, at any level."""
        return self.filter(public_area__ancestry__ancestor__code=code)

    def in_bbox(self, bbox: BBox) -> "ReportQuerySet":
        boxes = MultiPolygon([Polygon.from_bbox(box) for box in bbox.boxes()], srid=4326)
        return self.filter(public_location__intersects=boxes)

    def reported(self, start: datetime | None, end: datetime | None) -> "ReportQuerySet":
        """Half-open: from `start`, before `end`."""
        found = self
        if start is not None:
            found = found.filter(reported_at__gte=start)
        return found if end is None else found.filter(reported_at__lt=end)

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
        hidden = ("description", "location", "public_area__boundary", "city__calendar")
        return joined.defer(*hidden).prefetch_related("photos")
