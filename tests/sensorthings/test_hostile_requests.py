"""What anybody may send and nobody should have to wait for: refused, or answered in bounds; none of it is a fault of the server."""

import json
from typing import Any

import pytest

from sensors.sensorthings.batch import execution
from sensors.sensorthings.batch.multipart import read_multipart
from sensors.sensorthings.batch.parts import BadBatch
from sensors.sensorthings.entities import ENTITY_TYPES
from sensors.sensorthings.options import parse_query
from tests.sensorthings.reading import Post, city_of_sensors

ROOT = "/sta/v1.1"


@pytest.fixture
def post(db: None) -> Post:
    return city_of_sensors()


def batch(client: Any, *urls: str, **headers: str) -> list[dict[str, Any]]:
    requests = [{"id": str(number), "method": "get", "url": url} for number, url in enumerate(urls)]
    answer = client.post(f"{ROOT}/$batch", json.dumps({"requests": requests}), "application/json", headers=headers)
    assert answer.status_code == 200, answer.content
    return list(answer.json()["responses"])


def refusal(client: Any, path: str, **options: str) -> str:
    answer = client.get(f"{ROOT}/{path}", {f"${name}": text for name, text in options.items()})
    assert answer.status_code == 400, answer.content
    return str(answer.json()["detail"])


def test_in_within_the_left_of_in_is_refused_instead_of_multiplied(client: Any, post: Post) -> None:
    text = "id in (1,2)"
    for _depth in range(40):  # 3^40 conditions, where each is written out
        text = f"({text}) in (true,false,true)"
    assert refusal(client, "Things", filter=text) == "$filter: what stands before in is a value, not a condition"


def test_in_is_still_of_many_values(client: Any, post: Post) -> None:
    answer = client.get(f"{ROOT}/Things", {"$filter": f"id in ({post.thing},0)", "$select": "id"})
    assert [each["@iot.id"] for each in answer.json()["value"]] == [post.thing]


@pytest.mark.parametrize(
    "text",
    [
        "st_touches(location,geography'LINEARRING (0 0, 1 1, 0 1, 0 0)')",
        "st_relate(location,geography'GEOMETRYCOLLECTION (POINT (1 1), LINESTRING (0 0, 1 1))','T********')",
    ],
)
def test_geometry_that_postgis_does_not_take_is_a_bad_parameter(client: Any, post: Post, text: str) -> None:
    assert "cannot be computed" in refusal(client, "Locations", filter=text)


def test_nul_in_a_path_leads_nowhere(client: Any, post: Post) -> None:
    assert client.get(f"{ROOT}/Things({post.thing})/properties/a%00b").status_code == 404


def test_a_set_is_not_expanded_inside_of_what_it_expands_to(client: Any, post: Post) -> None:
    text = "Datastreams($expand=Thing($expand=Datastreams))"
    assert refusal(client, "Things", expand=text).endswith("Datastreams are expanded inside of what they expand to")
    assert client.get(f"{ROOT}/Datastreams", {"$expand": "Thing($expand=Datastreams)"}).status_code == 200


def test_observations_of_each_of_many_are_shown_a_hundred_at_a_time() -> None:
    def shown(top: str) -> int:
        expand = "Datastreams($top=1000;$expand=Observations($top=10000))"
        query = parse_query(ENTITY_TYPES["Things"], {"$top": top, "$expand": expand})
        return query.expand[0].query.expand[0].query.top

    # A million at most in all, but never less than without $top: 1,000,000 / 100 / 1000, and / 1 / 1000.
    assert (shown("100"), shown("1")) == (100, 1000)


@pytest.mark.parametrize("url", ["\ud800", "http://[", "http://[::1/Things", "Things(1)/properties/a%00b"])
def test_address_in_a_batch_that_is_none_is_answered_alone(client: Any, post: Post, url: str) -> None:
    statuses = [each["status"] for each in batch(client, url, f"Things({post.thing})", Prefer="continue-on-error")]
    assert statuses == [404, 200]


def test_filter_in_a_batch_may_hold_any_letter(client: Any, post: Post) -> None:
    (answer,) = batch(client, "Things?$filter=name eq '\u20ac'")
    assert (answer["status"], answer["body"]["value"]) == (200, [])


def test_batch_ends_where_its_answers_grow_beyond_what_is_held(
    client: Any, post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(execution, "MOST_ANSWERED_BYTES", 10)
    answers = batch(client, "Things", "Things", "Things", Prefer="continue-on-error")
    assert [each["status"] for each in answers] == [200, 503]


def test_multipart_in_multipart_in_multipart_is_not_followed() -> None:
    body = b"".join(
        b"--b%d\r\nContent-Type: multipart/mixed; boundary=b%d\r\n\r\n" % (depth, depth + 1) for depth in range(1000)
    )
    with pytest.raises(BadBatch):
        read_multipart("multipart/mixed; boundary=b0", body + b"--b0--")


def test_parts_beyond_the_most_are_not_read() -> None:
    body = b"--b\r\nContent-Type: application/http\r\n\r\nGET Things\r\n\r\n\r\n" * 1001 + b"--b--"
    with pytest.raises(BadBatch, match="more than 1000 requests"):
        read_multipart("multipart/mixed; boundary=b", body)
