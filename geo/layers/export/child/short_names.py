"""Names of at most ten characters, for dBASE."""

from collections.abc import Sequence

LONGEST = 10


def short_names(names: Sequence[str]) -> dict[str, str]:
    """Each name's short one, all different: the longest words of a name are cut, so that each keeps a part."""
    found: dict[str, str] = {}
    for name in names:
        short = _shortened(name)
        number = 1
        while short in found.values():
            short = f"{_shortened(name)[: LONGEST - 1 - len(str(number))]}_{number}"
            number += 1
        found[name] = short
    return found


def _shortened(name: str) -> str:
    words = name.split("_")
    while sum(map(len, words)) + len(words) - 1 > LONGEST:
        longest = max(range(len(words)), key=lambda i: len(words[i]))
        if len(words[longest]) == 1:
            return name[:LONGEST]
        words[longest] = words[longest][:-1]
    return "_".join(words)
