"""Who sends and who answers: channels, categories, agencies."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from geo.areas.models import Area, City, slug_rule
from geo.reports.models.calendar import WorkingCalendar


def all_scopes() -> list[str]:
    """What a channel's key may do where nothing less is said."""
    return ["submit", "read", "revise"]


def in_language(name_id: str, name_en: str) -> str:
    return name_en if (get_language() or "").startswith("en") else name_id


class Agency(models.Model):
    """A dinas: an agency of a city that answers reports."""

    city = models.ForeignKey(City, on_delete=models.CASCADE, related_name="agencies", verbose_name=_("city"))
    slug = models.CharField(_("slug"), max_length=64, validators=[slug_rule])
    name_id = models.CharField(_("name (Indonesian)"), max_length=200)
    name_en = models.CharField(_("name (English)"), max_length=200)
    calendar = models.ForeignKey(
        WorkingCalendar,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="agencies",
        verbose_name=_("working calendar"),
        help_text=_("Empty: the city's default."),
    )
    works_by_link = models.BooleanField(
        _("works by link"),
        default=False,
        db_default=False,
        help_text=_("Each report that it gets is sent to its contacts as a link: for agencies without a workstation."),
    )

    class Meta:
        verbose_name = _("agency")
        verbose_name_plural = _("agencies")
        ordering = ["city", "slug"]
        constraints = [models.UniqueConstraint(fields=["city", "slug"], name="one_agency_per_slug")]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        if self.calendar is not None and self.calendar.city_id != self.city_id:
            raise ValidationError({"calendar": _("Belongs to another city.")})

    @property
    def name(self) -> str:
        return in_language(self.name_id, self.name_en)


class Category(models.Model):
    """What a report is about. A tree; without a city it serves every city."""

    class Open311Type(models.TextChoices):
        REALTIME = "realtime", _("the number at once")
        BATCH = "batch", _("a token first")

    city = models.ForeignKey(
        City, on_delete=models.CASCADE, null=True, blank=True, related_name="categories", verbose_name=_("city")
    )
    slug = models.CharField(_("slug"), max_length=64, unique=True, validators=[slug_rule])
    name_id = models.CharField(_("name (Indonesian)"), max_length=200)
    name_en = models.CharField(_("name (English)"), max_length=200)
    parent = models.ForeignKey(
        "self",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="children",
        verbose_name=_("category above"),
    )
    sla_working_hours = models.PositiveIntegerField(_("time to resolve (working hours)"), null=True, blank=True)
    response_working_hours = models.PositiveIntegerField(
        _("time to a first response (working hours)"),
        null=True,
        blank=True,
        help_text=_("Empty: as the category above. The same holds for the time to resolve."),
    )
    needs_evidence = models.BooleanField(
        _("resolving needs a photo"),
        null=True,
        blank=True,
        help_text=_("Unknown: as the category above; of the topmost, no."),
    )
    public_grid_m = models.PositiveIntegerField(
        _("public precision (m)"),
        default=0,
        help_text=_("0: the exact place is public; else it is snapped to this grid."),
    )
    is_active = models.BooleanField(_("active"), default=True)
    description_id = models.TextField(_("description (Indonesian)"), blank=True, max_length=1000)
    description_en = models.TextField(_("description (English)"), blank=True, max_length=1000)
    keywords = models.CharField(_("keywords"), max_length=300, blank=True, help_text=_("Separated by commas."))
    open311_type = models.CharField(
        _("Open311 type"),
        max_length=8,
        choices=Open311Type,
        default=Open311Type.REALTIME,
        help_text=_("batch: a sender gets a token at once, and by it the report's number."),
    )
    retention_days = models.PositiveIntegerField(
        _("personal data is kept (days)"),
        null=True,
        blank=True,
        help_text=_("After a report's last change. Empty: as the category above, else as the installation."),
    )
    duplicate_radius_m = models.PositiveIntegerField(
        _("duplicates lie within (m)"),
        null=True,
        blank=True,
        help_text=_("Empty: as the category above, else 100 m."),
    )
    duplicate_days = models.PositiveIntegerField(
        _("duplicates come within (days)"),
        null=True,
        blank=True,
        help_text=_("Empty: as the category above, else 14 days."),
    )

    class Meta:
        verbose_name = _("category")
        verbose_name_plural = _("categories")
        ordering = ["slug"]

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        return in_language(self.name_id, self.name_en)

    @property
    def description(self) -> str:
        return in_language(self.description_id, self.description_en) or self.name


class CategoryAttribute(models.Model):
    """A question that goes with a category. Answers are for those who deal with the report, and never public."""

    class Datatype(models.TextChoices):
        STRING = "string", _("a line of text")
        NUMBER = "number", _("a number")
        DATETIME = "datetime", _("a time")
        TEXT = "text", _("text")
        SINGLE = "singlevaluelist", _("one of a list")
        MULTI = "multivaluelist", _("several of a list")

    category = models.ForeignKey(
        Category, on_delete=models.CASCADE, related_name="attributes", verbose_name=_("category")
    )
    code = models.CharField(_("code"), max_length=64, validators=[slug_rule])
    datatype = models.CharField(_("datatype"), max_length=16, choices=Datatype, default=Datatype.STRING)
    required = models.BooleanField(_("required"), default=False)
    variable = models.BooleanField(
        _("asks"), default=True, help_text=_("Off: it only tells the reader something, and takes no answer.")
    )
    order = models.PositiveIntegerField(_("order"), validators=[MinValueValidator(1)])
    description_id = models.CharField(_("question (Indonesian)"), max_length=300)
    description_en = models.CharField(_("question (English)"), max_length=300)
    datatype_description_id = models.CharField(_("how to answer (Indonesian)"), max_length=300, blank=True)
    datatype_description_en = models.CharField(_("how to answer (English)"), max_length=300, blank=True)
    values = models.JSONField(
        _("values"),
        default=list,
        blank=True,
        help_text=_('Of a list: [{"key": "…", "name_id": "…", "name_en": "…"}, …]'),
    )

    class Meta:
        verbose_name = _("question of a category")
        verbose_name_plural = _("questions of categories")
        ordering = ["category", "order"]
        constraints = [
            models.UniqueConstraint(fields=["category", "code"], name="one_question_per_code"),
            models.UniqueConstraint(fields=["category", "order"], name="one_question_per_place"),
        ]

    def __str__(self) -> str:
        return f"{self.category}: {self.code}"

    def clean(self) -> None:
        """Lists are written by hand in the admin; one without keys could be neither shown nor answered."""
        given = self.values if isinstance(self.values, list) else [None]
        keys = [str(value.get("key") or "") if isinstance(value, dict) else "" for value in given]
        if not all(keys) or len(set(keys)) != len(keys):
            raise ValidationError({"values": _("A list of objects is needed, each with a key of its own.")})
        if bool(keys) != (self.datatype in (self.Datatype.SINGLE, self.Datatype.MULTI)):
            raise ValidationError({"values": _("A list has values, and nothing else has.")})

    @property
    def description(self) -> str:
        return in_language(self.description_id, self.description_en)

    @property
    def datatype_description(self) -> str:
        return in_language(self.datatype_description_id, self.datatype_description_en)


class CategoryAgency(models.Model):
    """Which agency is responsible for a category, from when to when: responsibilities change."""

    category = models.ForeignKey(
        Category, on_delete=models.CASCADE, related_name="responsibilities", verbose_name=_("category")
    )
    agency = models.ForeignKey(
        Agency, on_delete=models.CASCADE, related_name="responsibilities", verbose_name=_("agency")
    )
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

    city = models.ForeignKey(
        City, on_delete=models.CASCADE, null=True, blank=True, related_name="channels", verbose_name=_("city")
    )
    slug = models.CharField(_("slug"), max_length=64, unique=True, validators=[slug_rule])
    name = models.CharField(_("name"), max_length=200)
    is_simulated = models.BooleanField(_("simulated"), default=False)
    is_exercise = models.BooleanField(
        _("exercise"),
        default=False,
        db_default=False,
        editable=False,
        help_text=_("What comes by it is played: staff see it, it counts nowhere, and nobody outside is told."),
    )
    is_active = models.BooleanField(_("active"), default=True)

    class Meta:
        verbose_name = _("channel")
        verbose_name_plural = _("channels")
        ordering = ["slug"]

    def __str__(self) -> str:
        return self.name


class ChannelKey(models.Model):
    """A channel's API key. Only its SHA-256 is kept; the prefix lets a person tell keys apart."""

    class Scope(models.TextChoices):
        SUBMIT = "submit", _("sends reports")
        READ = "read", _("reads those of its own reports that are not public")
        REVISE = "revise", _("corrects and takes back its own reports")

    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="keys", verbose_name=_("channel"))
    prefix = models.CharField(_("prefix"), max_length=12)
    key_hash = models.CharField(max_length=64, unique=True, editable=False)
    scopes = ArrayField(models.CharField(max_length=8, choices=Scope), verbose_name=_("scopes"), default=all_scopes)
    requests_per_window = models.PositiveIntegerField(
        _("requests that write, in ten minutes"),
        null=True,
        blank=True,
        help_text=_("Empty: as the installation says."),
    )
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    last_used_at = models.DateTimeField(_("last used"), null=True, editable=False)
    revoked_at = models.DateTimeField(_("revoked at"), null=True, blank=True)

    class Meta:
        verbose_name = _("channel key")
        verbose_name_plural = _("channel keys")
        ordering = ["channel", "id"]

    def __str__(self) -> str:
        return f"{self.channel} {self.prefix}…"


class CityRole(models.Model):
    """What a signed-in person may do in a city. A superuser needs none: every city is theirs.

    An officer's role is for an agency, an area (a lurah's), or an agency in an area; a dispatcher's may be for an area, too.
    """

    class Role(models.TextChoices):
        OFFICER = "officer", _("officer")
        DISPATCHER = "dispatcher", _("dispatcher")
        PLANNER = "planner", _("planner")
        ADMINISTRATOR = "administrator", _("administrator")
        MAYOR = "mayor", _("mayor")

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="city_roles", verbose_name=_("user")
    )
    city = models.ForeignKey(City, on_delete=models.CASCADE, related_name="roles", verbose_name=_("city"))
    role = models.CharField(_("role"), max_length=16, choices=Role)
    agency = models.ForeignKey(
        Agency, on_delete=models.CASCADE, null=True, blank=True, related_name="roles", verbose_name=_("agency")
    )
    area = models.ForeignKey(
        Area,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="roles",
        help_text=_("Empty: the whole city."),
        verbose_name=_("area"),
    )

    class Meta:
        verbose_name = _("role in a city")
        verbose_name_plural = _("roles in cities")
        constraints = [
            models.UniqueConstraint(
                fields=["user", "city", "role", "agency", "area"], name="one_role_once", nulls_distinct=False
            )
        ]

    def __str__(self) -> str:
        return f"{self.user_id}: {self.role} of {self.city_id}"

    def clean(self) -> None:
        faults = {}
        if self.role == self.Role.OFFICER and self.agency_id is None and self.area_id is None:
            faults["agency"] = _("An officer needs an agency, an area, or both.")
        for name, other in (("agency", self.agency), ("area", self.area)):
            if other is not None and other.city_id != self.city_id:
                faults[name] = _("Belongs to another city.")
        if self.area_id is not None and self.role not in (self.Role.OFFICER, self.Role.DISPATCHER):
            faults["area"] = _("Only officers and dispatchers are limited to an area.")
        if self.agency_id is not None and self.role != self.Role.OFFICER:
            faults["agency"] = _("Only officers belong to an agency.")
        if faults:
            raise ValidationError(faults)
