"""load_fixtures: Bekasi from nothing, and never over what the city has made its own."""

import csv
import shutil
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError

from geo.models import (
    Agency,
    Area,
    Category,
    CategoryAgency,
    CategoryAttribute,
    Channel,
    City,
    PopulationFigure,
    ThingPlacement,
    WorkingCalendar,
    WorkingInterval,
)
from geo.reports.categories import inherited
from sensors.models import ObservedProperty, Thing
from tests.db.squares import assert_placed_as_by_brute_force, feature, import_areas, square, write_geojson

pytestmark = pytest.mark.django_db
FOLDER = Path(settings.BASE_DIR) / "fixtures/bekasi"


def load(capsys: pytest.CaptureFixture[str], **options: str) -> str:
    capsys.readouterr()
    call_command("load_fixtures", **options)
    return capsys.readouterr().out


def published_areas_km2(level: str) -> dict[str, float]:
    with (FOLDER / f"{level}.csv").open(encoding="utf-8") as file:
        return {row["code"]: float(row["area_km2"]) for row in csv.DictReader(file)}


def test_bekasi_comes_whole_and_a_second_run_changes_nothing(capsys):
    load(capsys)
    counts = {level: Area.objects.filter(level__code=level).count() for level in ("kota", "kecamatan", "kelurahan")}
    assert counts == {"kota": 1, "kecamatan": 12, "kelurahan": 56}
    assert all(Area.objects.values_list("is_schematic", flat=True))
    for level in ("kecamatan", "kelurahan"):
        published = published_areas_km2(level)
        for area in Area.objects.filter(level__code=level):
            assert area.area_km2 == pytest.approx(published[area.code], rel=0.05), area.code
    assert PopulationFigure.objects.get(area__code="32.75", year=2020).population == 2_543_676
    assert sorted(PopulationFigure.objects.values_list("area__name", flat=True)) == [
        "Bantargebang", "Bekasi Timur", "Bekasi Utara", "Kota Bekasi"
    ]  # fmt: skip
    assert Thing.objects.count() >= 60
    kecamatan = ThingPlacement.objects.filter(area__ancestry__level__code="kecamatan")
    assert kecamatan.values("area__ancestry__ancestor").distinct().count() == 12
    assert_placed_as_by_brute_force()

    models = [
        City,
        Area,
        PopulationFigure,
        Agency,
        Category,
        CategoryAgency,
        CategoryAttribute,
        Channel,
        Thing,
        ThingPlacement,
        ObservedProperty,
        WorkingCalendar,
        WorkingInterval,
    ]
    before = [list(model.objects.order_by("pk").values()) for model in models]
    said = load(capsys)
    assert said.count("nothing to do") == 13
    assert "created" not in said
    assert [list(model.objects.order_by("pk").values()) for model in models] == before


def test_what_the_city_has_edited_stays_and_what_is_missing_comes_back(capsys):
    load(capsys)
    City.objects.update(name="Bekasi Kota Patriot")
    Category.objects.filter(slug="banjir").update(sla_working_hours=4)
    Agency.objects.filter(slug="dlh").update(name_en="Edited")
    Channel.objects.filter(slug="pot").update(is_active=False)
    PopulationFigure.objects.update(population=1)
    ObservedProperty.objects.filter(code="pm25").update(name_en="Fine dust")
    CategoryAgency.objects.filter(category__slug="sampah").update(valid_from="2025-05-05")
    responsibilities = CategoryAgency.objects.count()
    Thing.objects.get(slug="river-p2c").delete()
    kept = Thing.objects.exclude(slug="river-p2c").first()
    Thing.objects.filter(pk=kept.pk).update(name="Edited")
    Channel.objects.filter(slug="sorot").delete()

    said = load(capsys)
    assert "channels: 1 created" in said
    assert "things: 1 created" in said
    assert City.objects.get().name == "Bekasi Kota Patriot"
    assert Category.objects.get(slug="banjir").sla_working_hours == 4
    assert Agency.objects.get(slug="dlh").name_en == "Edited"
    assert Channel.objects.get(slug="pot").is_active is False
    assert set(PopulationFigure.objects.values_list("population", flat=True)) == {1}
    assert ObservedProperty.objects.get(code="pm25").name_en == "Fine dust"
    assert CategoryAgency.objects.count() == responsibilities
    assert Thing.objects.get(pk=kept.pk).name == "Edited"
    assert Thing.objects.filter(slug="river-p2c").exists()


def test_categories_come_with_their_questions_keywords_and_open311_types(capsys):
    load(capsys)
    questions = CategoryAttribute.objects.order_by("category__slug").values_list("category__slug", "code", "datatype")
    assert list(questions) == [
        ("genangan", "tinggi-air", "number"),
        ("jalan-berlubang", "ukuran", "singlevaluelist"),
        ("lampu-jalan", "nomor-tiang", "string"),
    ]
    assert Category.objects.get(slug="lampu-jalan").keywords == "PJU, gelap, mati"
    batch = Category.objects.filter(open311_type="batch").order_by("slug").values_list("slug", flat=True)
    assert list(batch) == ["kekerasan", "orang-telantar"]


def test_damaged_roads_with_all_below_them_and_nothing_else_need_a_photo_when_they_are_resolved(capsys):
    load(capsys)
    needed = {category.slug for category in Category.objects.all() if inherited(category, "needs_evidence", False)}
    assert needed == {"jalan-rusak", "jalan-berlubang", "trotoar-rusak"}


def test_a_category_that_asks_something_else_keeps_its_own_questions(capsys):
    load(capsys)
    CategoryAttribute.objects.filter(category__slug="genangan").update(code="sejak-kapan", datatype="datetime")
    CategoryAttribute.objects.filter(category__slug="lampu-jalan").delete()
    assert "questions of categories: 1 created" in load(capsys)
    codes = CategoryAttribute.objects.order_by("category__slug").values_list("code", flat=True)
    assert list(codes) == ["sejak-kapan", "ukuran", "nomor-tiang"]


def test_questions_of_an_unknown_category_are_a_sentence_and_leave_nothing_of_the_city(tmp_path, capsys):
    shutil.copytree(FOLDER, tmp_path / "bekasi")
    path = tmp_path / "bekasi/category_attributes.json"
    path.write_text(path.read_text().replace("lampu-jalan", "lampu-taman"))
    with pytest.raises(CommandError, match=r"category_attributes.json names lampu-taman: unknown"):
        load(capsys, root=tmp_path)
    assert not City.objects.exists()


def test_official_boundaries_that_were_imported_since_stay(capsys, tmp_path):
    load(capsys)
    path = write_geojson(
        tmp_path / "k.geojson", [feature("32.75.01.1001", square(107, -6.3, 0.1), parent_code="32.75.01")]
    )
    import_areas(path, "kelurahan", replace=True)
    assert "areas: nothing to do" in load(capsys)
    assert Area.objects.current().filter(level__code="kelurahan").count() == 1


def test_an_error_in_one_file_leaves_nothing_of_the_city(tmp_path, capsys):
    shutil.copytree(FOLDER, tmp_path / "bekasi")
    (tmp_path / "bekasi/channels.json").write_text("[{")
    with pytest.raises(CommandError, match=r"channels.json cannot be read"):
        load(capsys, root=tmp_path)
    assert not City.objects.exists()


def test_a_city_without_fixtures_is_a_sentence(capsys):
    with pytest.raises(CommandError, match=r"holds no city.json"):
        load(capsys, city="atlantis")
