"""Population: dated figures with their source; what is unknown stays unknown."""

from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection

from geo.models import Area, PopulationFigure
from tests.db.squares import make_square_city

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _city() -> None:
    make_square_city()


def write(path: Path, *lines: str, header: str = "code,population") -> Path:
    path.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    return path


def load(path: Path, capsys: pytest.CaptureFixture[str], year: int = 2020, source: str = "BPS", **options: str) -> str:
    call_command("import_population", str(path), year=year, source=source, **options)
    return capsys.readouterr().out.strip()


def latest() -> dict[str, tuple[int, int, str]]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT a.code, f.population, f.year, f.source FROM geo_population_latest f JOIN geo_area a ON a.id = f.area_id"
        )
        return {row[0]: row[1:] for row in cursor.fetchall()}


def test_figures_are_kept_with_year_and_source_and_the_same_again_changes_nothing(tmp_path, capsys):
    path = write(tmp_path / "p.csv", "32.99,2543676", "32.99.01,257030")
    assert load(path, capsys) == "population 2020: 2 added, 0 changed, 0 unchanged, 0 unknown"
    assert load(path, capsys) == "population 2020: 0 added, 0 changed, 2 unchanged, 0 unknown"
    assert latest() == {"32.99": (2543676, 2020, "BPS"), "32.99.01": (257030, 2020, "BPS")}


def test_a_later_figure_of_the_same_year_replaces(tmp_path, capsys):
    load(write(tmp_path / "p.csv", "32.99,100"), capsys)
    assert "0 added, 1 changed" in load(write(tmp_path / "p.csv", "32.99,200"), capsys, source="BPS, corrected")
    assert latest() == {"32.99": (200, 2020, "BPS, corrected")}


def test_the_latest_year_counts_whatever_the_order_of_loading(tmp_path, capsys):
    load(write(tmp_path / "p.csv", "32.99,300"), capsys, year=2024)
    load(write(tmp_path / "p.csv", "32.99,100"), capsys, year=2010)
    assert latest()["32.99"][:2] == (300, 2024)
    assert PopulationFigure.objects.count() == 2


def test_an_unknown_figure_makes_no_row_and_nothing_is_summed_up(tmp_path, capsys):
    assert "1 added, 0 changed, 0 unchanged, 1 unknown" in load(
        write(tmp_path / "p.csv", "32.99.01,5", "32.99.02,"), capsys
    )
    assert set(latest()) == {"32.99.01"}


def test_columns_may_have_other_names(tmp_path, capsys):
    path = write(tmp_path / "p.csv", "x,32.99,7", header="nama,kode,jumlah")
    assert "1 added" in load(path, capsys, code_field="kode", value_field="jumlah")


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        (["32.99,1", "32.00,5"], r"row 3: there is no area with the code '32.00'"),
        (["32.99,257.030"], r"row 2 \(32.99\): '257.030' is not a count of people in plain digits"),
        (["32.99,-1"], r"'-1' is not a count"),
        (["32.99,99999999999"], r"is not a count"),
        ([",5"], r"row 2: the column 'code' is empty"),
        (["32.99,1", "32.99,2"], r"row 3: the code '32.99' was already in row 2"),
    ],
)
def test_a_bad_row_is_named_and_nothing_is_kept(tmp_path, capsys, lines, sentence):
    with pytest.raises(CommandError, match=sentence):
        load(write(tmp_path / "p.csv", *lines), capsys)
    assert not PopulationFigure.objects.exists()


def test_a_missing_column_is_named_with_those_there_are(tmp_path, capsys):
    with pytest.raises(CommandError, match=r"no column 'code'. Its columns: kode, population"):
        load(write(tmp_path / "p.csv", "32.99,1", header="kode,population"), capsys)


def test_a_figure_without_a_source_or_with_an_odd_year_is_refused(tmp_path, capsys):
    path = write(tmp_path / "p.csv", "32.99,1")
    with pytest.raises(CommandError, match="names its source"):
        load(path, capsys, source=" ")
    with pytest.raises(CommandError, match="20200 is not a year"):
        load(path, capsys, year=20200)


def test_a_file_that_is_absent_or_no_text_is_a_sentence(tmp_path, capsys):
    with pytest.raises(CommandError, match="cannot be read as CSV"):
        load(tmp_path / "absent.csv", capsys)
    (tmp_path / "x.csv").write_bytes(b"code,population\n\xff,1\n")
    with pytest.raises(CommandError, match="cannot be read as CSV"):
        load(tmp_path / "x.csv", capsys)


def test_an_area_keeps_its_figures_when_its_boundary_changes():
    area = Area.objects.get(code="32.99")
    PopulationFigure.objects.create(area=area, year=2020, population=9, source="BPS")
    area.name = "Baru"
    area.save()
    assert latest()["32.99"] == (9, 2020, "BPS")
