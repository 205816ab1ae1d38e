"""What in a text would tell the public who wrote it. Pure; the masked text is stored beside the original."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

EMAIL_MASK = "[e-mail]"
PHONE_MASK = "[telepon]"
NIK_MASK = "[NIK]"
NAME_MASK = "[nama]"
PLACE_MASK = "[tempat]"

# Each begins where its characters begin, and gives none of them back: so that no text, however long, takes long.
_LOCAL = r"(?<![\w.+-])[\w.+-]++"
_AT_WORD = re.compile(r"[\[({<\s](?:[Aa]|[Ee])[Tt][\])}>\s]")
_TOP = r"(?:com|net|org|info|biz|id|edu|gov|io|me|asia|my|sg)\b"
_DOT = r"(?:\s?[.,]\s?|\s?[(\[{]\s?(?:dot|titik|\.)\s?[)\]}]\s?|\s{1,3}(?:dot|titik)\s{1,3})"
_BRACKETED_AT = r"\s?[(\[{<]\s?(?:at|et|@)\s?[)\]}>]\s?"
_PROVIDER = r"(?:gmail|ymail|yahoo|hotmail|outlook|icloud|rocketmail|live|proton(?:mail)?)\b"
# An address as it is, or as people disguise it; a disguised one must end like the name of a host.
_EMAIL = re.compile(
    rf"{_LOCAL}(?:@|%40)[\w-]{{1,63}}(?:\.[\w-]{{1,63}}){{1,8}}"
    rf"|{_LOCAL}(?:{_BRACKETED_AT}|\s?@\s?|%40|\s{{1,3}}(?:at|et)\s{{1,3}})[\w-]{{1,63}}(?:{_DOT}[\w-]{{1,63}}){{0,4}}{_DOT}{_TOP}"
    rf"|{_LOCAL}(?:{_BRACKETED_AT}|\s?@\s?|%40){_PROVIDER}",
    re.IGNORECASE,
)

# Digits as people group them: these stand between them, up to three at once ("0812 - 3456"). No comma: it parts the two
# numbers of a position.
_BETWEEN = r"[\s.\-()_/*]{0,3}"
_RUN = re.compile(rf"[0-9](?:{_BETWEEN}[0-9]){{6,}}")
_GROUP = re.compile(r"[0-9]+")
_WORD = re.compile(r"[^\W\d_]+")
_FEWEST, _MOST = 9, 16
# What is a number to call, even without its zero, since a word before it says so.
_CONTACT_WORD = re.compile(
    r"(?:\b|_)(?:wa|whats ?app|hp|hand ?phone|telp|telepon|telpon|tlp|telf?|phone|call|sms|hub|hubungi|kontak|contact)"
    r"(?:\s?(?:no|nomor|nomer|ke|saya|aja|di)){0,2}[\s.:;=/()+-]{0,4}$",
    re.IGNORECASE,
)
_LONGEST_CONTACT_WORD = 28
_DIGIT_WORD = r"(?:nol|kosong|satu|dua|tiga|empat|lima|enam|tujuh|delapan|sembilan)"
_SPELLED = re.compile(rf"\b(?:nol|kosong)(?:[\s,.-]{{1,3}}{_DIGIT_WORD}){{7,13}}\b", re.IGNORECASE)
# Permendagri 72/2022: the provinces' codes, which a population register number begins with.
_PROVINCE = re.compile(r"1[1-9]|21|3[1-6]|5[1-3]|6[1-5]|7[1-6]|8[12]|9[1-7]")

# Latitudes and longitudes of Indonesia: "1.500, 2.500" are prices.
_LATITUDE = r"[-+]?(?:1[01]|0?[0-9])[.,][0-9]{3,}(?:\s?°)?(?:\s?(?:LS|LU|[SN])\b)?"
_LONGITUDE = r"\+?(?:9[4-9]|1[0-3][0-9]|14[01])[.,][0-9]{3,}(?:\s?°)?(?:\s?(?:BT|E)\b)?"
_SEXAGESIMAL = r"[0-9]{1,3}\s?°\s?[0-9]{1,2}\s?['′’][^\s,;]{0,12}"
# A position, in degrees or degrees and minutes; a link to a map; a plus code.
_PLACE = re.compile(
    rf"(?<![0-9.,]){_LATITUDE}[\s,;/]{{1,3}}(?:(?:lon|long|lng|bujur)\s?[:=]?\s?)?{_LONGITUDE}"
    rf"|(?<![0-9.,]){_LONGITUDE}[\s,;/]{{1,3}}(?:(?:lat|lintang)\s?[:=]?\s?)?{_LATITUDE}"
    rf"|{_SEXAGESIMAL}(?:[\s,;]{{1,3}}{_SEXAGESIMAL})?"
    r"|(?:https?://|www\.)\S{0,80}(?:maps|goo\.gl|openstreetmap|osm\.org|waze|what3words|w3w)\S*|geo:[-0-9]\S*"
    r"|\b[23456789CFGHJMPQRVWX]{4,8}\+[23456789CFGHJMPQRVWX]{2,3}\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class _Group:
    """Digits without a gap: where they stand in the text, and what they are."""

    start: int
    end: int
    digits: str


def mask(text: str, names: Sequence[str] = (), *, hides_place: bool = False) -> str:
    """The text without e-mail addresses, telephone numbers and NIK, and without what its writer is called.

    `names` is what is known of the writer: name, telephone number, e-mail address, in any order. A name counts if it has two
    words, or one of five letters. `hides_place` is for categories whose exact place is not public: positions and links to maps
    go, too; an address in words stays. Masking twice changes nothing more.
    """
    plain, places = _plain(text)
    small = plain.lower()
    found = list(_named(plain, small, names)) if names else []
    if hides_place:
        found += [(match.start(), match.end(), PLACE_MASK) for match in _PLACE.finditer(plain)]
    if "@" in plain or "%40" in plain or _AT_WORD.search(plain):
        found += [(match.start(), match.end(), EMAIL_MASK) for match in _EMAIL.finditer(plain)]
    if "nol" in small or "kosong" in small:
        found += [(match.start(), match.end(), PHONE_MASK) for match in _SPELLED.finditer(plain)]
    for run in _RUN.finditer(plain):
        found += _numbers(plain, run.start(), run.end())
    return _replaced(text, found, places) if found else text


def mask_names(text: str, names: Sequence[str]) -> str:
    """The text without these names, telephone numbers and e-mail addresses; those of others stay."""
    plain, places = _plain(text)
    return _replaced(text, list(_named(plain, plain.lower(), names)), places)


def _replaced(text: str, found: list[tuple[int, int, str]], places: Sequence[int] | None) -> str:
    parts, done = [], 0
    for start, end, word in sorted(found, key=lambda one: (one[0], -one[1])):
        first, last = (
            (start, end) if places is None else (places[start], places[end] if end < len(places) else len(text))
        )
        if first < done:
            continue  # a part of what is masked already: the digits of an address
        parts += [text[done:first], word]
        done = last
    return "".join([*parts, text[done:]])


class _Looks(dict[int, str]):
    """By code point: what a character passes for. Filled as characters come by."""

    def __missing__(self, code: int) -> str:
        letter = chr(code)
        digit = unicodedata.digit(letter, None)
        kind = unicodedata.category(letter)
        if digit is not None:
            seen = str(digit)
        elif kind == "Cf" or letter in "\ufe0f\u20e3":  # the last two make a keycap of a digit
            seen = _UNSEEN
        else:
            seen = {"Pd": "-", "Zs": " "}.get(kind) or _FULL_WIDTH.get(letter, letter)
        self[code] = seen
        return seen


_UNSEEN = "\0"
_FULL_WIDTH = {"＠": "@", "．": ".", "＋": "+", "（": "(", "）": ")", "／": "/"}
_looks = _Looks()


def _plain(text: str) -> tuple[str, Sequence[int] | None]:
    """The text as it looks: every digit 0 to 9, nothing that cannot be seen. And where each character stood, if elsewhere."""
    if text.isascii():
        return text, None
    seen = text.translate(_looks)
    if _UNSEEN not in seen:
        return seen, None
    return seen.replace(_UNSEEN, ""), [place for place, letter in enumerate(seen) if letter != _UNSEEN]


def _numbers(text: str, start: int, end: int) -> Iterator[tuple[int, int, str]]:
    """What in a run of digits is a NIK or a telephone number."""
    groups = [_Group(match.start(), match.end(), match.group()) for match in _GROUP.finditer(text, start, end)]
    at = 0
    while at < len(groups):
        if skipped := _date_or_hours(text, groups, at):
            at += skipped
        elif taken := _nik(groups, at):
            yield groups[at].start, groups[at + taken - 1].end, NIK_MASK
            at += taken
        elif taken := _telephone(text, groups, at):
            yield _opening(text, groups[at].start), groups[at + taken - 1].end, PHONE_MASK
            at += taken
        else:
            at += 1


def _date_or_hours(text: str, groups: Sequence[_Group], at: int) -> int:
    """How many groups from here are a date (05-11-2015), or hours from and to (07.00-09.00)."""
    date = [group.digits for group in groups[at : at + 3]]
    if (
        len(date) == 3
        and len(date[0]) <= 2
        and len(date[1]) <= 2
        and len(date[2]) == 4
        and 1 <= int(date[0]) <= 31
        and 1 <= int(date[1]) <= 12
        and date[2][:2] in ("19", "20")
    ):
        return 3
    hours = groups[at : at + 4]
    if len(hours) == 4 and re.fullmatch(
        r"(?:[01]\d|2[0-4])\.[0-5]\d\s?-\s?(?:[01]\d|2[0-4])\.[0-5]\d", text[hours[0].start : hours[3].end]
    ):
        return 4
    return 0


def _nik(groups: Sequence[_Group], at: int) -> int:
    """How many groups from here are a population register number: 16 digits.

    In one piece it is one whatever its date of birth says, since people mistype; in pieces it must begin like one, and
    its 7th to 10th digit be a day (of women 40 more) and a month: several years or hours in a row have 16 digits, too.
    """
    digits, taken = "", 0
    while len(digits) < 16 and at + taken < len(groups):
        digits += groups[at + taken].digits
        taken += 1
    if len(digits) != 16 or digits[0] == "0":
        return 0
    if taken == 1:
        return 1
    day, month = int(digits[6:8]) % 40, int(digits[8:10])
    is_one = _PROVINCE.match(digits) and 1 <= day <= 31 and 1 <= month <= 12
    return taken if is_one else 0


def _telephone(text: str, groups: Sequence[_Group], at: int) -> int:
    """How many groups from here are a telephone number: one that begins like one, or that a word before announces."""
    start = groups[at].start
    # Before all but the first there are digits.
    is_announced = at == 0 and bool(_CONTACT_WORD.search(text, max(0, start - _LONGEST_CONTACT_WORD), start))
    has_plus = text[max(0, start - 2) : start].rstrip().endswith("+")
    fewest = 7 if is_announced else _FEWEST
    # Beside its own 13 at most, the country's.
    most = 15 if has_plus or groups[at].digits.startswith(("62", "00")) else 13
    count, taken = 0, 0
    for group in groups[at : at + _MOST]:
        n = len(group.digits)
        if taken and count >= fewest:
            # Enough of them: more only if they go on in the same way, and are no number of their own.
            before = len(groups[at + taken - 1].digits)
            if count + n > most or n < min(before, 3) or (group.digits[0] == "0" and n > 2):
                break
        elif taken and count + n > _MOST:
            break
        count, taken = count + n, taken + 1
    digits = "".join(group.digits for group in groups[at : at + taken])
    if not fewest <= count <= _MOST:
        return 0
    return taken if is_announced or has_plus or _begins_like_telephone(digits) else 0


def _begins_like_telephone(digits: str) -> bool:
    """0 and an area's or a mobile net's number, 62 and a mobile net's, or 00 and a country."""
    if digits.startswith("00"):
        return digits[2] != "0" and len(digits) >= 11
    if digits[0] == "0":
        return digits[1] in "23456789"
    return digits.startswith(("628", "6208"))


def _opening(text: str, start: int) -> int:
    """Where a number begins with its plus and bracket: "(+62", "(021"."""
    if start and text[start - 1] == "+":
        start -= 1
    if start and text[start - 1] == "(":
        start -= 1
    return start


def _named(text: str, small: str, names: Sequence[str]) -> Iterator[tuple[int, int, str]]:
    """Where a name, telephone number or e-mail address stands, as its owner gave it, whatever the case and the gaps."""
    for name in names:
        # Most texts do not hold it, and a pattern of its own for each name is dear.
        if "@" in name:
            if (address := name.strip()).lower() in small:
                yield from _found(rf"(?<![\w.+-]){re.escape(address)}(?!\w)", text, EMAIL_MASK)
            continue
        words = _WORD.findall(name)
        if not words:
            digits = "".join(_GROUP.findall(_plain(name)[0]))
            if len(digits) >= 6 and digits in "".join(_GROUP.findall(text)):
                yield from _found(rf"(?<![0-9])\+?{_BETWEEN.join(digits)}(?![0-9])", text, PHONE_MASK)
        elif (len(words) > 1 or len(words[0]) >= 5) and words[0].lower() in small:
            whole = r"[\s.,'_-]{0,3}".join(map(re.escape, words))
            yield from _found(rf"(?<![^\W\d_]){whole}(?![^\W\d_])", text, NAME_MASK)


def _found(pattern: str, text: str, word: str) -> Iterator[tuple[int, int, str]]:
    for match in re.finditer(pattern, text, re.IGNORECASE):
        yield match.start(), match.end(), word
