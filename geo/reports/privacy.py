"""What in a text would tell the public who wrote it. Pure; the masked text is stored beside the original."""

import re

EMAIL_MASK = "[e-mail]"
PHONE_MASK = "[telepon]"
NIK_MASK = "[NIK]"

_EMAIL = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}")
# Digits as people group them: single spaces, dots, hyphens, brackets between them.
_GAP = r"[ .\-()]{0,2}"
# A population register number: 16 digits, of which the first two are a province (11 to 99) and the 7th to 12th a date
# of birth; it is masked whatever its date says, since people mistype.
_NIK = re.compile(rf"(?<!\d)(?<!\d\.)[1-9](?:{_GAP}\d){{15}}(?![\d])")
# +62 or 62 or 0, then an area or mobile code that begins with 2 to 9, then 7 to 14 more digits. "Rp 0812" is too short;
# a plain number that begins with another digit (a price, a meter reading) is no telephone number.
_PHONE = re.compile(
    rf"(?<!\d)(?<!\d\.)(?:\(?(?:\+|00){_GAP}62{_GAP}(?:\(0\){_GAP})?|62{_GAP}(?=8)|\(?0{_GAP})[2-9](?:{_GAP}\d){{7,14}}(?!\d)"
)
_DATE = re.compile(r"\d{1,2}[-./ ]\d{1,2}[-./ ](?:19|20)\d{2}")


def mask(text: str) -> str:
    """The text without e-mail addresses, telephone numbers (Indonesian forms) and NIK."""
    text = _EMAIL.sub(EMAIL_MASK, text)
    text = _NIK.sub(NIK_MASK, text)
    return _PHONE.sub(_mask_phone, text)


def _mask_phone(match: re.Match[str]) -> str:
    # "05-11-2025" and "05.11.2025 08" have the digits of a number, and the shape of a date.
    return match.group() if _DATE.match(match.group()) else PHONE_MASK
