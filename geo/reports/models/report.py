"""The report itself; the reporter's personal data and what the public may see are stored apart."""

from django.conf import settings
from django.contrib.gis.db import models
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from geo.areas.models import Area, City
from geo.reports.models.directory import Agency, Category, Channel
from geo.reports.public_ids import new_public_ids
from geo.reports.querysets import ReportQuerySet
from geo.reports.workflow import Status

# Spelt as in the indexes of open reports: the planner takes one only where a statement's condition is the same.
IS_OPEN = ~Q(status__in=["resolved", "rejected", "duplicate"])


def new_public_id() -> str:
    return new_public_ids(1)[0]


class Report(models.Model):
    """What a citizen said, where and when. Public row-sources read only the `public_` columns."""

    class Kind(models.TextChoices):
        LAPORAN = "laporan", _("report")
        ASPIRASI = "aspirasi", _("wish")

    class LocationFlag(models.TextChoices):
        INSIDE = "inside", _("inside an area")
        OUTSIDE = "outside", _("outside every area")
        AREA = "area", _("an area was named, no point")
        NONE = "none", _("no place was given")

    public_id = models.CharField(_("number"), max_length=16, default=new_public_id, editable=False)
    city = models.ForeignKey(
        City, on_delete=models.CASCADE, related_name="reports", db_index=False, verbose_name=_("city")
    )
    channel = models.ForeignKey(
        Channel, on_delete=models.PROTECT, related_name="reports", db_index=False, verbose_name=_("channel")
    )
    external_id = models.CharField(_("external id"), max_length=200, null=True, blank=True)
    kind = models.CharField(_("kind"), max_length=10, choices=Kind, default=Kind.LAPORAN)
    category = models.ForeignKey(
        Category, on_delete=models.PROTECT, related_name="reports", db_index=False, verbose_name=_("category")
    )
    description = models.TextField(_("description"), blank=True)
    public_description = models.TextField(_("public description"), blank=True)
    attributes = models.JSONField(
        _("answers"),
        default=dict,
        db_default={},
        blank=True,
        help_text=_("To the questions of its category; not public."),
    )
    address = models.CharField(
        _("address"), max_length=300, blank=True, default="", db_default="", help_text=_("As it was given; not public.")
    )
    landmark = models.CharField(
        _("landmark"),
        max_length=300,
        blank=True,
        default="",
        db_default="",
        help_text=_("By what the place is found; not public."),
    )
    location = models.PointField(_("location"), srid=4326, null=True, blank=True, spatial_index=False)
    public_location = models.PointField(_("public location"), srid=4326, null=True, blank=True)
    area = models.ForeignKey(
        Area, on_delete=models.SET_NULL, null=True, blank=True, related_name="reports", verbose_name=_("area")
    )
    public_area = models.ForeignKey(
        Area,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="public_reports",
        db_index=False,
        verbose_name=_("public area"),
    )
    location_flag = models.CharField(_("location flag"), max_length=8, choices=LocationFlag)
    reported_at = models.DateTimeField(_("reported at"))
    received_at = models.DateTimeField(_("received at"))
    updated_at = models.DateTimeField(_("updated at"))
    status = models.CharField(_("status"), max_length=16, choices=Status, default=Status.SUBMITTED)
    due_at = models.DateTimeField(_("due at"), null=True, blank=True)
    response_due_at = models.DateTimeField(_("first response due at"), null=True, blank=True, editable=False)
    responded_at = models.DateTimeField(_("first response at"), null=True, blank=True, editable=False)
    closed_at = models.DateTimeField(_("closed at"), null=True, blank=True)
    agency = models.ForeignKey(
        Agency,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="reports",
        db_index=False,
        verbose_name=_("agency"),
    )
    handover_count = models.PositiveSmallIntegerField(_("handovers"), default=0, db_default=0, editable=False)
    reopened_count = models.PositiveSmallIntegerField(_("reopenings"), default=0, db_default=0, editable=False)
    # Who decides, once agencies have handed it over too often.
    arbiter = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        editable=False,
        related_name="arbitrated_reports",
        db_index=False,
        verbose_name=_("arbiter"),
    )
    duplicate_of = models.ForeignKey(
        "self",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="duplicates",
        verbose_name=_("follows report"),
    )
    is_public = models.BooleanField(_("public"), default=True)
    # As its channel; the database lets nobody change it, and none of an exercise be public.
    is_exercise = models.BooleanField(_("exercise"), default=False, db_default=False, editable=False)
    support_count = models.PositiveIntegerField(_("supporters"), default=0)
    anonymised_at = models.DateTimeField(_("anonymised at"), null=True, blank=True, editable=False)

    objects = ReportQuerySet.as_manager()

    class Meta:
        verbose_name = _("report")
        verbose_name_plural = _("reports")
        ordering = ["-id"]
        # What an index begins with needs none of its own; each costs every report that comes in.
        constraints = [
            models.UniqueConstraint(fields=["public_id"], name="one_report_per_public_id"),
            models.UniqueConstraint(
                fields=["channel", "external_id"], condition=Q(external_id__isnull=False), name="same_report_once"
            ),
            models.CheckConstraint(
                condition=Q(duplicate_of=None) | ~Q(duplicate_of=F("id")), name="not_its_own_duplicate"
            ),
            models.CheckConstraint(condition=~Q(is_exercise=True, is_public=True), name="exercise_report_not_public"),
        ]
        indexes = [
            # Few have one: an index of them alone costs the others nothing.
            models.Index(fields=["arbiter", "-id"], condition=Q(arbiter__isnull=False), name="report_arbiter"),
            models.Index(fields=["public_area", "category", "reported_at"], name="report_area_category_time"),
            # Each holds reports in the order of the lists, newest first: geo.api.report_pages reads pages from them.
            models.Index(fields=["-reported_at", "-id"], name="report_time"),
            models.Index(fields=["city", "-reported_at", "-id"], name="report_city"),
            models.Index(fields=["category", "-reported_at", "-id"], name="report_category"),
            models.Index(fields=["channel", "-reported_at", "-id"], name="report_channel"),
            models.Index(fields=["status", "-reported_at", "-id"], name="report_status"),
            models.Index(fields=["public_area", "status", "-reported_at", "-id"], name="report_area_status"),
            models.Index(fields=["agency", "status", "-reported_at", "-id"], name="report_agency_status"),
            # What is late stands first. A closed report leaves it, so that it stays as small as the work that is left.
            models.Index(
                fields=["agency", "due_at", "id"],
                condition=Q(due_at__isnull=False) & IS_OPEN,
                name="report_due",
            ),
        ]

    def __str__(self) -> str:
        return self.public_id


class ReportContact(models.Model):
    """The reporter's personal data: the one table to erase. Never in a public answer, a log or a history line."""

    report = models.OneToOneField(Report, on_delete=models.CASCADE, related_name="contact", verbose_name=_("report"))
    name = models.CharField(_("name"), max_length=200, blank=True)
    phone = models.CharField(_("phone"), max_length=40, blank=True)
    email = models.EmailField(_("e-mail"), blank=True)
    device_hash = models.CharField(max_length=64, blank=True, editable=False)

    class Meta:
        verbose_name = _("contact of a reporter")
        verbose_name_plural = _("contacts of reporters")

    def __str__(self) -> str:
        return str(_("contact of a reporter"))

    @property
    def words(self) -> list[str]:
        """What tells who it is, wherever it stands in a text."""
        return [known for known in (self.name, self.phone, self.email) if known]


class ReportPhoto(models.Model):
    """A photo, decoded and encoded anew, without the metadata that it came with."""

    report = models.ForeignKey(Report, on_delete=models.CASCADE, related_name="photos", verbose_name=_("report"))
    image = models.ImageField(_("image"), upload_to="photos/%Y/%m/", width_field="width", height_field="height")
    width = models.PositiveIntegerField(_("width (px)"), editable=False)
    height = models.PositiveIntegerField(_("height (px)"), editable=False)
    sha256 = models.CharField(max_length=64, editable=False)
    thumbnail = models.FileField(_("thumbnail"), upload_to="thumbnails/%Y/%m/", blank=True, editable=False)
    # What the photo's own metadata said, kept for those who check it; the metadata itself is gone.
    taken_at = models.DateTimeField(_("taken at"), null=True, blank=True, editable=False)
    distance_m = models.PositiveIntegerField(
        _("taken so far from the report (m)"), null=True, blank=True, editable=False
    )
    added_at = models.DateTimeField(_("added at"), auto_now_add=True)

    class Meta:
        verbose_name = _("photo")
        verbose_name_plural = _("photos")
        ordering = ["report", "id"]
        constraints = [models.UniqueConstraint(fields=["report", "sha256"], name="same_photo_once")]

    def __str__(self) -> str:
        return f"photo {self.pk} of {self.report_id}"


class ReportEvidence(models.Model):
    """A photo that shows what was done. Not public; what was found out about it informs who decides."""

    report = models.ForeignKey(Report, on_delete=models.CASCADE, related_name="evidence", verbose_name=_("report"))
    image = models.ImageField(_("image"), upload_to="evidence/%Y/%m/", width_field="width", height_field="height")
    width = models.PositiveIntegerField(_("width (px)"), editable=False)
    height = models.PositiveIntegerField(_("height (px)"), editable=False)
    sha256 = models.CharField(max_length=64, editable=False)
    # 64 bits as 16 hexadecimal digits: alike pictures differ in few of them.
    perceptual_hash = models.CharField(max_length=16, editable=False)
    # Its bands, by which alike ones are found; see geo.reports.photos.perceptual.
    hash_bands = ArrayField(models.SmallIntegerField(), default=list, editable=False)
    taken_at = models.DateTimeField(_("taken at"), null=True, blank=True, editable=False)
    distance_m = models.PositiveIntegerField(
        _("taken so far from the report (m)"), null=True, blank=True, editable=False
    )
    findings = models.JSONField(_("findings"), default=list, blank=True, editable=False)
    added_at = models.DateTimeField(_("added at"))
    added_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("added by"),
    )

    class Meta:
        verbose_name = _("evidence")
        verbose_name_plural = _("evidence")
        ordering = ["report", "id"]
        constraints = [models.UniqueConstraint(fields=["report", "sha256"], name="same_evidence_once")]
        indexes = [GinIndex(fields=["hash_bands"], name="evidence_bands")]

    def __str__(self) -> str:
        return f"evidence {self.pk} of {self.report_id}"


class ReportSupport(models.Model):
    """One supporter of a report, known only by the hash of a device token."""

    report = models.ForeignKey(Report, on_delete=models.CASCADE, related_name="supports", verbose_name=_("report"))
    device_hash = models.CharField(max_length=64)
    added_at = models.DateTimeField(_("added at"), auto_now_add=True)

    class Meta:
        verbose_name = _("support")
        verbose_name_plural = _("supports")
        constraints = [models.UniqueConstraint(fields=["report", "device_hash"], name="one_support_per_device")]

    def __str__(self) -> str:
        return f"support of {self.report_id}"


class IntakeCounter(models.Model):
    """How many reports a device, or a network address, sent in a window of time. The key is a keyed hash."""

    key_hash = models.CharField(max_length=64)
    window = models.DateTimeField()
    n = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name = _("intake counter")
        verbose_name_plural = _("intake counters")
        constraints = [models.UniqueConstraint(fields=["key_hash", "window"], name="one_counter_per_window")]

    def __str__(self) -> str:
        return f"{self.window:%H:%M} {self.n}"
