"""What the pictures of the analyses share: fonts and colours, and PNG bytes that depend on nothing but the picture.

By matplotlib's objects alone: pyplot keeps its figures in a global that threads would share.
"""

from io import BytesIO

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
