"""The rules of GeoReport v2's published JSON schemas, as JSON Schema.

Source: the schemas of the Open311 project's validator (service, service-definition, request) and the documents GeoReport_v2
and Service_Discovery of its wiki. What the documents demand beyond the schemas is stricter here: no other members (the XML has
"no foreign tags"), times with an offset, ids that are text, orders that are positive.
"""

from typing import Any

import jsonschema

TEXT: dict[str, Any] = {"type": "string"}
FILLED: dict[str, Any] = {"type": "string", "minLength": 1}
MAYBE_TEXT: dict[str, Any] = {"type": ["string", "null"]}
# The W3C note's complete date with hours, minutes, seconds and a zone.
TIME = r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$"
W3C_TIME: dict[str, Any] = {"type": "string", "pattern": TIME}
MAYBE_TIME: dict[str, Any] = {"type": ["string", "null"], "pattern": TIME}


def document(properties: dict[str, Any], required: list[str] | None = None) -> dict[str, Any]:
    """An object of these members alone; all of them are required unless some are named."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties) if required is None else required,
        "additionalProperties": False,
    }


def array(items: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "array", "items": items, **more}


SERVICE = document(
    {
        "service_code": FILLED,
        "service_name": FILLED,
        "description": MAYBE_TEXT,
        "metadata": {"type": "boolean"},
        "type": {"enum": ["realtime", "batch", "blackbox"]},
        "keywords": MAYBE_TEXT,
        "group": MAYBE_TEXT,
    }
)
VALUE = document({"key": TEXT, "name": TEXT})
ATTRIBUTE = document(
    {
        "variable": {"type": "boolean"},
        "code": FILLED,
        "datatype": {"enum": ["string", "number", "datetime", "text", "singlevaluelist", "multivaluelist"]},
        "required": {"type": "boolean"},
        "datatype_description": MAYBE_TEXT,
        "order": {"type": "integer", "minimum": 1},
        "description": MAYBE_TEXT,
        "values": array(VALUE),
    },
    required=["variable", "code", "datatype", "required", "datatype_description", "order", "description"],
)
REQUEST = document(
    {
        "service_request_id": FILLED,
        "status": {"enum": ["open", "closed"]},
        "status_notes": MAYBE_TEXT,
        "service_name": MAYBE_TEXT,
        "service_code": FILLED,
        "description": {"type": ["string", "null"], "maxLength": 4000},
        "agency_responsible": MAYBE_TEXT,
        "service_notice": MAYBE_TEXT,
        "requested_datetime": W3C_TIME,
        "updated_datetime": MAYBE_TIME,
        "expected_datetime": MAYBE_TIME,
        "address": MAYBE_TEXT,
        "address_id": MAYBE_TEXT,
        "zipcode": MAYBE_TEXT,
        "lat": {"type": ["number", "null"], "minimum": -90, "maximum": 90},
        "long": {"type": ["number", "null"], "minimum": -180, "maximum": 180},
        "media_url": {"type": ["string", "null"], "pattern": "^https?://"},
    }
)
RULES: dict[str, dict[str, Any]] = {
    "services": array(SERVICE),
    "service_definition": document({"service_code": FILLED, "attributes": array(ATTRIBUTE)}),
    "requests": array(REQUEST),
    "request": array(REQUEST, minItems=1, maxItems=1),
    "created": {
        **array(
            document(
                {
                    "service_request_id": FILLED,
                    "token": FILLED,
                    "service_notice": MAYBE_TEXT,
                    "account_id": MAYBE_TEXT,
                    "report_link": FILLED,
                },
                required=[],
            ),
            minItems=1,
            maxItems=1,
        )
    },
    "token": array(document({"service_request_id": FILLED, "token": FILLED}), minItems=1, maxItems=1),
    "errors": array(document({"code": {"type": "integer"}, "description": FILLED}), minItems=1),
    "discovery": document(
        {
            "changeset": FILLED,
            "contact": FILLED,
            "key_service": FILLED,
            "endpoints": array(
                document(
                    {
                        "specification": {"const": "http://wiki.open311.org/GeoReport_v2"},
                        "url": {"type": "string", "pattern": "^https?://.*[^/]$"},
                        "changeset": FILLED,
                        "type": {"enum": ["production", "test"]},
                        "formats": array({"enum": ["text/xml", "application/json"]}, minItems=1, uniqueItems=True),
                    }
                ),
                minItems=1,
            ),
        }
    ),
}
# Exactly one of the two: the number, or a token in its stead.
RULES["created"]["items"]["oneOf"] = [{"required": ["service_request_id"]}, {"required": ["token"]}]


def check(name: str, answer: Any) -> None:
    jsonschema.validate(answer, RULES[name])
