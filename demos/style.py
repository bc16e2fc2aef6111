"""The look that all pictures share: colours that colour-blind readers can tell apart, and readable sizes.

One colour means one thing throughout: what was measured, what was fitted, what is true.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

from demos import History

if TYPE_CHECKING:
    import matplotlib.figure

Figure: TypeAlias = "matplotlib.figure.Figure"

# The palette of Okabe and Ito (2008), https://jfly.uni-koeln.de/color/
DATA = "#56B4E9"
FIT = "#D55E00"
TRUTH = "black"
OTHER = "#0072B2"
THIRD = "#009E73"
FOURTH = "#CC79A7"
MUTED = "#808080"

SETTINGS: dict[Any, Any] = {
    "figure.constrained_layout.use": True,
    "figure.constrained_layout.w_pad": 0.1,
    "figure.constrained_layout.h_pad": 0.1,
    "font.size": 10,
    "axes.titlesize": 11,
    "axes.titlelocation": "left",
    "axes.titlepad": 8,
    "axes.labelsize": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.formatter.useoffset": False,
    "grid.color": "#e4e4e4",
    "grid.linewidth": 0.7,
    "lines.linewidth": 1.8,
    "lines.markersize": 5,
    "legend.fontsize": 9,
    "legend.frameon": True,
    "legend.framealpha": 0.9,
    "legend.edgecolor": "none",
}


def styled(picture: Callable[[History], Figure]) -> Callable[[History], Figure]:
    """Draws `picture` with the shared settings and leaves matplotlib's own as they were."""

    @functools.wraps(picture)
    def draw(history: History) -> Figure:
        import matplotlib

        with matplotlib.rc_context(SETTINGS):
            return picture(history)

    return draw
