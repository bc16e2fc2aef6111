"""A cubic, found from the powers of x.

The notebook's second half: 61 points of y = 0.9 + 0.5 x + 3 x² + 2.4 x³ on [-3, 3]. The model
multiplies the columns x, x², x³ with three weights and adds b: linear in what is learned, so the line's
training serves unchanged. The weights are the second randn(3, 1) that seed 2017 gives after the line's
start.

What to look for:
- x³ reaches 27, so its gradient is the largest and forces the small rate of 0.001; the other weights
  are learned slowly. After 100 updates the curves look alike while w and b are still off.
- The exercise, a quadratic in place of the cubic: no training removes the error of a wrong model. It
  comes to rest at the least squares quadratic.

The notebook trains in float32, where its second gradient, -81.744846, is rounded so near to the middle of
two printed numbers that an engine shows -81.7448 or -81.7449 as the order of its additions has it. The
same problem in float64, the default here, prints the notebook's digits everywhere.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np

from demos import History, Run, arrays
from demos.notebook_line import get_loss, update
from demos.style import FIT, OTHER, THIRD, TRUTH, Figure, styled

W_TARGET, B_TARGET = np.array([0.5, 3, 2.4]), 0.9
RATE, UPDATES = 0.001, 100
QUADRATIC_RATE, QUADRATIC_UPDATES = 0.01, 1000
X_SAMPLE = np.arange(-3, 3.1, 0.1)
Y_SAMPLE = B_TARGET + W_TARGET[0] * X_SAMPLE + W_TARGET[1] * X_SAMPLE**2 + W_TARGET[2] * X_SAMPLE**3


def powers(degree: int) -> np.ndarray:
    """The columns x, x², ... of all samples: shape (61, degree)."""
    return np.stack([X_SAMPLE**i for i in range(1, degree + 1)], axis=1)


def train(torch: ModuleType, w: Any, dtype: str, rate: float, updates: int) -> Run:
    """One update and then `updates` more; the losses are those before each.

    `curves` has the model's y (61,) before the first update, after it, and after all.
    """
    number = getattr(torch, dtype)
    x = torch.from_numpy(powers(len(w))).float().to(number)
    y = torch.from_numpy(Y_SAMPLE).float().unsqueeze(1).to(number)
    w = torch.autograd.Variable(w.to(number), requires_grad=True)
    b = torch.autograd.Variable(torch.zeros(1).to(number), requires_grad=True)

    def multi_linear(x: Any) -> Any:
        return torch.mm(x, w) + b

    def curve() -> np.ndarray:
        return multi_linear(x).detach().numpy().ravel().copy()

    curves = [curve()]
    loss = get_loss(torch, multi_linear(x), y)
    losses = [loss.item()]
    loss.backward()
    first = arrays(w=w.grad, b=b.grad)
    update(w, rate)
    update(b, rate)
    curves.append(curve())
    for _e in range(updates):
        loss = get_loss(torch, multi_linear(x), y)
        losses.append(loss.item())
        w.grad.data.zero_()
        b.grad.data.zero_()
        loss.backward()
        update(w, rate)
        update(b, rate)
    curves.append(curve())
    return Run(losses, arrays(w=w, b=b), arrays(w=w.grad, b=b.grad), {"curves": curves, "first gradients": first})


def lesson(torch: ModuleType, seed: int = 2017, dtype: str = "float64") -> History:
    torch.manual_seed(seed)
    torch.randn(1)  # the line's start
    torch.randn(3, 1)  # the notebook ran this cell twice
    cubic = torch.randn(3, 1)
    quadratic = torch.randn(2, 1)
    return History(
        {
            "cubic": train(torch, cubic, dtype, RATE, UPDATES),
            "quadratic": train(torch, quadratic, dtype, QUADRATIC_RATE, QUADRATIC_UPDATES),
        }
    )


def formula(b: float, w: Any) -> str:
    """As the notebook writes a polynomial."""
    terms = "".join(f" + {value:.2f} * x" + (f"^{i}" if i > 1 else "") for i, value in enumerate(w, 1))
    return f"y = {b:.2f}{terms}".replace("+ -", "- ")


def best_quadratic() -> tuple[np.ndarray, float]:
    """The least squares quadratic at the samples, and its loss, in float64."""
    curve = np.polyval(np.polyfit(X_SAMPLE, Y_SAMPLE, 2), X_SAMPLE)
    return curve, float(((curve - Y_SAMPLE) ** 2).mean())


def report(history: History) -> list[str]:
    cubic, quadratic = history.runs["cubic"], history.runs["quadratic"]
    first = cubic.seen["first gradients"]
    gradients = ", ".join(f"{value:.4f}" for value in first["w"].ravel())
    lines = [
        formula(B_TARGET, W_TARGET),
        f"loss {cubic.losses[0]:.4f}; gradients {gradients} and {first['b'].item():.4f}",
    ]
    lines += [f"epoch {e}, Loss: {cubic.losses[e]:.5f}" for e in range(20, UPDATES + 1, 20)]
    lines += [
        f"learned: {formula(cubic.parameters['b'].item(), cubic.parameters['w'].ravel())}",
        f"largest distance of the curves: {np.abs(cubic.seen['curves'][-1] - Y_SAMPLE).max():.4f}",
        "",
        f"quadratic, rate {QUADRATIC_RATE:g}: loss {quadratic.losses[0]:.4f} -> {quadratic.losses[-1]:.4f} "
        f"after {QUADRATIC_UPDATES} updates",
        f"learned: {formula(quadratic.parameters['b'].item(), quadratic.parameters['w'].ravel())}",
        f"least squares: loss {best_quadratic()[1]:.4f}; no quadratic does better",
    ]
    return lines


@styled
def picture(history: History) -> Figure:
    """The curve before, after one update and after all."""
    import matplotlib.pyplot as plt

    run = history.runs["cubic"]
    figure, axes = plt.subplots(1, 3, figsize=(12, 4.2), sharey=True)
    for axis, title, curve in zip(
        axes, ("Before", "After 1 update", f"After {1 + UPDATES} updates"), run.seen["curves"], strict=True
    ):
        axis.plot(X_SAMPLE, curve, color=FIT, linewidth=2.2, label="fitting curve")
        axis.plot(X_SAMPLE, Y_SAMPLE, "--", color=TRUTH, linewidth=1.4, label="real curve")
        loss = ((curve.astype(np.float64) - Y_SAMPLE) ** 2).mean()
        axis.set(title=f"{title}: loss {loss:.3g}", xlabel="x")
        axis.legend(loc="upper left")
    axes[0].set_ylabel("y")
    return figure


@styled
def picture_exercise(history: History) -> Figure:
    """The quadratic's curve against the cubic's, and the loss of both models."""
    import matplotlib.pyplot as plt

    cubic, quadratic = history.runs["cubic"], history.runs["quadratic"]
    best, least = best_quadratic()
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.4))
    left.plot(X_SAMPLE, Y_SAMPLE, "--", color=TRUTH, linewidth=1.4, label="real curve, a cubic")
    left.plot(
        X_SAMPLE,
        quadratic.seen["curves"][-1],
        color=OTHER,
        linewidth=4,
        alpha=0.5,
        label=f"quadratic, {QUADRATIC_UPDATES} updates",
    )
    left.plot(X_SAMPLE, best, color=THIRD, linewidth=1.4, label="least squares quadratic")
    left.set(title="The best that a quadratic can do", xlabel="x", ylabel="y")
    left.legend(loc="upper left")

    for run, color, label in (
        (quadratic, OTHER, f"quadratic, rate {QUADRATIC_RATE:g}"),
        (cubic, FIT, f"cubic, rate {RATE:g}"),
    ):
        right.loglog(np.arange(1, len(run.losses) + 1), run.losses, color=color, label=label)
    right.axhline(least, linestyle="--", color=THIRD, label=f"least squares quadratic: {least:.1f}")
    right.set(title="Loss", xlabel="update", ylabel="mean squared error before it")
    right.legend(loc="lower left")
    return figure
