"""Down a curved valley, by hand and by autograd.

Rosenbrock's function f(x, y) = (1 - x)² + 100 (y - x²)² has its minimum 0 at (1, 1), at the end of a
long curved valley: steep across, almost flat along. From (0, 0) with a rate of 0.001 the point is
descended until f is under 0.001.

What to look for: the steepness across forces the small rate, and the flatness along then needs
thousands of steps. Both ways of differentiating take the same number and end at the same point.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np

from demos import History, Run, arrays
from demos.style import FIT, MUTED, OTHER, Figure, styled

RATE, ENOUGH, MOST_STEPS = 0.001, 0.001, 10_000
MINIMUM = (1.0, 1.0)


def f(x: Any, y: Any) -> Any:
    return (1 - x) ** 2 + 100 * (y - x**2) ** 2


def df_dx(x: Any, y: Any) -> Any:
    return 2 * x - 400 * (y - x**2) * x - 2


def df_dy(x: Any, y: Any) -> Any:
    return 200 * (y - x**2)


def by_hand(dtype: str) -> Run:
    """Descends in NumPy; `path` has shape (steps + 1, 2), `losses` holds f at each of its points."""
    point = np.zeros(2, dtype)
    path, losses, gradient = [point.copy()], [float(f(*point))], np.zeros(2, dtype)
    while losses[-1] > ENOUGH and len(losses) <= MOST_STEPS:
        gradient = np.array([df_dx(*point), df_dy(*point)])
        point -= RATE * gradient
        path.append(point.copy())
        losses.append(float(f(*point)))
    return Run(losses, {"x": point[0], "y": point[1]}, {"x": gradient[0], "y": gradient[1]}, {"path": np.array(path)})


def by_autograd(torch: ModuleType, dtype: str) -> Run:
    """The same descent; the two coordinates are 0-d tensors that require their gradient."""
    number = getattr(torch, dtype)
    x = torch.tensor(0.0, dtype=number, requires_grad=True)
    y = torch.tensor(0.0, dtype=number, requires_grad=True)
    loss = f(x, y)
    path, losses = [(x.item(), y.item())], [loss.item()]
    while losses[-1] > ENOUGH and len(losses) <= MOST_STEPS:
        x.grad = y.grad = None
        loss.backward()
        with torch.no_grad():
            x -= RATE * x.grad
            y -= RATE * y.grad
        loss = f(x, y)
        path.append((x.item(), y.item()))
        losses.append(loss.item())
    return Run(losses, arrays(x=x, y=y), arrays(x=x.grad, y=y.grad), {"path": np.array(path)})


def lesson(torch: ModuleType, dtype: str = "float64") -> History:
    return History({"by hand": by_hand(dtype), "by autograd": by_autograd(torch, dtype)})


def report(history: History) -> list[str]:
    lines = ["               steps            x            y          f"]
    for name, run in history.runs.items():
        lines.append(
            f"{name:12}  {len(run.losses) - 1:6}   {run.parameters['x'].item():.8f}   "
            f"{run.parameters['y'].item():.8f}   {run.losses[-1]:.6f}"
        )
    hand, auto = (run.seen["path"] for run in history.runs.values())
    steps = min(len(hand), len(auto))
    lines.append(f"largest distance between the two paths: {np.abs(hand[:steps] - auto[:steps]).max():.1e}")
    away = np.hypot(*(auto - MINIMUM).T)
    lines.append(f"half of the distance to the minimum is gone after {np.argmax(away < away[0] / 2)} steps")
    return lines


@styled
def picture(history: History) -> Figure:
    """Both paths on the contours of f, and f over the steps."""
    import matplotlib.pyplot as plt
    from matplotlib.ticker import LogFormatterMathtext, LogLocator

    hand, auto = history.runs["by hand"], history.runs["by autograd"]
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.8), width_ratios=(6, 5))
    x, y = np.meshgrid(np.linspace(-0.3, 1.3, 321), np.linspace(-0.3, 1.3, 321))
    levels = 10.0 ** np.arange(-3, 3.01, 0.5)
    filled = left.contourf(x, y, f(x, y), levels=levels, norm="log", cmap="Greys", alpha=0.55, extend="both")
    bar = figure.colorbar(filled, ax=left, label="f(x, y)", ticks=LogLocator(10), format=LogFormatterMathtext())
    bar.ax.minorticks_off()
    left.plot(*hand.seen["path"].T, color=FIT, linewidth=4, alpha=0.55, label="by hand")
    left.plot(*auto.seen["path"].T, color=OTHER, linewidth=1.3, label="by autograd")
    left.plot(0, 0, "s", color="black", label="start")
    left.plot(*auto.seen["path"][-1], "D", markerfacecolor="white", markeredgecolor="black", label="end")
    left.plot(*MINIMUM, "*", color="black", markersize=12, label="minimum (1, 1)")
    left.set(title="The path in the valley", xlabel="x", ylabel="y", aspect="equal")
    left.grid(False)
    left.legend(loc="upper left")

    right.semilogy(hand.losses, color=FIT, linewidth=4, alpha=0.55, label="by hand")
    right.semilogy(auto.losses, color=OTHER, linewidth=1.3, label="by autograd")
    right.axhline(ENOUGH, linestyle="--", color=MUTED, linewidth=1.2, label=f"stop under {ENOUGH:g}")
    right.set(title="f on the way", xlabel="steps", ylabel="f(x, y)")
    right.legend(loc="upper right")
    return figure
