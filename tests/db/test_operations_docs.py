"""What docs/operations.md says of the workflow is what the code does."""

from io import StringIO
from pathlib import Path

from django.core.management import call_command

from geo.reports.workflow import EDGES, Status

DOCUMENT = Path(__file__).parents[2] / "docs/operations.md"
START, END = "<!-- workflow -->\n", "\n<!-- end of workflow -->"


def printed() -> str:
    out = StringIO()
    call_command("workflow_diagram", stdout=out)
    return out.getvalue().strip()


def test_the_documented_workflow_is_what_the_command_prints() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    assert text[text.index(START) + len(START) : text.index(END)].strip() == printed()


def test_the_diagram_draws_every_state_and_every_step_once() -> None:
    lines = printed().splitlines()
    diagram = [line.strip() for line in lines[lines.index("```mermaid") + 1 : lines.index("```")]]
    assert diagram[0] == "stateDiagram-v2"
    assert "waiting: Tertunda (On hold)" in diagram
    assert "[*] --> submitted" in diagram
    steps = [line for line in diagram if " --> " in line and "[*]" not in line]
    assert (len(steps), len(set(steps))) == (len(EDGES), len(EDGES))
    assert {line for line in diagram if line.endswith("--> [*]")} == {
        "resolved --> [*]",
        "rejected --> [*]",
        "duplicate --> [*]",
    }
    assert len([line for line in diagram if ": " in line]) == len(Status)


def test_the_table_says_who_takes_a_step_with_what() -> None:
    table = printed().partition("```mermaid")[2].partition("```\n")[2].strip().splitlines()
    assert table[0] == "| to | from | who | needs |"
    assert "| `reopened` | `resolved`, `rejected` | reporter, officer, dispatcher | reason |" in table
    assert (
        "| `in_progress` | `submitted`, `coordination`, `assigned`, `waiting`, `reopened` | officer, dispatcher | - |"
        in table
    )
    assert "| `assigned` | `in_progress`, `waiting` | dispatcher | agency |" in table
    assert len(table) == 2 + 10
