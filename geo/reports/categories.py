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
    value, above = getattr(category, name), category.parent_id
    if value is not None or above is None:
        return default if value is None else value
    said = {pk: (parent_id, value) for pk, parent_id, value in Category.objects.values_list("id", "parent_id", name)}
    for _step in said:  # no more steps than there are categories, should they ever form a ring
        if value is not None or above is None:
            break
        above, value = said[above]
    return default if value is None else value
