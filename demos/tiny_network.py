"""Backpropagation by hand: 5-3-1, with sigmoids.

A network of 5 inputs, 3 hidden units and 1 output; one input x and one target y. Scripts of this kind
multiply by a `loss` that they never define; the formulas need y - output, which is minus the gradient
of (y - output)² / 2. With it, from the output back:

    d_output = (y - output) * output * (1 - output)          sigmoid'(z) = a (1 - a)
    d_hidden = (d_output @ w2.T) * a1 * (1 - a1)

and each weight moves by +rate * (its input).T @ (its delta). Autograd needs only the loss.

What to look for: both ways give the same gradients. For b1 that takes care: often one reads
`b1 += d_hidden.sum() * rate`, which adds one number to all three biases; each has its own. The targets
are drawn from N(0, 1) and a sigmoid reaches only (0, 1): where y lies outside, some loss stays.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np

from demos import History, Run, arrays
from demos.style import FIT, OTHER, TRUTH, Figure, styled

N_INPUT, N_HIDDEN, N_OUTPUT = 5, 3, 1
RATE, STEPS = 0.1, 1000


def sigmoid_activation(z: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-z))


def sigmoid_delta(a: np.ndarray) -> np.ndarray:
    """The sigmoid's slope, from its value a."""
    return a * (1 - a)


def by_hand(x: np.ndarray, y: np.ndarray, start: dict[str, np.ndarray], steps: int) -> Run:
    """Trains in NumPy; notes the loss (y - output)² / 2 before each step and at the end."""
    w1, b1, w2, b2 = (start[name].copy() for name in ("w1", "b1", "w2", "b2"))
    losses, gradients, d_hidden = [], {}, np.zeros_like(b1)
    for step in range(steps + 1):
        a1 = sigmoid_activation(x @ w1 + b1)
        output = sigmoid_activation(a1 @ w2 + b2)
        losses.append(float(((y - output) ** 2 / 2).sum()))
        if step == steps:
            break
        d_output = (y - output) * sigmoid_delta(output)
        d_hidden = d_output @ w2.T * sigmoid_delta(a1)
        gradients = {"w1": -x.T @ d_hidden, "b1": -d_hidden, "w2": -a1.T @ d_output, "b2": -d_output}
        for parameter, gradient in zip((w1, b1, w2, b2), gradients.values(), strict=True):
            parameter -= RATE * gradient
    return Run(losses, {"w1": w1, "b1": b1, "w2": w2, "b2": b2}, gradients, {"b1 by one sum": float(-d_hidden.sum())})


def by_autograd(torch: ModuleType, x: Any, y: Any, start: dict[str, Any], steps: int) -> Run:
    """The same training with the gradients of the loss from its graph."""
    w1, b1, w2, b2 = parameters = [start[name].clone().requires_grad_() for name in ("w1", "b1", "w2", "b2")]
    losses, gradients = [], {}
    for step in range(steps + 1):
        a1 = torch.sigmoid(torch.mm(x, w1) + b1)
        output = torch.sigmoid(torch.mm(a1, w2) + b2)
        loss = ((y - output) ** 2 / 2).sum()
        losses.append(loss.item())
        if step == steps:
            break
        loss.backward()
        gradients = arrays(w1=w1.grad, b1=b1.grad, w2=w2.grad, b2=b2.grad)
        with torch.no_grad():
            for parameter in parameters:
                parameter -= RATE * parameter.grad
                parameter.grad.zero_()
    return Run(losses, arrays(w1=w1, b1=b1, w2=w2, b2=b2), gradients)


def lesson(torch: ModuleType, seed: int = 0, dtype: str = "float32") -> History:
    """One step and many, both ways, from one start."""
    torch.manual_seed(seed)
    number = getattr(torch, dtype)
    x = torch.randn((1, N_INPUT)).to(number)
    y = torch.randn((1, N_OUTPUT)).to(number)
    start = {
        "w1": torch.randn(N_INPUT, N_HIDDEN).to(number),
        "w2": torch.randn(N_HIDDEN, N_OUTPUT).to(number),
    }
    start |= {"b1": torch.randn((1, N_HIDDEN)).to(number), "b2": torch.randn((1, N_OUTPUT)).to(number)}
    runs = {}
    for steps, plural in ((1, "step"), (STEPS, "steps")):
        runs[f"by hand, {steps} {plural}"] = by_hand(x.numpy(), y.numpy(), arrays(**start), steps)
        runs[f"by autograd, {steps} {plural}"] = by_autograd(torch, x, y, start, steps)
    return History(runs, {"y": y.item()})


def least_loss(y: float) -> float:
    """The loss that no sigmoid gets under: from y to the nearest of [0, 1]."""
    return max(0.0, -y, y - 1) ** 2 / 2


def report(history: History) -> list[str]:
    hand, auto = history.runs["by hand, 1 step"], history.runs["by autograd, 1 step"]
    lines = ["largest gradient of the first step        by hand    by autograd     apart"]
    for name in ("w1", "b1", "w2", "b2"):
        a, b = hand.gradients[name], auto.gradients[name]
        at = np.abs(a).argmax()
        shape = "x".join(map(str, a.shape))
        lines.append(f"{name} ({shape}){a.flat[at]:39.6f}{b.flat[at]:15.6f}   {np.abs(a - b).max():.1e}")
    each = ", ".join(f"{value:.5f}" for value in hand.gradients["b1"].ravel())
    lines += [
        f"b1 gets ({each}); by one sum {hand.seen['b1 by one sum']:.5f} for all three",
        "",
        "loss after step       0          1         10        100       1000",
    ]
    for way in ("by hand", "by autograd"):
        losses = history.runs[f"{way}, {STEPS} steps"].losses
        lines.append(f"{way:13}" + "".join(f"{losses[step]:11.6f}" for step in (0, 1, 10, 100, 1000)))
    y = history.seen["y"]
    lines.append(f"target y = {y:.5f}: the loss can fall to {least_loss(y):.6f}, no further")
    return lines


@styled
def picture(history: History) -> Figure:
    """The first step's gradients both ways, and the loss over the steps."""
    import matplotlib.pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.4))
    hand, auto = (history.runs[f"{way}, 1 step"].gradients for way in ("by hand", "by autograd"))
    flat_hand, flat_auto = (np.concatenate([g[name].ravel() for name in hand]) for g in (hand, auto))
    left.plot(flat_hand, "o", color=FIT, markersize=10, alpha=0.45, label="by hand")
    left.plot(flat_auto, ".", color=OTHER, markersize=7, label="by autograd")
    edges = np.cumsum([0] + [hand[name].size for name in hand])
    for edge in edges[1:-1]:
        left.axvline(edge - 0.5, color="#c0c0c0", linewidth=0.8)
    left.set_xticks(
        (edges[:-1] + edges[1:] - 1) / 2, [f"{name}\n{'×'.join(map(str, hand[name].shape))}" for name in hand]
    )
    left.tick_params(axis="x", length=0)
    left.grid(axis="x", visible=False)
    left.set(title="Gradients of the first step", xlabel="entries of each parameter", ylabel="∂ loss / ∂ entry")
    left.margins(y=0.25)
    left.legend(loc="upper right", ncols=2)

    right.plot(history.runs[f"by hand, {STEPS} steps"].losses, color=FIT, linewidth=5, alpha=0.4, label="by hand")
    right.plot(history.runs[f"by autograd, {STEPS} steps"].losses, color=OTHER, linewidth=1.4, label="by autograd")
    least = least_loss(history.seen["y"])
    if least > 0:
        right.axhline(least, linestyle="--", color=TRUTH, linewidth=1.2, label="least possible")
    right.set(title=f"Loss, rate {RATE:g}", xlabel="steps", ylabel="(y − output)² / 2")
    right.set_ylim(bottom=0)
    right.legend(loc="upper right")
    return figure
