"""Where an agency is reached, and the links that were sent there."""

import uuid

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from geo.areas.models import Area
from geo.operations.field_links.gateways import check_gateway
from geo.reports.models import Agency, Report


class AgencyContact(models.Model):
    """A place where an agency reads: a mailbox, or a chat by its gateway. With an area, for the reports of that area alone."""

    class Kind(models.TextChoices):
        EMAIL = "email", _("e-mail")
        GATEWAY = "apprise", _("chat gateway")

    agency = models.ForeignKey(Agency, on_delete=models.CASCADE, related_name="contacts", verbose_name=_("agency"))
    area = models.ForeignKey(
        Area,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("area"),
        help_text=_("Empty: every report of the agency. Else those of this area alone, for instance a lurah's."),
    )
    name = models.CharField(
        _("name"), max_length=100, help_text=_("Of the post, not of a person: duty officer, Jatiasih.")
    )
    kind = models.CharField(_("kind"), max_length=8, choices=Kind)
    # An Apprise URL holds the password of a gateway: it is shown nowhere once it is stored.
    address = models.CharField(
        _("address"), max_length=500, help_text=_("An e-mail address, or the Apprise URL of a chat gateway.")
    )
    is_active = models.BooleanField(_("active"), default=True)

    class Meta:
        verbose_name = _("contact of an agency")
        verbose_name_plural = _("contacts of agencies")
        ordering = ["agency", "id"]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        faults: dict[str, object] = {}
        # A form without an agency says so itself.
        if self.area is not None and self.agency_id is not None and self.area.city_id != self.agency.city_id:
            faults["area"] = _("Belongs to another city.")
        try:
            if self.kind == self.Kind.EMAIL:
                validate_email(self.address)
            else:
                check_gateway(self.address)
        except ValidationError as error:
            faults["address"] = error.messages
        if faults:
            raise ValidationError(faults)


class FieldLink(models.Model):
    """One report, sent to one contact of the agency that has it. The row decides whether the link still opens anything."""

    class Use(models.TextChoices):
        ACCEPTED = "accepted", _("accepted")
        HANDED_OVER = "handed_over", _("handed over")
        RESOLVED = "resolved", _("resolved")

    class Ending(models.TextChoices):
        REVOKED = "revoked", _("revoked")
        REPLACED = "replaced", _("replaced by a newer one")
        LEFT = "left", _("another agency has the report")
        CLOSED = "closed", _("the report is closed")

    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    report = models.ForeignKey(Report, on_delete=models.CASCADE, related_name="field_links", verbose_name=_("report"))
    agency = models.ForeignKey(Agency, on_delete=models.CASCADE, related_name="+", verbose_name=_("agency"))
    contact = models.ForeignKey(
        AgencyContact, on_delete=models.CASCADE, related_name="links", verbose_name=_("contact")
    )
    created_at = models.DateTimeField(_("created at"))
    expires_at = models.DateTimeField(_("valid until"))
    sent_at = models.DateTimeField(_("sent at"), null=True, blank=True)
    opened_at = models.DateTimeField(_("first opened at"), null=True, blank=True)
    revoked_at = models.DateTimeField(_("ended at"), null=True, blank=True)
    ending = models.CharField(_("ended because"), max_length=8, choices=Ending, blank=True, default="", db_default="")
    used = models.CharField(_("used to"), max_length=12, choices=Use, blank=True, default="", db_default="")

    class Meta:
        verbose_name = _("field link")
        verbose_name_plural = _("field links")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["report", "contact"], condition=Q(revoked_at=None), name="one_live_field_link_per_contact"
            )
        ]

    def __str__(self) -> str:
        return f"{self.report_id} → {self.contact_id}"
