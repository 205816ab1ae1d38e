"""What gettext is asked for in the code and on the pages has its Indonesian."""

import ast
import gettext
import re
from collections.abc import Iterator

from django.conf import settings

ASKING = {"_", "gettext", "gettext_lazy", "pgettext", "pgettext_lazy", "gettext_noop"}
CODE = [path for folder in ("server", "geo", "sensors") for path in sorted((settings.BASE_DIR / folder).rglob("*.py"))]
PAGES = sorted((settings.BASE_DIR / "server/web/templates").rglob("*.html"))


def asked_in_code() -> Iterator[str]:
    for path in CODE:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ASKING:
                words = [argument.value for argument in node.args if isinstance(argument, ast.Constant)]
                if words:
                    yield "\x04".join(words)  # a context stands before the words, with EOT between


def asked_on_pages() -> Iterator[str]:
    for path in PAGES:
        for _quote, words in re.findall(r"""{% translate (["'])(.*?)\1""", path.read_text()):
            yield words


def test_every_sentence_has_its_indonesian() -> None:
    compiled = settings.BASE_DIR / "server/locale/id/LC_MESSAGES/django.mo"
    with compiled.open("rb") as file:
        known = gettext.GNUTranslations(file)._catalog  # type: ignore[attr-defined]
    asked = {*asked_in_code(), *asked_on_pages()}
    assert len(asked) > 500
    assert sorted(words for words in asked if not known.get(words)) == []
