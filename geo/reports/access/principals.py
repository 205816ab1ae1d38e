"""Who asks, and what they may see and do: the one place in which rights are decided, for every protocol."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING

from django.db.models import Q

from geo.areas.models import AreaAncestry
from geo.reports.models.directory import CityRole
from geo.reports.workflow import Actor

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

    from geo.reports.models import Channel, Report

Role = CityRole.Role
# They deal with every report of their city, whichever agency has it.
DISPATCHING = frozenset({Role.DISPATCHER, Role.ADMINISTRATOR})
# They deal with reports of their city.
HANDLING = DISPATCHING | {Role.OFFICER}
# They see what is not public of every report of their city.
OVERSEEING = DISPATCHING | {Role.MAYOR}


class Origin(StrEnum):
    """From where somebody writes; the history says it."""

    API = "api"
    ADMIN = "admin"
    OGC = "ogc"
    OPEN311 = "open311"
    LINK = "link"
    PAGE = "page"
    COMMAND = "command"
    SCHEDULE = "schedule"
    OUTBOX = "outbox"
    AREAS = "areas"


@dataclass(frozen=True, slots=True)
class Grant:
    """One role in one city. An officer's is for the reports of an agency, of an area, or of an agency in an area."""

    role: str
    city_id: int
    agency_id: int | None = None
    area_id: int | None = None

    def reaches(self, report: "Report") -> bool:
        """Whether the report is among those for which this role was given."""
        if self.city_id != report.city_id or not self._is_complete:
            return False
        if self.agency_id is not None and self.agency_id != report.agency_id:
            return False
        if self.area_id is None or self.area_id == report.area_id:
            return True
        if report.area_id is None:
            return False
        return AreaAncestry.objects.filter(area_id=report.area_id, ancestor_id=self.area_id).exists()

    def as_filter(self) -> Q:
        """The same as a condition on reports."""
        if not self._is_complete:
            return Q(pk__in=())
        wanted, area_id = Q(city_id=self.city_id), self.area_id
        if self.agency_id is not None:
            wanted &= Q(agency_id=self.agency_id)
        if area_id is not None:
            wanted &= Q(area_id__in=AreaAncestry.objects.filter(ancestor_id=area_id).values("area_id"))
        return wanted

    @property
    def _is_complete(self) -> bool:
        """An officer of no agency and no area is one of nothing."""
        return self.role != Role.OFFICER or self.agency_id is not None or self.area_id is not None


@dataclass(frozen=True, slots=True)
class Link:
    """What the holder of a signed link is, for the one report that it names."""

    report_id: int
    actor: Actor
    agency_id: int | None = None


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks. Nobody in particular is `Principal()`; people have grants, a program its channel, others a link to one report."""

    user_id: int | None = None
    is_superuser: bool = False
    grants: tuple[Grant, ...] = ()
    channel: "Channel | None" = None
    link: Link | None = None
    # Of a channel's key (ChannelKey.Scope); None: all that a channel may.
    scopes: frozenset[str] | None = None
    # Says where they are, not who: a member of the public is the same one everywhere.
    origin: str = field(default="", compare=False)

    @property
    def is_staff(self) -> bool:
        """A signed-in person with a role somewhere."""
        return self.is_superuser or bool(self.grants)

    @property
    def city_ids(self) -> frozenset[int] | None:
        """The cities in which this person has a role; None: every city."""
        return None if self.is_superuser else frozenset(grant.city_id for grant in self.grants)

    def has_role(self, city_id: int, roles: Iterable[str]) -> bool:
        """Whether this person has one of these roles in the city."""
        return self.is_superuser or any(grant.city_id == city_id and grant.role in roles for grant in self.grants)

    @property
    def may_submit(self) -> bool:
        """Whether this is somebody who is known to send reports: a channel, or staff of a city."""
        return self._has_scope("submit") if self.channel is not None else self.is_staff

    def may_act_in(self, city_id: int) -> bool:
        """Whether this person has any role in the city; a channel may send reports from everywhere."""
        return self.channel is not None or self.city_ids is None or city_id in self.city_ids

    def may_dispatch_in(self, city_id: int) -> bool:
        """Whether the whole city's affairs are theirs; a dispatcher of one area has its reports alone."""
        whole = (grant for grant in self.grants if grant.area_id is None and grant.role in DISPATCHING)
        return self.is_superuser or any(grant.city_id == city_id for grant in whole)

    def may_oversee_city(self, city_id: int) -> bool:
        """Whether what is said of the whole city, and not for everybody, is for them."""
        whole = (grant for grant in self.grants if grant.area_id is None and grant.role in OVERSEEING)
        return self.is_superuser or any(grant.city_id == city_id for grant in whole)

    def may_dispatch(self, report: "Report") -> bool:
        """Whether they decide about this report, whichever agency has it."""
        return Actor.DISPATCHER in self.actors(report)

    def may_handle(self, report: "Report") -> bool:
        """Whether this report is theirs to deal with."""
        return bool(self.actors(report) - {Actor.REPORTER})

    def may_oversee(self, report: "Report") -> bool:
        """Whether they see what of this report is not public."""
        overseen = (grant.role in OVERSEEING and grant.reaches(report) for grant in self.grants)
        return self.may_handle(report) or any(overseen)

    def may_change(self, report: "Report") -> bool:
        """A channel what it sent itself, staff the reports that they deal with."""
        if self.channel is not None:
            return report.channel_id == self.channel.pk and self._has_scope("revise")
        return self.is_staff and self.may_handle(report)

    def actors(self, report: "Report") -> frozenset[Actor]:
        """As whom they may take a step of this report's workflow."""
        found: set[Actor] = set()
        if self.is_superuser:
            found.add(Actor.DISPATCHER)
        link = self.link
        # A link to an agency ends with the agency's turn.
        if link is not None and link.report_id == report.pk and link.agency_id in (None, report.agency_id):
            found.add(link.actor)
        # Who has left the city's service decides nothing more.
        if self.user_id is not None and self.user_id == report.arbiter_id and self.may_act_in(report.city_id):
            found.add(Actor.DISPATCHER)
        for grant in self.grants:
            if grant.role == Role.OFFICER and grant.reaches(report):
                found.add(Actor.OFFICER)
            elif grant.role in DISPATCHING and grant.reaches(report):
                found.add(Actor.DISPATCHER)
        return frozenset(found)

    def may_see_contact(self, report: "Report") -> bool:
        """Those who deal with it; a link is shown to whoever has it, and so to nobody."""
        return self.user_id is not None and self.may_handle(report)

    def may_read_own(self) -> bool:
        """Whether a channel sees those of its own reports that the public does not."""
        return self.channel is not None and self._has_scope("read")

    def _has_scope(self, scope: str) -> bool:
        return self.scopes is None or scope in self.scopes

    def handled(self) -> Q:
        """`may_handle` as a condition on reports."""
        return self._reached(HANDLING)

    def overseen(self) -> Q:
        """`may_oversee` as a condition on reports."""
        return self._reached(OVERSEEING | {Role.OFFICER})

    def _reached(self, roles: frozenset[str]) -> Q:
        if self.is_superuser:
            return Q()
        wanted = [grant.as_filter() for grant in self.grants if grant.role in roles]
        if self.user_id is not None and self.city_ids:
            wanted.append(Q(arbiter_id=self.user_id, city_id__in=self.city_ids))
        if self.link is not None and self.link.actor is not Actor.REPORTER:
            named, agency_id = Q(pk=self.link.report_id), self.link.agency_id
            wanted.append(named if agency_id is None else named & Q(agency_id=agency_id))
        return reduce(or_, wanted, Q(pk__in=()))


PUBLIC = Principal()


def principal_of_user(user: "AbstractBaseUser | AnonymousUser", *, origin: str = "") -> Principal:
    """A signed-in person with their roles; whoever has none is nobody in particular."""
    if not (user.is_authenticated and user.is_active and getattr(user, "is_staff", False)):
        return Principal(origin=origin)
    if getattr(user, "is_superuser", False):
        return Principal(user_id=user.pk, is_superuser=True, origin=origin)
    roles = CityRole.objects.filter(user=user.pk).values_list("role", "city_id", "agency_id", "area_id")
    return Principal(user_id=user.pk, grants=tuple(Grant(*row) for row in roles.order_by("id")), origin=origin)
