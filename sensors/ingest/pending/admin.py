"""Pending devices in the admin: approved or rejected by one click."""

from datetime import UTC, datetime

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from sensors.ingest.pending.approving import Approval, approve_thing
from sensors.ingest.pending.models import PendingThing
from sensors.registry.broker import ensure_credentials
from sensors.registry.services import RegistryError
from server.core.errors import PantauError


@admin.register(PendingThing)
class PendingThingAdmin(admin.ModelAdmin):
    """Devices that publish and that nobody has registered. With PANTAU_AUTO_PROVISION=pending they come by themselves."""

    list_display = ["slug", "state", "sends", "messages", "first_seen", "last_seen", "topic"]
    list_filter = ["state"]
    search_fields = ["slug", "topic"]
    ordering = ["state", "-last_seen"]
    fields = ["slug", "state", "seen", "messages", "first_seen", "last_seen", "topic"]
    readonly_fields = ["slug", "state", "seen", "messages", "first_seen", "last_seen", "topic"]
    actions = ["approve", "reject", "reopen"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[PendingThing]:
        return PendingThing.objects.unregistered()

    @admin.display(description=gettext_lazy("what it sends"))
    def sends(self, pending: PendingThing) -> str:
        return ", ".join(
            f"{name} {last.get('result')} {last.get('unit', '')}".strip() for name, last in sorted(pending.seen.items())
        )

    @admin.action(description=gettext_lazy("Approve: register, and store what it has sent"), permissions=["approve"])
    def approve(self, request: HttpRequest, chosen: QuerySet[PendingThing]) -> None:
        for slug in list(chosen.values_list("slug", flat=True)):
            try:
                approved = approve_thing(slug, Approval(), now=datetime.now(UTC))
                ensure_credentials([slug])
            except (PantauError, RegistryError, OSError) as error:
                messages.error(request, f"{slug}: {error}")
                continue
            messages.success(
                request,
                ngettext(
                    "%(slug)s is registered; %(n)d reading was stored.",
                    "%(slug)s is registered; %(n)d readings were stored.",
                    approved.outcome.stored,
                )
                % {"slug": slug, "n": approved.outcome.stored},
            )
            for name, why in approved.left.items():
                messages.warning(request, f"{slug}/{name}: {why}")
            if approved.waiting:
                messages.warning(
                    request,
                    _("%(n)d more messages wait: manage replay_rejects --thing %(slug)s")
                    % {"n": approved.waiting, "slug": slug},
                )

    @admin.action(description=gettext_lazy("Reject: not to be listed as pending again"), permissions=["change"])
    def reject(self, request: HttpRequest, chosen: QuerySet[PendingThing]) -> None:
        chosen.update(state=PendingThing.State.REJECTED)

    @admin.action(description=gettext_lazy("Reopen: pending again"), permissions=["change"])
    def reopen(self, request: HttpRequest, chosen: QuerySet[PendingThing]) -> None:
        chosen.update(state=PendingThing.State.PENDING)

    def has_approve_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perms(["sensors.change_pendingthing", "sensors.add_thing", "sensors.add_datastream"])

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False
