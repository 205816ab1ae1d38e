"""Which of our categories a channel's word means."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.db.models import Q

from geo.channels.models import ChannelConnection
from geo.reports.models import Category


@dataclass(frozen=True, slots=True)
class CategoryWords:
    """Words (as `word_key` writes them) and the slugs that they mean; `default` is for all others."""

    slugs: Mapping[str, str]
    default: str | None

    def slug(self, word: str) -> str | None:
        return self.slugs.get(word_key(word), self.default)


def word_key(word: str) -> str:
    """Upper or lower case, one space or two: the same word."""
    return " ".join(word.split()).casefold()


def load_category_words(connection: ChannelConnection) -> CategoryWords:
    """The connection's own list first; then what our categories in use are called themselves; then its default."""
    slugs: dict[str, str] = {}
    serving = Category.objects.filter(Q(city=None) | Q(city=connection.channel.city_id), is_active=True)
    for slug, name_id, name_en in serving.order_by("slug").values_list("slug", "name_id", "name_en"):
        for name in (name_id, name_en):
            slugs.setdefault(word_key(name), slug)
    slugs |= {slug: slug for slug in serving.values_list("slug", flat=True)}
    slugs |= {word_key(word): slug for word, slug in connection.category_map.items()}
    default = connection.default_category
    return CategoryWords(slugs, default.slug if default is not None else None)
