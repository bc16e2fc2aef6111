"""One training at seven rates, too small to diverging.

The data, the start and the order of the batches are those of `minibatch_sgd`; only the rate differs.
A rate that is too small leaves the loss high when the epochs are over. A rate that is too large
overshoots: first the loss jumps about above the noise, then each step makes it larger than before.

What to look for: between the two lies a wide range of rates that do well. A training that diverges is
stopped when its loss passes a limit, and is reported with the step; left alone it would end in inf and nan.
"""

from __future__ import annotations

import math
from itertools import cycle
from types import ModuleType

import numpy as np

from demos import History
from demos.minibatch_sgd import (
    B_TRUE,
    BATCH,
    EPOCHS,
    NOISE,
    ROWS,
    W_TRUE,
    epoch_losses,
    synthetic_data,
    train,
)
from demos.style import MUTED, TRUTH, Figure, styled

RATES = (0.0003, 0.003, 0.03, 0.1, 0.3, 1.0, 2.0)
LIMIT = 1e6
STEPS = EPOCHS * math.ceil(ROWS / BATCH)


def lesson(torch: ModuleType, seed: int = 0, dtype: str = "float32") -> History:
    """Trains once for each rate, from the same start through the same batches."""
    torch.manual_seed(seed)
    features, labels = synthetic_data(torch, W_TRUE, B_TRUE, ROWS, dtype)
    return History(
        {f"rate {rate:g}": train(torch, features, labels, seed=seed, rate=rate, stop_above=LIMIT) for rate in RATES}
    )


def diverged(losses: list[float]) -> bool:
    return not losses[-1] < LIMIT


def report(history: History) -> list[str]:
    lines = ["loss after epoch         1            2            3    largest error of w, b"]
    for name, run in history.runs.items():
        if diverged(run.losses):
            lines.append(f"{name:12}   diverged: the loss passed {LIMIT:g} in step {len(run.losses) - 1} of {STEPS}")
            continue
        losses = "  ".join(f"{loss:11.6f}" for loss in epoch_losses(run))
        learned = [*run.parameters["w"].ravel(), run.parameters["b"].item()]
        error = max(abs(a - b) for a, b in zip(learned, [*W_TRUE, B_TRUE], strict=True))
        lines.append(f"{name:12}  {losses}    {error:.5f}")
    return lines


@styled
def picture(history: History) -> Figure:
    """The loss over all rows after each step, one curve a rate."""
    import matplotlib.pyplot as plt

    figure, axis = plt.subplots(figsize=(8, 5))
    colors = plt.get_cmap("viridis")(np.linspace(0, 0.92, len(history.runs)))
    for (name, run), color, style in zip(history.runs.items(), colors, cycle(("-", "-.")), strict=False):
        label = f"{name}, diverged" if diverged(run.losses) else name
        axis.semilogy(run.losses, style, color=color, label=label)
    axis.axhline(NOISE**2 / 2, linestyle="--", color=TRUTH, linewidth=1.2, label="noise² / 2")
    axis.axhline(LIMIT, linestyle=":", color=MUTED, linewidth=1.2, label="stopped above")
    axis.set(
        title=f"Loss over all rows: the same batches at {len(RATES)} rates",
        xlabel=f"steps (batches of {BATCH} rows)",
        ylabel="mean of (ŷ − y)² / 2",
        ylim=(NOISE**2 / 8, 10 * LIMIT),
        xlim=(-2, STEPS),
    )
    figure.legend(loc="outside right center")
    return figure
