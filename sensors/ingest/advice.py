"""What somebody can do about a message that was quarantined."""

from collections.abc import Mapping

from sensors.ingest.reasons import Reason

ADVICE: Mapping[Reason, str] = {
    Reason.BAD_TOPIC: "Publish to sensors/{thing}/{observed_property}, or make a topic rule for this topic.",
    Reason.BAD_JSON: "Send JSON in UTF-8; for another format, publish to the topic of its rule (sensors/{thing}/csv, …/senml).",
    Reason.BAD_PAYLOAD: "The format of this topic has another shape: compare with docs/devices.md.",
    Reason.NOT_A_NUMBER: "Send numbers: no text, no true or false, no NaN. A value that is missing is left out.",
    Reason.BAD_UNIT: "Send the UCUM code of a unit of the same kind as the datastream's, or none.",
    Reason.FOREIGN_IDENTITY: "Publish under the device's own name, or correct the name in the payload.",
    Reason.BAD_TIME: "Send RFC 3339 with an offset (2026-03-01T12:00:00+07:00), or seconds or milliseconds since 1970.",
    Reason.ABSURD_TIME: "Set the device's clock.",
    Reason.UNKNOWN_THING: "Register the thing (the admin, the API, import_things), then feed its messages again: replay_rejects.",
    Reason.UNKNOWN_DATASTREAM: "Give the thing a datastream of this property, or say in the topic rule what the name means.",
    Reason.CONFLICT: "Two results of one time: send each reading with its own time; correct_observation mends what is stored.",
    Reason.TOO_LARGE: "Send less at a time: at most 10,000 readings and a mebibyte.",
    Reason.FLOODING: "Send less often; where it is meant to send so much: manage devices limit THING N, then replay_rejects.",
    Reason.NOT_STORABLE: "The database refuses this value: whoever runs the service should see it.",
}
