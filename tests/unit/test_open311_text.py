"""Text without HTML, and the two formats, as pure functions."""

import pytest

from geo.open311.plain_text import plain_text
from geo.open311.render import render


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("Air <b>naik</b>", "Air naik"),
        ('<a href="http://x">lihat</a>', "lihat"),
        ("satu<br/>dua", "satudua"),
        ("<!-- catatan -->lubang", "lubang"),
        ("<?php x ?>lubang", "lubang"),
        ("tinggi < 50 cm, lebar > 20 cm", "tinggi < 50 cm, lebar > 20 cm"),
        ("aku <3 Bekasi -> maju", "aku <3 Bekasi -> maju"),
        ("<<b>script>alert(1)<</b>/script>", "alert(1)"),
        ("<scr<i>ipt>", ""),
        ("<>", "<>"),
        ("tidak tertutup <b", "tidak tertutup <b"),
        ("a\r\nb\rc", "a\nb\nc"),
        ("", ""),
    ],
)
def test_tags_go_and_text_stays(text: str, plain: str) -> None:
    assert plain_text(text) == plain


def test_nothing_is_left_to_take_out() -> None:
    for text in ("<" * 50 + "b>" * 50, "<b" * 30 + ">" * 60, "<<a>b<c>>d<e><f", "</<b>>"):
        assert plain_text(plain_text(text)) == plain_text(text)


def test_deep_nesting_takes_one_pass() -> None:
    assert plain_text("<b" * 1_000_000 + ">" * 1_000_000) == ""


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (None, b"<r />"),
        ("", b"<r />"),
        (True, b"<r>true</r>"),
        (False, b"<r>false</r>"),
        (3, b"<r>3</r>"),
        (106.93, b"<r>106.93</r>"),
        (-6.0, b"<r>-6</r>"),
        (1e-7, b"<r>0.0000001</r>"),
        ("a < b & c", b"<r>a &lt; b &amp; c</r>"),
        ("a\x00b\x1fc\ud800d\uffff", b"<r>abcd</r>"),
    ],
)
def test_a_value_in_xml(value: object, written: bytes) -> None:
    assert render("r", value, "xml") == b'<?xml version="1.0" encoding="utf-8"?>\n' + written


def test_lists_name_their_elements() -> None:
    data = [{"code": 400, "description": "x"}]
    assert render("errors", data, "xml").endswith(
        b"<errors><error><code>400</code><description>x</description></error></errors>"
    )
    assert render("errors", data, "json") == b'[{"code": 400, "description": "x"}]'
