"""What is masked, and what only looks like it."""

import pytest

from geo.reports.personal_data.masking import mask


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
        "+62-812-3456-7890",
        "(+62-21) 8895 4321",
        "0812 - 3456 - 7890",
        "0812–3456–7890",
        "0812_3456_7890",
        "0812/3456/7890",
        "08 12 34 56 78 90",
        "0 8 1 2 3 4 5 6 7 8 9 0",
        "+65 9123 4567",
        "０８１２３４５６７８９０",
        "＋６２　８１２　３４５６　７８９０",
        "٠٨١٢٣٤٥٦٧٨٩٠",
        "08\u200b12\u200b34\u200b56\u200b7890",
        "0812\u00a03456\u00a07890",
        "0️⃣8️⃣1️⃣2️⃣3️⃣4️⃣5️⃣6️⃣7️⃣8️⃣",
        "nol delapan satu dua tiga empat lima enam tujuh delapan",
        "kosong, delapan, satu, dua, tiga, empat, lima, enam, tujuh",
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


@pytest.mark.parametrize("word", ["WA", "wa:", "HP", "no hp", "telp.", "Hub", "hubungi saya di", "SMS ke", "call"])
@pytest.mark.parametrize("number", ["8123 456 7890", "88954321", "8895-4321"])
def test_number_without_its_zero_is_masked_where_a_word_announces_it(word: str, number: str) -> None:
    assert mask(f"Lampu mati, {word} {number}") == f"Lampu mati, {word} [telepon]"


def test_two_numbers_in_a_row_are_both_masked_whole() -> None:
    assert mask("0812 3456 7890 0856 1234 5678") == "[telepon] [telepon]"
    assert mask("3275014107900001 081234567890") == "[NIK] [telepon]"
    assert mask("NIK3275014107900001KK3275011234560007") == "NIK[NIK]KK[NIK]"


def test_a_number_of_days_after_a_telephone_number_stays() -> None:
    assert mask("081234567890 2 hari lagi") == "[telepon] 2 hari lagi"


@pytest.mark.parametrize(
    "address",
    [
        "siti@example.org",
        "a.b+c@mail.example.co.id",
        "SITI_R@Example.COM",
        "siti (at) example (dot) org",
        "siti[at]example[dot]org",
        "siti {at} gmail.com",
        "siti at gmail dot com",
        "siti at gmail titik com",
        "siti @ gmail . com",
        "siti@gmail",
        "siti@gmail,com",
        "siti%40example.org",
        "siti＠example．org",
        "si\u200bti@exam\u200bple.org",
    ],
)
def test_email_is_masked(address: str) -> None:
    assert mask(f"surel {address}, terima kasih") == "surel [e-mail], terima kasih"


@pytest.mark.parametrize(
    "number",
    [
        "3275014107900001",
        "3275 0141 0790 0001",
        "327501-410790-0001",
        "32.75.01.410790.0001",
        "3275/0141/0790/0001",
        "3275_0141_0790_0001",
        "3275 - 0141 - 0790 - 0001",
        "3 2 7 5 0 1 4 1 0 7 9 0 0 0 0 1",
        "３２７５０１４１０７９００００１",
        "3275\u200d0141\u200d0790\u200d0001",
        # A mistyped date of birth, in one piece.
        "3275019999900001",
    ],
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
        "jam 07.00-09.00 16.00-19.00",
        "banjir 2013 2014 2015 2016 lagi",
        "dari 15-11-2015 16-11-2015",
        "05-11-2015 08.30-09.30",
        "koordinat -6.2345678901, 106.9896123456",
        "Rp 81.234.567.890",
        "angka meter 123456789012 dan 00123456",
        "KM 12+345 tol",
        "jumlah 62 812 orang",
        "lampu no 08 12 16",
        "lebar ½ jalan, luas 12 m²",
        "lubang @ jl.mawar",
        "bertemu at taman dot lain",
        "Perumahan Telaga Mas blok 3, RT 05/RW 011",
        "",
    ],
)
def test_what_only_looks_like_personal_data_is_kept(text: str) -> None:
    assert mask(text) == text


def test_masking_twice_changes_nothing_more() -> None:
    once = mask("081234567890 siti@example.org 3275014107900001")
    assert mask(once) == once == "[telepon] [e-mail] [NIK]"


def test_what_its_writer_is_called_is_masked_whatever_the_case() -> None:
    names = ("Siti Rahma", "021 8895432", "Siti.R@kantor")
    assert mask("Saya SITI  rahma, 0218895432", names) == "Saya [nama], [telepon]"
    assert mask("(siti-rahma) siti.r@kantor", names) == "([nama]) [e-mail]"
    assert mask("Nomor rumah 7 7 1 2 3 4", ("771234",)) == "Nomor rumah [telepon]"
    assert mask("Ibu Suhartini melapor", ("Suhartini",)) == "Ibu [nama] melapor"


def test_a_name_inside_an_address_leaves_nothing_of_the_address() -> None:
    assert mask("suhartini@example.org", ("Suhartini",)) == "[e-mail]"


@pytest.mark.parametrize("name", ["Ana", "Adi", "", "  ", "12"])
def test_a_short_name_alone_is_too_common_a_word_to_be_masked(name: str) -> None:
    assert mask("Jalan Ana Adi 12 RT 12", (name,)) == "Jalan Ana Adi 12 RT 12"


def test_a_name_is_a_whole_word() -> None:
    assert mask("Mawardi di Jalan Mawar", ("Mawar",)) == "Mawardi di Jalan [nama]"


@pytest.mark.parametrize(
    "place",
    [
        "-6.234567, 106.989612",
        "-6.234,106.989",
        "106.98961 -6.23456",
        "6.25321 LS 106.93123 BT",
        "6°15'11.5\"S 106°55'52.4\"E",
        "https://maps.app.goo.gl/abcDEF12",
        "https://www.google.com/maps?q=-6.25,106.93",
        "geo:-6.25,106.93",
        "6P58PWXQ+2C",
    ],
)
def test_positions_are_masked_where_the_exact_place_is_not_public(place: str) -> None:
    assert mask(f"di {place} ya", hides_place=True) == "di [tempat] ya"
    assert mask(f"di {place} ya") == f"di {place} ya"


@pytest.mark.parametrize("text", ["Rp 1.500, 2.500", "tinggi 1,234 m", "Jalan Mawar No. 12", "Rp 1.500.000, 110.500"])
def test_what_only_looks_like_a_position_is_kept(text: str) -> None:
    assert mask(text, hides_place=True) == text


def test_long_text_is_masked_in_no_time() -> None:
    # 5,000 characters that almost match everything: a pattern that backtracks would take minutes.
    for text in ("0" * 5000, "0-" * 2500, "a." * 2500, "a@a" * 1600, "1 " * 2500, "+62" * 1600, "a at " * 1000, "@ " * 2500,
                 "nol " * 1250, "0\u200b" * 2500, "6.234 " * 800):  # fmt: skip
        mask(text, ("Siti Rahma", "081234567890", "a@a"), hides_place=True)
