"""A straight line, learned from points exactly on it.

The points are y = 3x + 0.8 with x uniform in [0, 1). A weight w and a bias b start away from the
truth; each of 500 steps takes the mean squared error over all rows, its gradient, and moves w and b
against the gradient by 0.01 times its size.

What to look for: the loss falls fast at first and slowly later, since b soon fits the mean of y while
the slope w is pulled only weakly. More rows are often said to bring w and b closer to the truth.
The rows carry no noise, so even two would fix the line; 20 seeds of each size show what more rows do here.
"""

from __future__ import annotations

from math import comb
from statistics import fmean
from types import ModuleType

import numpy as np

from demos import History, Run, arrays
from demos.style import DATA, FIT, MUTED, OTHER, TRUTH, Figure, styled

W_TRUE, B_TRUE = 3, 0.8
RATE, STEPS = 0.01, 500
SIZES = (500, 2000, 4000)
SEEDS = 20


def fit(torch: ModuleType, rows: int, seed: int, dtype: str, steps: int = STEPS) -> Run:
    """Descends on the mean squared error over `rows` points; notes w, b and the loss every 100 steps."""
    torch.manual_seed(seed)
    number = getattr(torch, dtype)
    x = torch.rand([rows, 1]).to(number)
    y_true = W_TRUE * x + B_TRUE
    w = torch.rand([1, 1]).to(number).requires_grad_()
    b = torch.tensor(0, dtype=number, requires_grad=True)

    losses, table = [], []
    for step in range(steps + 1):
        y_predict = torch.matmul(x, w) + b
        loss = (y_true - y_predict).pow(2).mean()
        losses.append(loss.item())
        if step % 100 == 0:
            table.append((step, w.item(), b.item(), loss.item()))
        if step == steps:
            break
        for parameter in (w, b):
            if parameter.grad is not None:  # gradients add up, so the last step's must go
                parameter.grad.data.zero_()
        loss.backward()
        w.data = w.data - RATE * w.grad
        b.data = b.data - RATE * b.grad
    return Run(losses, arrays(w=w, b=b), arrays(w=w.grad, b=b.grad), {"table": table, **arrays(x=x, y=y_true)})


def lesson(torch: ModuleType, seed: int = 0, dtype: str = "float32", seeds: int = SEEDS) -> History:
    """Fits each size for `seeds` seeds from `seed` on; the runs are those of the first seed."""
    runs = {f"{rows} rows": fit(torch, rows, seed, dtype) for rows in SIZES}
    tables = {rows: [fit(torch, rows, seed + i, dtype).seen["table"] for i in range(seeds)] for rows in SIZES}
    runs[f"{SIZES[0]} rows, {10 * STEPS} steps"] = fit(torch, SIZES[0], seed, dtype, steps=10 * STEPS)
    return History(
        runs,
        {
            "w error": {rows: [abs(table[-1][1] - W_TRUE) for table in tables[rows]] for rows in SIZES},
            "b error": {rows: [abs(table[-1][2] - B_TRUE) for table in tables[rows]] for rows in SIZES},
            "loss": {rows: [table[-1][3] for table in tables[rows]] for rows in SIZES},
            "w start": {rows: [table[0][1] for table in tables[rows]] for rows in SIZES},
        },
    )


def coin_range(tosses: int) -> tuple[int, int]:
    """The heads, from least to most, that a fair coin gives in at least 95 of 100 such series of tosses."""
    least, below = 0, 1
    while below <= 0.025 * 2**tosses:
        least += 1
        below += comb(tosses, least)
    return least, tosses - least


def report(history: History) -> list[str]:
    lines = ["rows   step         w         b       loss"]
    for rows in SIZES:
        for step, w, b, loss in history.runs[f"{rows} rows"].seen["table"]:
            lines.append(f"{rows:4}   {step:4}  {w:8.5f}  {b:8.5f}  {loss:9.6f}")
    seen = history.seen
    lines += [
        "",
        f"Do more rows come closer? Means over {SEEDS} seeds, after {STEPS} steps:",
        f"rows     |w - {W_TRUE}|   |b - {B_TRUE}|       loss",
    ]
    for rows in SIZES:
        errors = fmean(seen["w error"][rows]), fmean(seen["b error"][rows]), fmean(seen["loss"][rows])
        lines.append(f"{rows:4}    {errors[0]:8.5f}    {errors[1]:8.5f}  {errors[2]:9.6f}")

    few, many = seen["w error"][SIZES[0]], seen["w error"][SIZES[-1]]
    closer = sum(a < b for a, b in zip(many, few, strict=True))
    least, most = coin_range(SEEDS)
    found = "more rows help" if closer > most else "more rows hurt" if closer < least else "more rows change nothing"
    lines += [
        f"{SIZES[-1]} rows ended closer to w = {W_TRUE} than {SIZES[0]} in {closer} of {SEEDS} seeds;",
        f"a fair coin gives {least} to {most}: {found}.",
    ]
    starts = [abs(w - W_TRUE) for rows in SIZES for w in seen["w start"][rows]]
    ends = [error for rows in SIZES for error in seen["w error"][rows]]
    together = np.corrcoef(starts, ends)[0, 1]
    lines.append(f"What counts is the start: |w - {W_TRUE}| there and at the end correlate by {together:.3f},")
    name = f"{SIZES[0]} rows, {10 * STEPS} steps"
    error = abs(history.runs[name].parameters["w"].item() - W_TRUE)
    lines.append(f"and the steps: {name} end at |w - {W_TRUE}| = {error:.5f}.")
    return lines


@styled
def picture(history: History) -> Figure:
    """The points and the fitted line for each size, and the error of w over all seeds."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(2, 2, figsize=(9, 7))
    ends = np.array([0.0, 1.0])
    for axis, rows in zip(axes.flat, SIZES, strict=False):
        run = history.runs[f"{rows} rows"]
        w, b = run.parameters["w"].item(), run.parameters["b"].item()
        axis.plot(run.seen["x"], run.seen["y"], ".", color=DATA, markersize=4, label="points")
        axis.plot(
            ends,
            W_TRUE * ends + B_TRUE,
            "--",
            color=TRUTH,
            linewidth=1.2,
            label=f"truth: y = {W_TRUE}x + {B_TRUE}",
        )
        axis.plot(ends, w * ends + b, color=FIT, label=f"fitted: y = {w:.3f}x + {b:.3f}")
        axis.set(title=f"{rows} rows, {STEPS} steps", xlabel="x", ylabel="y")
        axis.legend(loc="upper left")

    axis = axes[1, 1]
    for place, rows in enumerate(SIZES):
        errors = history.seen["w error"][rows]
        spread = place + np.linspace(-0.22, 0.22, len(errors))
        axis.plot(spread, errors, "o", color=OTHER, alpha=0.75, label="one seed" if place == 0 else None)
        axis.plot([place - 0.3, place + 0.3], [fmean(errors)] * 2, color=FIT, label="mean" if place == 0 else None)
    axis.axhline(0, linestyle="--", color=MUTED, linewidth=1.2, label="exact")
    axis.set_xticks(range(len(SIZES)), [str(rows) for rows in SIZES])
    axis.set(title=f"Error of w over {SEEDS} seeds", xlabel="rows", ylabel=f"|w − {W_TRUE}| after {STEPS} steps")
    axis.set_ylim(top=1.35 * max(max(errors) for errors in history.seen["w error"].values()))
    axis.legend(loc="upper right", ncols=3)
    return figure
