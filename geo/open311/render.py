"""GeoReport's two formats: JSON as it is, and the XML of which that JSON is a mapping (the Spark convention). Pure."""

import json
import re
from typing import Any, Final
from xml.etree.ElementTree import Element, SubElement, tostring

MEDIA_TYPES: Final = {"json": "application/json; charset=utf-8", "xml": "text/xml; charset=utf-8"}
# What one element of a list is called.
ITEMS: Final = {
    "services": "service",
    "attributes": "attribute",
    "values": "value",
    "service_requests": "request",
    "endpoints": "endpoint",
    "formats": "format",
    "errors": "error",
}
# XML 1.0 has no way at all to write these, not even as a reference.
_NO_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render(root: str, data: Any, form: str) -> bytes:
    """`data` (dicts, lists, texts, numbers, booleans, None) as JSON, or as XML under an element `root`."""
    if form == "xml":
        element = Element(root)
        _fill(element, data)
        return b'<?xml version="1.0" encoding="utf-8"?>\n' + tostring(element, encoding="utf-8", xml_declaration=False)
    # Half a surrogate pair has no UTF-8; \udXXX is its JSON.
    return json.dumps(data, ensure_ascii=False, allow_nan=False).encode("utf-8", "backslashreplace")


def _fill(element: Element, data: Any) -> None:
    if isinstance(data, dict):
        for name, value in data.items():
            _fill(SubElement(element, name), value)
    elif isinstance(data, list):
        for value in data:
            _fill(SubElement(element, ITEMS[element.tag]), value)
    elif data is not None:
        element.text = _NO_XML.sub("", _text(data))


def _text(value: str | bool | int | float) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:.7f}".rstrip("0").rstrip(".")  # degrees, and never 1e-07
    return str(value)
