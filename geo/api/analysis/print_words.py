"""The words of what a result says of its whole map, for its sheet."""

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

FIGURES: Mapping[str, str | Promise] = {
    "bandwidth_m": _("bandwidth (m)"),
    "bandwidth_rule": _("rule of the bandwidth"),
    "bivariate_moran": _("bivariate Moran's I"),
    "borrowed": _("areas with readings from elsewhere"),
    "cell_m": _("size of the cells (m)"),
    "cold": _("cold spots"),
    "high_high": _("high among high"),
    "high_low": _("high among low"),
    "hot": _("hot spots"),
    "islands": _("without neighbours"),
    "kernel": _("kernel"),
    "lee": _("Lee's L"),
    "low_high": _("low among high"),
    "low_low": _("low among low"),
    "metric_srid": _("projection (EPSG)"),
    "moran": _("global Moran's I"),
    "moran_permutations": _("permutations of the global I"),
    "peak": _("peak"),
    "places_rounded_to_m": _("places rounded to (m)"),
    "reports": _("reports counted"),
    "reports_outside": _("reports outside"),
    "reports_without_place": _("reports without a place"),
    "spearman": _("Spearman's rho"),
    "unit": _("unit"),
    "without_value": _("without a value"),
}
