"""In which units things are measured here."""

from sensors.registry.import_file import Measured
from sensors.registry.models import Datastream


def units_in_use() -> dict[str, Measured]:
    """The unit of each observed property that is measured in one unit only so far, by its code."""
    named = Datastream.objects.order_by("unit_name").values_list("observed_property__code", "unit_ucum", "unit_name")
    units: dict[str, dict[str, str]] = {}
    for code, ucum, name in named.distinct():
        units.setdefault(code, {})[ucum] = name
    return {code: Measured(*next(iter(found.items()))) for code, found in units.items() if len(found) == 1}
