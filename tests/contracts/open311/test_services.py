"""GET services and GET service definition."""

import pytest

from tests.contracts.open311.asking import Open311
from tests.contracts.open311.schemas import check

pytestmark = pytest.mark.django_db
ONE = "services/service"
ATTRIBUTE = "service_definition/attributes/attribute"


def column(open311: Open311, name: str, **headers: str) -> dict[str, str]:
    """One field of every service, by the service's code."""
    reply = open311.get("services", headers=headers)
    return dict(zip(reply.texts(f"{ONE}/service_code"), reply.texts(f"{ONE}/{name}"), strict=True))


def test_a_service_carries_code_name_description_metadata_type_keywords_and_group(open311: Open311) -> None:
    names = open311.get("services").names(ONE)
    assert names[0] == ["service_code", "service_name", "description", "metadata", "type", "keywords", "group"]
    assert len(set(map(tuple, names))) == 1


@pytest.mark.parametrize("form", ["json"])
def test_services_json_keeps_the_published_rules(open311: Open311) -> None:
    check("services", open311.get("services").json)
    check("service_definition", open311.get("services/genangan").json)
    check("service_definition", open311.get("services/sampah").json)


def test_services_are_the_categories_in_use(open311: Open311) -> None:
    assert open311.get("services").texts(f"{ONE}/service_code") == ["banjir", "genangan", "kekerasan", "sampah"]


def test_metadata_is_true_where_there_are_questions_and_only_there(open311: Open311) -> None:
    assert column(open311, "metadata") == {
        "banjir": "false",
        "genangan": "true",
        "kekerasan": "false",
        "sampah": "false",
    }


def test_type_says_whether_the_number_comes_at_once_or_a_token(open311: Open311) -> None:
    assert column(open311, "type") == {
        "banjir": "realtime",
        "genangan": "realtime",
        "kekerasan": "batch",
        "sampah": "realtime",
    }


def test_keywords_are_a_comma_list(open311: Open311) -> None:
    assert column(open311, "keywords") == {"banjir": "air, hujan", "genangan": "", "kekerasan": "", "sampah": ""}


def test_group_is_the_topmost_category(open311: Open311) -> None:
    assert column(open311, "group") == {
        "banjir": "Flood",
        "genangan": "Flood",
        "kekerasan": "Violence",
        "sampah": "Rubbish",
    }


def test_services_speak_indonesian_unless_english_is_wished_for(open311: Open311) -> None:
    assert column(open311, "service_name", **{"Accept-Language": "id"})["genangan"] == "Genangan"
    assert column(open311, "service_name", **{"Accept-Language": "en"})["genangan"] == "Standing water"
    assert column(open311, "description", **{"Accept-Language": "id"})["genangan"] == "Air yang tidak surut."
    reply = open311.get("services", {"lang": "en"}, headers={"Accept-Language": "id"})
    assert "Standing water" in reply.texts(f"{ONE}/service_name")


def test_a_definition_names_its_service_and_each_attribute_whole(open311: Open311) -> None:
    reply = open311.get("services/genangan")
    assert reply.text("service_definition/service_code") == "genangan"
    plain = ["variable", "code", "datatype", "required", "datatype_description", "order", "description"]
    assert reply.names(ATTRIBUTE) == [
        plain, [*plain, "values"], plain, plain, plain, plain, [*plain, "values"],
    ]  # fmt: skip


def test_attributes_come_with_every_datatype(open311: Open311) -> None:
    assert open311.get("services/genangan").texts(f"{ATTRIBUTE}/datatype") == [
        "text", "singlevaluelist", "number", "datetime", "string", "text", "multivaluelist",
    ]  # fmt: skip


def test_variable_is_false_for_what_only_informs_and_required_true_for_what_must_be_answered(open311: Open311) -> None:
    reply = open311.get("services/genangan")
    codes = reply.texts(f"{ATTRIBUTE}/code")
    assert dict(zip(codes, reply.texts(f"{ATTRIBUTE}/variable"), strict=True))["petunjuk"] == "false"
    assert reply.texts(f"{ATTRIBUTE}/variable").count("true") == 6
    assert dict(zip(codes, reply.texts(f"{ATTRIBUTE}/required"), strict=True))["kedalaman"] == "true"
    assert reply.texts(f"{ATTRIBUTE}/required").count("true") == 1


def test_order_is_positive_and_unique_and_attributes_come_in_it(open311: Open311) -> None:
    assert open311.get("services/genangan").texts(f"{ATTRIBUTE}/order") == ["1", "2", "3", "4", "5", "6", "7"]


def test_descriptions_say_what_is_asked_and_how_to_answer(open311: Open311) -> None:
    reply = open311.get("services/genangan")
    assert reply.texts(f"{ATTRIBUTE}/description")[2] == "How deep, in cm?"
    assert reply.texts(f"{ATTRIBUTE}/datatype_description")[2] == "Centimetres."


def test_values_of_a_list_have_key_and_name(open311: Open311) -> None:
    reply = open311.get("services/genangan")
    value = f"{ATTRIBUTE}/values/value"
    assert set(map(tuple, reply.names(value))) == {("key", "name")}
    assert reply.texts(f"{value}/key") == ["mata-kaki", "lutut", "macet", "2"]
    assert reply.texts(f"{value}/name") == ["To the ankle", "To the knee", "A jam", "A stall"]


def test_a_service_without_questions_has_no_attributes(open311: Open311) -> None:
    reply = open311.get("services/sampah")
    assert reply.text("service_definition/service_code") == "sampah"
    assert reply.names(ATTRIBUTE) == []


@pytest.mark.parametrize("code", ["unknown", "usang"])
def test_an_unknown_service_code_is_a_404(open311: Open311, code: str) -> None:
    reply = open311.get(f"services/{code}")
    assert reply.status == 404
    assert code in reply.errors[0][1]
