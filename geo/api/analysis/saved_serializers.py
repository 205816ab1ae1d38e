"""A saved analysis on its way in and out."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from geo.analysis.saved import SavedAnalysis
from geo.areas.models import slug_rule
from geo.layers.saving import LONGEST_SLUG
from server.core.listing import absolute_url


class FrozenSerializer(serializers.ModelSerializer[SavedAnalysis]):
    """What it takes to cite the result, and to compute it again."""

    frozen_by = serializers.SerializerMethodField(help_text="User name; null to all but staff of the city.")
    as_of = serializers.DateTimeField(source="result_set.as_of", help_text="When the result was computed.")
    parameters = serializers.DictField(
        source="result_set.parameters", help_text="As they were resolved: periods in full, categories by number."
    )

    class Meta:
        model = SavedAnalysis
        fields = [
            "frozen_at",
            "frozen_by",
            "as_of",
            "data_version",
            "code_version",
            "seed",
            "checksum",
            "parameters",
        ]

    @extend_schema_field(serializers.CharField(allow_null=True))
    def get_frozen_by(self, saved: SavedAnalysis) -> str | None:
        return saved.frozen_by.get_username() if saved.frozen_by and self.context.get("names_users") else None


class SavedLinksSerializer(serializers.Serializer[Any]):
    self = serializers.URLField()
    collection = serializers.URLField(help_text="In the OGC API, for QGIS and GDAL.")
    geojson = serializers.URLField()
    qgis = serializers.URLField()
    print = serializers.URLField()


class SavedAnalysisSerializer(serializers.ModelSerializer[SavedAnalysis]):
    """`id` is that of the collection."""

    id = serializers.CharField(source="slug")
    city = serializers.CharField(source="city.slug")
    parameters = serializers.DictField(child=serializers.CharField())
    owner = serializers.SerializerMethodField(help_text="User name; null to all but staff of the city.")
    frozen = serializers.SerializerMethodField()
    links = serializers.SerializerMethodField()

    class Meta:
        model = SavedAnalysis
        fields = [
            "id",
            "title",
            "description",
            "city",
            "layer",
            "parameters",
            "visibility",
            "refresh",
            "owner",
            "created_at",
            "updated_at",
            "frozen",
            "links",
        ]

    @extend_schema_field(serializers.CharField(allow_null=True))
    def get_owner(self, saved: SavedAnalysis) -> str | None:
        return saved.owner.get_username() if self.context.get("names_users") else None

    @extend_schema_field(FrozenSerializer(allow_null=True))
    def get_frozen(self, saved: SavedAnalysis) -> Any:
        return FrozenSerializer(saved, context=self.context).data if saved.is_frozen else None

    @extend_schema_field(SavedLinksSerializer)
    def get_links(self, saved: SavedAnalysis) -> dict[str, str]:
        paths = {
            "self": f"/api/analysis/saved/{saved.slug}/",
            "collection": f"/ogc/collections/{saved.slug}",
            "geojson": f"/layers/{saved.slug}.geojson",
            "qgis": f"/layers/{saved.slug}.qlr",
            "print": f"/api/analysis/saved/{saved.slug}/print/",
        }
        return {name: absolute_url(self.context["request"]._request, path) for name, path in paths.items()}


class SavedPageSerializer(serializers.Serializer[Any]):
    next = serializers.URLField(allow_null=True)
    results = SavedAnalysisSerializer(many=True)


class StrictSerializer(serializers.Serializer[Any]):
    """What it does not know it refuses by name: a change that is not made must not look as if it were."""

    def validate(self, attrs: Any) -> Any:
        unknown = sorted(set(self.initial_data) - set(self.fields))
        if unknown:
            raise serializers.ValidationError({name: [_("This cannot be given here.")] for name in unknown})
        return attrs

    def validate_refresh(self, value: str) -> str:
        if value == SavedAnalysis.Refresh.FROZEN:
            raise serializers.ValidationError(_("An analysis is frozen at its address freeze/, not by its refresh."))
        return value


class SavedChange(StrictSerializer):
    """What may be changed of one that is not frozen."""

    title = serializers.CharField(max_length=200, required=False)
    description = serializers.CharField(max_length=1000, required=False, allow_blank=True)
    visibility = serializers.ChoiceField(
        choices=SavedAnalysis.Visibility.choices,
        required=False,
        help_text="A change to `link` gives it a new id, which ends in what cannot be guessed.",
    )
    refresh = serializers.ChoiceField(choices=SavedAnalysis.Refresh.choices, required=False)


class SavedInput(StrictSerializer):
    city = serializers.CharField(required=False, help_text="Slug; with one city it is the default.")
    layer = serializers.CharField(max_length=64, help_text="Id of a computed layer.")
    parameters = serializers.DictField(
        required=False, default=dict, help_text="The layer's parameters by name, as they stand in an address."
    )
    title = serializers.CharField(max_length=200)
    id = serializers.CharField(
        max_length=LONGEST_SLUG, required=False, validators=[slug_rule], help_text="Made of the title unless given."
    )
    description = serializers.CharField(max_length=1000, required=False, allow_blank=True, default="")
    visibility = serializers.ChoiceField(choices=SavedAnalysis.Visibility.choices, required=False, default="public")
    refresh = serializers.ChoiceField(choices=SavedAnalysis.Refresh.choices, required=False, default="live")
