"""Text without HTML: what GeoReport's descriptions may hold. Pure."""

# What follows a "<" that opens a tag, a comment or a declaration; "a < b" and "<3" are text.
_OPENS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ/!?")


def plain_text(text: str) -> str:
    """The text with its tags taken out and its line ends made `\\n`.

    In one pass, whatever the nesting: what is left when an inner tag is gone ("<<b>script>") is looked at again.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if ">" not in text:
        return text
    kept: list[str] = []
    opened: list[int] = []  # where in `kept` each "<" stands that no ">" has answered
    for letter in text:
        if letter == ">" and opened:
            start = opened.pop()
            if len(kept) > start + 1 and kept[start + 1] in _OPENS:
                del kept[start:]
                continue
        elif letter == "<":
            opened.append(len(kept))
        kept.append(letter)
    return "".join(kept)
