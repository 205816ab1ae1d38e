"""Who sends and who answers: channels, categories, agencies."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from geo.areas.models import City, slug_rule


def in_language(name_id: str, name_en: str) -> str:
    return name_en if (get_language() or "").startswith("en") else name_id


class Agency(models.Model):
    """A dinas: an agency of a city that answers reports."""

    city = models.ForeignKey(City, on_delete=models.CASCADE, related_name="agencies")
    slug = models.CharField(_("slug"), max_length=64, validators=[slug_rule])
    name_id = models.CharField(_("name (Indonesian)"), max_length=200)
    name_en = models.CharField(_("name (English)"), max_length=200)

    class Meta:
        verbose_name = _("agency")
        verbose_name_plural = _("agencies")
        ordering = ["city", "slug"]
        constraints = [models.UniqueConstraint(fields=["city", "slug"], name="one_agency_per_slug")]

    def __str__(self) -> str:
        return self.slug

    @property
    def name(self) -> str:
        return in_language(self.name_id, self.name_en)


class Category(models.Model):
    """What a report is about. A tree; without a city it serves every city."""

    city = models.ForeignKey(City, on_delete=models.CASCADE, null=True, blank=True, related_name="categories")
    slug = models.CharField(_("slug"), max_length=64, unique=True, validators=[slug_rule])
    name_id = models.CharField(_("name (Indonesian)"), max_length=200)
    name_en = models.CharField(_("name (English)"), max_length=200)
    parent = models.ForeignKey("self", on_delete=models.PROTECT, null=True, blank=True, related_name="children")
    sla_working_hours = models.PositiveIntegerField(_("time to resolve (working hours)"), null=True, blank=True)
    public_grid_m = models.PositiveIntegerField(
        _("public precision (m)"),
        default=0,
        help_text=_("0: the exact place is public; else it is snapped to this grid."),
    )
    is_active = models.BooleanField(_("active"), default=True)

    class Meta:
        verbose_name = _("category")
        verbose_name_plural = _("categories")
        ordering = ["slug"]

    def __str__(self) -> str:
        return self.slug

    @property
    def name(self) -> str:
        return in_language(self.name_id, self.name_en)


class CategoryAgency(models.Model):
    """Which agency is responsible for a category, from when to when: responsibilities change."""

    category = models.ForeignKey(Category, on_delete=models.CASCADE, related_name="responsibilities")
    agency = models.ForeignKey(Agency, on_delete=models.CASCADE, related_name="responsibilities")
    valid_from = models.DateField(_("valid from"))
    valid_to = models.DateField(_("valid to"), null=True, blank=True)
    is_lead = models.BooleanField(_("leads"), default=True)
    source = models.TextField(_("source"), blank=True)

    class Meta:
        verbose_name = _("responsibility")
        verbose_name_plural = _("responsibilities")
        ordering = ["category", "-valid_from", "id"]
        constraints = [
            models.UniqueConstraint(fields=["category", "agency", "valid_from"], name="one_responsibility_from"),
            models.CheckConstraint(
                condition=Q(valid_to=None) | Q(valid_to__gt=F("valid_from")), name="responsible_forward"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.category}: {self.agency}"


class Channel(models.Model):
    """A way by which reports come in."""

    city = models.ForeignKey(City, on_delete=models.CASCADE, null=True, blank=True, related_name="channels")
    slug = models.CharField(_("slug"), max_length=64, unique=True, validators=[slug_rule])
    name = models.CharField(_("name"), max_length=200)
    is_simulated = models.BooleanField(_("simulated"), default=False)
    is_active = models.BooleanField(_("active"), default=True)

    class Meta:
        verbose_name = _("channel")
        verbose_name_plural = _("channels")
        ordering = ["slug"]

    def __str__(self) -> str:
        return self.slug


class ChannelKey(models.Model):
    """A channel's API key. Only its SHA-256 is kept; the prefix lets a person tell keys apart."""

    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="keys")
    prefix = models.CharField(_("prefix"), max_length=12)
    key_hash = models.CharField(max_length=64, unique=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    last_used_at = models.DateTimeField(_("last used"), null=True, editable=False)
    revoked_at = models.DateTimeField(_("revoked at"), null=True, blank=True)

    class Meta:
        verbose_name = _("channel key")
        verbose_name_plural = _("channel keys")
        ordering = ["channel", "id"]

    def __str__(self) -> str:
        return f"{self.channel} {self.prefix}…"


class CityRole(models.Model):
    """What a signed-in person may do in a city. A superuser needs none: every city is theirs."""

    class Role(models.TextChoices):
        OFFICER = "officer", _("officer")
        DISPATCHER = "dispatcher", _("dispatcher")
        PLANNER = "planner", _("planner")
        ADMINISTRATOR = "administrator", _("administrator")

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="city_roles")
    city = models.ForeignKey(City, on_delete=models.CASCADE, related_name="roles")
    role = models.CharField(_("role"), max_length=16, choices=Role)

    class Meta:
        verbose_name = _("role in a city")
        verbose_name_plural = _("roles in cities")
        constraints = [models.UniqueConstraint(fields=["user", "city", "role"], name="one_role_once")]

    def __str__(self) -> str:
        return f"{self.user_id}: {self.role} of {self.city_id}"
