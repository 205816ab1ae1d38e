"""Why a message, or one element of it, was put into quarantine."""

from enum import StrEnum


class Reason(StrEnum):
    """The closed list of reasons; the value is what the quarantine stores and `replay_rejects --reason` takes."""

    BAD_TOPIC = "bad_topic"  # not sensors/{thing} or sensors/{thing}/{observed_property}, and of no topic rule
    BAD_JSON = "bad_json"  # not UTF-8, or not JSON
    BAD_PAYLOAD = "bad_payload"  # of another shape than the topic's format
    NOT_A_NUMBER = "not_a_number"  # a result that is no finite JSON number
    BAD_UNIT = "bad_unit"  # no unit of UCUM, or of another dimension than the datastream's
    FOREIGN_IDENTITY = "foreign_identity"  # the payload names another device than its topic
    BAD_TIME = "bad_time"  # a time that cannot be read, or that has no offset
    ABSURD_TIME = "absurd_time"  # before 1990, or more than a day ahead
    UNKNOWN_THING = "unknown_thing"
    UNKNOWN_DATASTREAM = "unknown_datastream"  # the thing is known, and does not measure this
    CONFLICT = "conflict"  # another result is stored at this datastream's same time
    TOO_LARGE = "too_large"  # more bytes or more readings than one message may carry
    FLOODING = "flooding"  # its device sends more than its limit
    NOT_STORABLE = "not_storable"  # the database refused this very value
