"""Which agency a new report goes to, where its category alone does not say: rules, in an order, as data."""

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from geo.areas.models import Area, AreaAncestry, City
from geo.reports.models.directory import Agency, Category


class RoutingRule(models.Model):
    """One rule: reports of this category, in this area, go to this agency. The first that matches decides.

    Where none does, the nearest category that names an agency decides (CategoryAgency). The place is the one that the public
    sees: an agency is public, and must not tell where the exact place lies.
    """

    city = models.ForeignKey(City, on_delete=models.CASCADE, related_name="routing_rules", verbose_name=_("city"))
    position = models.PositiveIntegerField(_("position"), help_text=_("The rule with the lowest number comes first."))
    category = models.ForeignKey(
        Category,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="routing_rules",
        help_text=_("And all below it. Empty: every category."),
        verbose_name=_("category"),
    )
    area = models.ForeignKey(
        Area,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="routing_rules",
        help_text=_("And all below it. Empty: everywhere, places outside every area included."),
        verbose_name=_("area"),
    )
    agency = models.ForeignKey(Agency, on_delete=models.CASCADE, related_name="routing_rules", verbose_name=_("agency"))
    valid_from = models.DateField(_("valid from"), null=True, blank=True)
    valid_to = models.DateField(
        _("valid to"), null=True, blank=True, help_text=_("The first day on which it is valid no longer.")
    )
    note = models.CharField(_("note"), max_length=300, blank=True)
    is_active = models.BooleanField(_("active"), default=True)

    class Meta:
        verbose_name = _("routing rule")
        verbose_name_plural = _("routing rules")
        ordering = ["city", "position", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(valid_from=None) | Q(valid_to=None) | Q(valid_to__gt=F("valid_from")),
                name="routing_rule_forward",
                violation_error_message=_("A rule ends after it begins."),
            ),
        ]

    def __str__(self) -> str:
        category, area = self.category.slug if self.category else "*", self.area.code if self.area else "*"
        return f"{self.position}: {category}, {area} → {self.agency.slug}"

    def clean(self) -> None:
        """What could never match a report is refused here. Whether an earlier rule takes all: geo.reports.routing."""
        faults = {}
        others = {"agency": self.agency if self.agency_id else None, "category": self.category, "area": self.area}
        for name, other in others.items():
            if other is not None and other.city_id not in (self.city_id, None):
                faults[name] = _("Belongs to another city.")
        if not faults and self.is_active:
            if self.category is not None and not _has_active(self.category):
                faults["category"] = _("This category is no longer in use, and none below it is.")
            if self.area is not None and not _has_current(self.area):
                faults["area"] = _("This area is retired, and so is all below it.")
        if faults:
            raise ValidationError(faults)


def _has_active(category: Category) -> bool:
    """Whether reports of it, or of a category below it, can come in."""
    level = [category.pk]
    for _step in range(20):
        if Category.objects.filter(pk__in=level, is_active=True).exists():
            return True
        level = list(Category.objects.filter(parent__in=level).values_list("pk", flat=True))
    return False


def _has_current(area: Area) -> bool:
    return AreaAncestry.objects.filter(ancestor=area, area__retired_at=None).exists()
