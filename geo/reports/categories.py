"""The category tree."""

from collections.abc import Sequence

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
