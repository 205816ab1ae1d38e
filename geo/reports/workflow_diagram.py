"""The workflow's table as a Mermaid diagram and as Markdown, for the documentation."""

from itertools import groupby

from geo.reports.workflow import CLOSED, EDGES, WORDS, Actor, Edge, Need, Status


def workflow_diagram() -> str:
    """Every state with its names, every step, and who may take it with what."""
    return "\n".join(["```mermaid", *_diagram(), "```", "", *_table()])


def _diagram() -> list[str]:
    names = [f"    {status.value}: {words.name_id} ({words.name_en})" for status, words in WORDS.items()]
    steps = [f"    {edge.source.value} --> {edge.target.value}" for edge in EDGES]
    ends = [f"    {status.value} --> [*]" for status in Status if status in CLOSED]
    return ["stateDiagram-v2", *names, f"    [*] --> {Status.SUBMITTED.value}", *steps, *ends]


def _table() -> list[str]:
    """A line for steps to one state that the same people take with the same; steps that follow each other in the table."""
    lines = ["| to | from | who | needs |", "|---|---|---|---|"]
    for (target, actors, needs), edges in groupby(EDGES, key=_rule):
        sources = ", ".join(f"`{edge.source.value}`" for edge in edges)
        who = ", ".join(actor.value for actor in Actor if actor in actors)
        needed = ", ".join(need.value for need in Need if need in needs)
        lines.append(f"| `{target.value}` | {sources} | {who} | {needed or '-'} |")
    return lines


def _rule(edge: Edge) -> tuple[Status, frozenset[Actor], frozenset[Need]]:
    return edge.target, edge.actors, edge.needs
