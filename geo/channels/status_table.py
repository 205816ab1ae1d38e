"""What each status is called by whom, as a table for the documentation."""

from geo.reports.workflow import WORDS


def status_table() -> str:
    """Markdown, a line per status, from the table that every channel is told by."""
    lines = ["| status | Indonesian | English | Open311 | Qlue |", "|---|---|---|---|---|"]
    for status, words in WORDS.items():
        lines.append(f"| `{status.value}` | {words.name_id} | {words.name_en} | {words.open311} | {words.qlue} |")
    return "\n".join(lines)
