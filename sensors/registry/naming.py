"""Slugs from the names that people give to posts and gauges. Pure."""

import hashlib
import re
import unicodedata

SLUG_CHARACTERS = 64
_OTHER = re.compile(r"[^a-z0-9]+")


def slug_of(name: str) -> str:
    """A slug as topics and MQTT user names take it; a slug is its own slug, and a name without letters or digits gives "".

    Accents fall away, and whatever else is no letter or digit becomes one hyphen: `P.A. Istiqlal  ` is `p-a-istiqlal`.
    A name too long for a slug keeps its beginning and gets eight digits of its hash, so that two long names stay two.
    """
    letters = (each for each in unicodedata.normalize("NFKD", name) if not unicodedata.combining(each))
    slug = _OTHER.sub("-", "".join(letters).lower()).strip("-")
    if len(slug) <= SLUG_CHARACTERS:
        return slug
    digest = hashlib.sha256(slug.encode()).hexdigest()[:8]
    return f"{slug[: SLUG_CHARACTERS - 9].rstrip('-')}-{digest}"


def same_name(one: str, other: str) -> bool:
    """Whether two spellings differ in spaces and case only."""
    return " ".join(one.split()).casefold() == " ".join(other.split()).casefold()
