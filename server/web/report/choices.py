"""What the form offers to choose from: categories with their pictures, and areas by name."""

from collections.abc import Iterator
from dataclasses import dataclass

from geo.areas.models import Area
from geo.reports.models import Category

# The topmost categories as people look for them: what is reported most stands first. Others follow by their names, and
# what fits nowhere stands last.
FIRST = (
    *("jalan-rusak", "sampah", "banjir", "lampu-jalan", "kemacetan", "pohon-tumbang", "fasilitas-umum", "parkir-liar"),
    *("pencemaran", "pkl-liar", "iklan-liar", "bangunan-tanpa-izin", "pelanggaran", "kebakaran", "kesehatan", "sosial"),
)
LAST = "lainnya"
# A picture of each of these is in pantau/report/symbols.svg.
PICTURED = frozenset(FIRST)


@dataclass(frozen=True, slots=True)
class Choice:
    """A category as it is chosen; `below` are those that say it more exactly."""

    slug: str
    name: str
    symbol: str
    below: tuple["Choice", ...] = ()


@dataclass(frozen=True, slots=True)
class Place:
    code: str
    name: str


@dataclass(frozen=True, slots=True)
class PlaceGroup:
    """Areas of one area above them, as a list shows them."""

    name: str
    places: tuple[Place, ...]


@dataclass(frozen=True, slots=True)
class Places:
    """`roots` are the cities themselves, for a wish that is for no area in particular."""

    roots: tuple[Place, ...]
    groups: tuple[PlaceGroup, ...]


def category_choices() -> list[Choice]:
    """The categories in use, as a tree in names of the language that is asked for; three levels deep at most."""
    below: dict[int | None, list[Category]] = {}
    for category in Category.objects.filter(is_active=True):
        below.setdefault(category.parent_id, []).append(category)

    def choice(category: Category, symbol: str) -> Choice:
        return Choice(category.slug, category.name, symbol, tuple(_flat(category, symbol, below)))

    tops = sorted(below.get(None, []), key=_rank)
    return [choice(each, each.slug if each.slug in PICTURED else LAST) for each in tops]


def _flat(category: Category, symbol: str, below: dict[int | None, list[Category]]) -> Iterator[Choice]:
    for child in sorted(below.get(category.pk, []), key=lambda each: each.name):
        yield Choice(child.slug, child.name, symbol)
        yield from _flat(child, symbol, below)


def _rank(category: Category) -> tuple[int, str]:
    if category.slug == LAST:
        return len(FIRST) + 1, ""
    return (FIRST.index(category.slug) if category.slug in FIRST else len(FIRST)), category.name


def place_choices() -> Places:
    """The smallest areas of every city, each under the area above it. Boundaries are not read."""
    areas = list(
        Area.objects.current()
        .select_related("city")
        .only("code", "name", "parent_id", "city__name", "city_id")
        .order_by("city__name", "name")
    )
    by_id = {area.pk: area for area in areas}
    above = {area.parent_id for area in areas}
    roots = [area for area in areas if area.parent_id is None]
    groups: dict[str, list[Place]] = {}
    for area in sorted(areas, key=lambda each: _path(each, by_id)):
        if area.pk not in above and area.parent_id is not None:
            # Names of districts occur in several cities.
            city = f"{area.city.name} · " if len(roots) > 1 else ""
            parent = by_id.get(area.parent_id)
            groups.setdefault(f"{city}{parent.name if parent else ''}", []).append(Place(area.code, area.name))
    return Places(
        tuple(Place(area.code, area.name) for area in roots),
        tuple(PlaceGroup(name, tuple(places)) for name, places in groups.items()),
    )


def _path(area: Area, by_id: dict[int, Area]) -> tuple[str, str, str]:
    parent = by_id.get(area.parent_id or 0)
    return area.city.name, parent.name if parent is not None else "", area.name
