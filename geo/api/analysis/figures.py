"""What the pictures of the analyses share: fonts and colours, and PNG bytes that depend on nothing but the picture.

By matplotlib's objects alone: pyplot keeps its figures in a global that threads would share.
"""

from datetime import datetime, timedelta
from io import BytesIO
from zoneinfo import ZoneInfo

import matplotlib
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

INK, SOFT_INK, LINE, PAPER = "#15211d", "#44544d", "#d8dfdb", "#ffffff"
ACCENT, BAND, MARK = "#0b6e5f", "#c9dcd7", "#a8321a"
DPI = 120

# Once for the process, not per picture. Names of things and categories may hold "$": they are no formulas.
matplotlib.rcParams.update(
    {
        "text.parse_math": False,
        "font.family": "DejaVu Sans",
        "font.size": 9,
        "text.color": INK,
        "axes.labelcolor": INK,
        "axes.edgecolor": SOFT_INK,
        "axes.titlelocation": "left",
        "axes.titlesize": 10,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "xtick.color": SOFT_INK,
        "ytick.color": SOFT_INK,
        "grid.color": LINE,
        "legend.frameon": False,
    }
)


def make_figure(*, width_in: float, height_in: float) -> Figure:
    """An empty figure that makes room for its labels by itself."""
    return Figure(figsize=(width_in, height_in), dpi=DPI, facecolor=PAPER, layout="constrained")


def png_bytes(figure: Figure) -> bytes:
    """The figure as PNG, without the version of the program that drew it."""
    file = BytesIO()
    FigureCanvasAgg(figure).print_figure(file, format="png", dpi=DPI, metadata={"Software": None})
    return file.getvalue()


def days_of(start: str, end: str, time_zone: str) -> tuple[str, str]:
    """The first and the last day of the city that a period has; its end is the first moment that no longer counts."""
    zone = ZoneInfo(time_zone)
    first, after = (datetime.fromisoformat(text).astimezone(zone) for text in (start, end))
    return first.date().isoformat(), (after - timedelta(seconds=1)).date().isoformat()


def clock_of(moment: str, time_zone: str) -> str:
    """A moment by the city's clock, to the minute."""
    return f"{datetime.fromisoformat(moment).astimezone(ZoneInfo(time_zone)):%Y-%m-%d %H:%M %Z}"
