"""What is masked, and what only looks like it."""

import pytest

from geo.reports.privacy import mask


@pytest.mark.parametrize(
    "number",
    [
        "081234567890",
        "0812-3456-7890",
        "0812 3456 7890",
        "0812.3456.7890",
        "+6281234567890",
        "+62 812-3456-7890",
        "+62 (0) 812 3456 7890",
        "62 812 3456 7890",
        "6281234567890",
        "0062 812 3456 7890",
        "(021) 8895 4321",
        "021-88954321",
        "02188954321",
        "(+62) 812 3456 7890",
        "085612345678",
        "08123456789012",
    ],
)
def test_telephone_number_is_masked_in_every_usual_form(number: str) -> None:
    assert mask(f"hubungi {number} ya") == "hubungi [telepon] ya"
    assert "[telepon]" in mask(f"HP:{number},")


def test_number_at_either_end_of_the_text_is_masked() -> None:
    assert mask("081234567890") == "[telepon]"
    assert mask("HP081234567890") == "HP[telepon]"
    assert mask("hub.081234567890,085612345678") == "hub.[telepon],[telepon]"
    assert mask("WA 081234567890.") == "WA [telepon]."
    assert mask("081234567890/085612345678") == "[telepon]/[telepon]"


@pytest.mark.parametrize("address", ["siti@example.org", "a.b+c@mail.example.co.id", "SITI_R@Example.COM"])
def test_email_is_masked(address: str) -> None:
    assert mask(f"surel {address}, terima kasih") == "surel [e-mail], terima kasih"


@pytest.mark.parametrize(
    "number", ["3275014107900001", "3275 0141 0790 0001", "327501-410790-0001", "32.75.01.410790.0001"]
)
def test_population_register_number_is_masked(number: str) -> None:
    assert mask(f"NIK {number} atas nama") == "NIK [NIK] atas nama"


@pytest.mark.parametrize(
    "text",
    [
        "Jalan Mawar No. 12 RT 04/RW 02",
        "RT 004 RW 012 Kelurahan Kayuringin",
        "Rp 1.500.000 dan Rp 25.000.000,00",
        "Rp1500000000",
        "pada 05-11-2015 pukul 08.30",
        "tanggal 05/11/2015",
        "sejak 01 02 2016 jam 10",
        "pelat B 1234 XYZ",
        "kode pos 17144",
        "koordinat -6.234567, 106.989612",
        "tinggi air 630-640 cm di P2C",
        "lebar 2 m x 30 m, 3 titik",
        "blok A1/07 no 0812",
        "Jl. H. Ir. Juanda 100-102",
        "nomor tiket 20151111-000123",
        "lubang @ depan sekolah",
        "jam 07.00-09.00 dan 16.00-19.00",
        "",
    ],
)
def test_what_only_looks_like_personal_data_is_kept(text: str) -> None:
    assert mask(text) == text


def test_masking_twice_changes_nothing_more() -> None:
    once = mask("081234567890 siti@example.org 3275014107900001")
    assert mask(once) == once == "[telepon] [e-mail] [NIK]"


def test_long_text_is_masked_in_no_time() -> None:
    # 5,000 characters that almost match everything: a pattern that backtracks would take minutes.
    for text in ("0" * 5000, "0-" * 2500, "a." * 2500, "a@a" * 1600, "1 " * 2500, "+62" * 1600):
        mask(text)
