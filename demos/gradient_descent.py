"""Down a parabola, and a slip that passes its minimum.

f(x) = x² + 2x + 1 has its minimum at x = -1. Gradient descent from x = 1 moves x by -rate * f'(x).

The slip: a script that asks for the gradient of the result instead of the variable,

    y = x**2 + 2*x + 1; y.requires_grad = True; y.backward(); x.data -= rate * y.grad

differentiates y by itself. dy/dy is 1, whatever x is, so x always moves by exactly the rate. With a rate
of 0.00001 and ten steps the numbers look right. Given steps enough it walks through the minimum at
unchanged speed and up the other side, which is what to look for in the picture.
"""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np

from demos import History, Run, arrays
from demos.style import FIT, MUTED, OTHER, TRUTH, Figure, styled

START, MINIMUM = 1.0, -1.0
RATE, STEPS = 0.1, 40
TINY_RATE, FEW_STEPS = 0.00001, 10


def f(x: Any) -> Any:
    return x**2 + 2 * x + 1


def descend(torch: ModuleType, dtype: str, rate: float, steps: int) -> Run:
    """Moves x against df/dx; notes x and f(x) at each point."""
    x = torch.tensor([START], dtype=getattr(torch, dtype), requires_grad=True)
    path, losses, gradients = [x.item()], [f(x).item()], []
    for _step in range(steps):
        y = f(x)
        y.backward()
        gradients.append(x.grad.item())
        x.data = x.data - rate * x.grad
        x.grad.data.zero_()
        path.append(x.item())
        losses.append(f(x).item())
    return Run(losses, arrays(x=x), {"x": np.array(gradients, dtype)}, {"path": path})


def descend_by_y_itself(torch: ModuleType, dtype: str, rate: float, steps: int) -> Run:
    """The slip: y is made the leaf, and x moves against dy/dy."""
    x = torch.tensor([START], dtype=getattr(torch, dtype))
    path, losses, gradients = [x.item()], [f(x).item()], []
    for _step in range(steps):
        y = f(x)
        y.requires_grad = True
        y.backward()
        gradients.append(y.grad.item())
        x.data = x.data - rate * y.grad
        path.append(x.item())
        losses.append(f(x).item())
    return Run(losses, arrays(x=x), {"y": np.array(gradients, dtype)}, {"path": path})


def lesson(torch: ModuleType, dtype: str = "float32") -> History:
    """Both ways, at a tiny rate for a few steps and a proper one for many; `gradients` has all steps."""
    ways: dict[str, Callable[..., Run]] = {"df/dx": descend, "dy/dy": descend_by_y_itself}
    return History(
        {
            f"{name}, rate {rate:g}": way(torch, dtype, rate, steps)
            for rate, steps in ((TINY_RATE, FEW_STEPS), (RATE, STEPS))
            for name, way in ways.items()
        }
    )


def report(history: History) -> list[str]:
    lines = [
        f"f(x) = x² + 2x + 1 from x = {START:g}; the minimum is f({MINIMUM:g}) = {f(MINIMUM):g}",
        "moved by            steps   gradient, first and last          x        f(x)",
    ]
    for name, run in history.runs.items():
        (gradients,) = run.gradients.values()
        lines.append(
            f"{name:18}  {len(gradients):5}   {gradients[0]:11.6f} {gradients[-1]:11.6f}"
            f"   {run.seen['path'][-1]:9.6f}   {run.losses[-1]:9.6f}"
        )
    steps = np.diff(history.runs[f"dy/dy, rate {RATE:g}"].seen["path"])
    lines.append(f"Moved by dy/dy, every step is {steps.min():.6f} to {steps.max():.6f}: always the rate.")
    return lines


@styled
def picture(history: History) -> Figure:
    """Both paths on the curve."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 2, figsize=(10, 4.4), sharey=True)
    x = np.linspace(-3.4, 1.4, 200)
    titles = {
        "df/dx": "Moved by df/dx: settles in the minimum",
        "dy/dy": "Moved by dy/dy: always by the rate",
    }
    for axis, (name, title), color in zip(axes, titles.items(), (FIT, OTHER), strict=True):
        run = history.runs[f"{name}, rate {RATE:g}"]
        path, height = run.seen["path"], run.losses
        axis.plot(x, f(x), color=MUTED, linewidth=1.2, label="f(x) = x² + 2x + 1")
        axis.plot(
            path,
            height,
            "o",
            color=color,
            markersize=6,
            alpha=0.8,
            label=f"{len(path) - 1} steps, rate {RATE:g}",
        )
        axis.plot(path[0], height[0], "s", color="black", markersize=7, label="start")
        axis.plot(
            path[-1],
            height[-1],
            "D",
            markerfacecolor="white",
            markeredgecolor="black",
            markersize=7,
            label="end",
        )
        axis.plot(
            MINIMUM,
            f(MINIMUM),
            "*",
            color=TRUTH,
            markersize=13,
            label="minimum",
            zorder=1 if name == "dy/dy" else 3,
        )
        axis.set(title=title, xlabel="x", ylim=(-0.5, 6))
        axis.legend(loc="upper center", ncols=2)
    axes[0].set_ylabel("f(x)")
    return figure
