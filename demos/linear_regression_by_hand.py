"""One gradient, derived by hand and by autograd.

32 points y = 2x + 3 + noise, x uniform in [0, 5). The line is theta = (slope, intercept) over the matrix
X with the rows (x, 1), the cost sum((X theta - y)²) / 2m over the m points. By hand its gradient is
X.T (X theta - y) / m; autograd finds the same from the cost alone.

What to look for:
- Both ways walk the same path from the same start, to rounding.
- The noise is uniform in [0, 2): its mean is 1, so the line in the points is y = 2x + 4, not + 3.
- 500 steps with a rate of 0.005 stop far from the best theta: raising the slope while lowering the
  intercept hardly changes the cost, so in that direction the descent is slow. The closed form shows it.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np

from demos import History, Run, arrays
from demos.style import DATA, FIT, MUTED, OTHER, TRUTH, Figure, styled

SLOPE, INTERCEPT, NOISE = 2, 3, 2
ROWS = 32
SETTINGS = ((0.005, 500), (0.05, 5000))  # rate, steps


def get_fake_data(torch: ModuleType, rows: int, dtype: str) -> tuple[Any, Any]:
    """X (rows, 2) with a column of ones, and y (rows, 1)."""
    x = torch.rand(rows, 1) * 5
    y = x * SLOPE + INTERCEPT + torch.rand(rows, 1) * NOISE
    return torch.cat((x, torch.ones_like(x)), dim=1).to(getattr(torch, dtype)), y.to(getattr(torch, dtype))


def by_hand(X: np.ndarray, y: np.ndarray, theta: np.ndarray, rate: float, steps: int) -> Run:
    """Descends with the gradient X.T (X theta - y) / m; notes the cost before each step."""
    rows, costs = len(X), []
    gradient = np.zeros_like(theta)
    for _step in range(steps):
        error = X @ theta - y
        costs.append(float((error * error).sum() / (2 * rows)))
        gradient = X.T @ error / rows
        theta = theta - rate * gradient
    return Run(costs, {"theta": theta}, {"theta": gradient})


def by_autograd(torch: ModuleType, X: Any, y: Any, theta: Any, rate: float, steps: int) -> Run:
    """The same descent; the gradient comes from the cost's graph."""
    theta = theta.clone().requires_grad_()
    costs = []
    for _step in range(steps):
        if theta.grad is not None:
            theta.grad.data.zero_()
        cost = (1 / (2 * len(X)) * (X.mm(theta) - y) ** 2).sum()
        costs.append(cost.item())
        cost.backward()
        theta.data.sub_(rate * theta.grad.data)
    return Run(costs, arrays(theta=theta), arrays(theta=theta.grad))


def lesson(torch: ModuleType, seed: int = 0, dtype: str = "float32") -> History:
    """Both ways from one start, for the short and the long training; `best` is the closed form in float64."""
    torch.manual_seed(seed)
    X, y = get_fake_data(torch, ROWS, dtype)
    theta = torch.randn((2, 1)).to(X.dtype)
    runs = {}
    for rate, steps in SETTINGS:
        runs[f"by hand, {steps} steps"] = by_hand(X.numpy(), y.numpy(), theta.numpy(), rate, steps)
        runs[f"by autograd, {steps} steps"] = by_autograd(torch, X, y, theta, rate, steps)
    seen = arrays(X=X, y=y)
    # The theta of least cost solves X.T X theta = X.T y.
    exact = X.numpy().astype(np.float64)
    return History(runs, {**seen, "best": np.linalg.solve(exact.T @ exact, exact.T @ seen["y"].astype(np.float64))})


def report(history: History) -> list[str]:
    lines = ["                              slope   intercept        cost"]
    for name, run in history.runs.items():
        slope, intercept = run.parameters["theta"].ravel()
        lines.append(f"{name:24}   {slope:8.5f}    {intercept:8.5f}    {run.losses[-1]:8.6f}")
    slope, intercept = history.seen["best"].ravel()
    error = history.seen["X"] @ history.seen["best"] - history.seen["y"]
    lines.append(f"{'closed form':24}   {slope:8.5f}    {intercept:8.5f}    {(error**2).mean() / 2:8.6f}")
    lines.append(f"{'truth, noise averaged':24}   {SLOPE:8.5f}    {INTERCEPT + NOISE / 2:8.5f}")
    for _rate, steps in SETTINGS:
        hand, auto = (history.runs[f"{way}, {steps} steps"].parameters["theta"] for way in ("by hand", "by autograd"))
        lines.append(f"after {steps} steps the two thetas are within {np.abs(hand - auto).max():.1e}")
    return lines


@styled
def picture(history: History) -> Figure:
    """The points with the lines found, and the cost over the steps."""
    import matplotlib.pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.6))
    (short_rate, short), (long_rate, long) = SETTINGS
    left.plot(history.seen["X"][:, 0], history.seen["y"], "o", color=DATA, label="points")
    x = np.array([[0.0, 1.0], [5.0, 1.0]])
    for steps, color in ((short, OTHER), (long, FIT)):
        theta = history.runs[f"by autograd, {steps} steps"].parameters["theta"]
        left.plot(
            x[:, 0],
            x @ theta,
            color=color,
            label=f"{steps} steps: y = {theta[0, 0]:.2f}x + {theta[1, 0]:.2f}",
        )
    left.plot(x[:, 0], x @ history.seen["best"], ":", color=TRUTH, linewidth=2.2, label="closed form")
    left.plot(
        x[:, 0],
        x @ [SLOPE, INTERCEPT + NOISE / 2],
        "--",
        color=MUTED,
        linewidth=1.2,
        label=f"truth: y = {SLOPE}x + {INTERCEPT + NOISE / 2:g}",
    )
    left.set(title="Points and lines", xlabel="x", ylabel="y")
    left.legend(loc="upper left")

    for rate, steps, color in ((short_rate, short, OTHER), (long_rate, long, FIT)):
        hand, auto = history.runs[f"by hand, {steps} steps"], history.runs[f"by autograd, {steps} steps"]
        count = np.arange(1, steps + 1)
        right.loglog(count, hand.losses, color=color, linewidth=5, alpha=0.35, label=f"by hand, rate {rate:g}")
        right.loglog(count, auto.losses, color=color, linewidth=1.4, label=f"by autograd, rate {rate:g}")
    error = history.seen["X"] @ history.seen["best"] - history.seen["y"]
    right.axhline((error**2).mean() / 2, linestyle=":", color=TRUTH, linewidth=2.2, label="closed form")
    right.set(title="Cost", xlabel="step", ylabel="sum of (Xθ − y)² / 2m")
    right.legend(loc="upper right")
    return figure
