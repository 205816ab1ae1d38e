"""When an arbiter decides, and who that is."""

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from geo.areas.models import City
from geo.reports.access.principals import principal_of_user

HANDOVERS_BEFORE_ARBITER = 3


class RoutingPolicy(models.Model):
    """How often agencies of a city may hand a report on before its arbiter gets it. A city without one has the defaults."""

    city = models.OneToOneField(City, on_delete=models.CASCADE, related_name="routing_policy", verbose_name=_("city"))
    handovers_before_arbiter = models.PositiveSmallIntegerField(
        _("handovers before the arbiter decides"),
        default=HANDOVERS_BEFORE_ARBITER,
        validators=[MinValueValidator(1)],
        help_text=_("Counted anew once somebody has decided."),
    )
    arbiter = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("arbiter"),
        help_text=_("Staff with a role in the city. Empty: it stays with the dispatchers."),
    )

    class Meta:
        verbose_name = _("routing policy")
        verbose_name_plural = _("routing policies")

    def __str__(self) -> str:
        return str(self.city)

    def clean(self) -> None:
        if self.arbiter is not None and self.city_id is not None:
            # Without one they could not sign in to decide anything.
            principal = principal_of_user(self.arbiter)
            if not (principal.is_staff and principal.may_act_in(self.city_id)):
                raise ValidationError({"arbiter": _("Needed: a person of the staff with a role in this city.")})
