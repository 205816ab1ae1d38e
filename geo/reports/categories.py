"""The category tree."""

from collections.abc import Sequence
from typing import Any

from geo.reports.models import Category


def with_descendants(slugs: Sequence[str]) -> list[int]:
    """The ids of these categories and of all below them, in one query (there are dozens, not thousands)."""
    children: dict[int | None, list[int]] = {}
    found: list[int] = []
    for pk, parent_id, slug in Category.objects.values_list("id", "parent_id", "slug"):
        children.setdefault(parent_id, []).append(pk)
        if slug in slugs:
            found.append(pk)
    seen: set[int] = set()
    while found:
        pk = found.pop()
        if pk not in seen:
            seen.add(pk)
            found.extend(children.get(pk, ()))
    return sorted(seen)


def inherited(category: Category, name: str, default: Any) -> Any:
    """What a category says of `name`, else the nearest above it that says anything, else the default. One query at most."""
    value = getattr(category, name)
    if value is None and category.parent_id is not None:
        value = inherited_by_all(name)[category.pk]
    return default if value is None else value


def inherited_by_all(name: str) -> dict[int, Any]:
    """The same for every category, in one query: None where none above it says anything either."""
    said = {pk: (parent_id, value) for pk, parent_id, value in Category.objects.values_list("id", "parent_id", name)}
    found = {}
    for pk, (above, value) in said.items():
        for _step in said:  # no more steps than there are categories, should they ever form a ring
            if value is not None or above is None:
                break
            above, value = said[above]
        found[pk] = value
    return found
