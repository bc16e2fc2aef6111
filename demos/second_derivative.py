"""Why a second backward() raises, and how f'' is had.

`backward()` frees the values that the graph saved, so a second one has nothing to work with and raises.
Two remedies are often mixed up, and do different things:
- `retain_graph=True` keeps the graph: the second `backward()` computes f' again and adds it, 2 f'.
- `create_graph=True` records the computation of the gradient itself: f' is then a tensor with a graph
  of its own, and its derivative is f''.

What to look for: the error's text; and the four curves f, f', f'', f''' of f(x) = x sin x, the last
three by applying `autograd.grad` again and again, on top of the closed forms.
"""

from __future__ import annotations

import textwrap
import warnings
from types import ModuleType
from typing import Any

import numpy as np

from demos import History, Run, arrays
from demos.style import FIT, FOURTH, OTHER, THIRD, Figure, styled

AT = 2.0
NAMES = ("f", "f'", "f''", "f'''")


def f(torch: ModuleType, x: Any) -> Any:
    return x * torch.sin(x)


def closed_forms(x: np.ndarray) -> list[np.ndarray]:
    """f, f', f'', f''' of f(x) = x sin x, by the product rule."""
    sin, cos = np.sin(x), np.cos(x)
    return [x * sin, sin + x * cos, 2 * cos - x * sin, -3 * sin - x * cos]


def lesson(torch: ModuleType, dtype: str = "float64") -> History:
    """Tries backward twice in three ways at x = 2, and differentiates the whole curve three times."""
    number = getattr(torch, dtype)

    x = torch.tensor(AT, dtype=number, requires_grad=True)
    y = f(torch, x)
    y.backward()
    once = x.grad.item()
    try:
        y.backward()
        error = "no error"
    except RuntimeError as raised:
        error = f"RuntimeError: {raised}"

    x = torch.tensor(AT, dtype=number, requires_grad=True)
    y = f(torch, x)
    y.backward(retain_graph=True)
    y.backward()
    retained = x.grad.item()

    x = torch.tensor(AT, dtype=number, requires_grad=True)
    with warnings.catch_warnings():  # torch warns of the reference cycle x -> x.grad -> graph -> x; it is cut below
        warnings.simplefilter("ignore")
        f(torch, x).backward(create_graph=True)
    slope, x.grad = x.grad, None
    slope.backward()
    created = x.grad.item()

    x = torch.linspace(-6, 6, 241, dtype=number, requires_grad=True)
    curves = [f(torch, x)]
    while len(curves) < len(NAMES):
        # Entry i of the curve depends on x[i] alone, so the gradient of the sum holds each entry's own slope.
        curves += torch.autograd.grad(curves[-1].sum(), x, create_graph=True)
    named = arrays(**dict(zip(NAMES, curves, strict=True)))
    run = Run(
        gradients={name: named[name] for name in NAMES[1:]},
        seen={"x": x.detach().numpy().copy(), "f": named["f"]},
    )
    return History({"x sin x": run}, {"once": once, "retained": retained, "created": created, "error": error})


def report(history: History) -> list[str]:
    seen, run = history.seen, history.runs["x sin x"]
    _, first, second, _ = closed_forms(np.array(AT))
    x = run.seen["x"]
    lines = [
        "backward() twice:",
        *textwrap.wrap(seen["error"], 78, initial_indent="  ", subsequent_indent="  "),
        "",
        f"f(x) = x sin x at x = {AT:g}                 autograd    closed form",
        f"f',  one backward()                    {seen['once']:10.7f}     {first:10.7f}",
        f"2f', two backward(), retain_graph      {seen['retained']:10.7f}     {2 * first:10.7f}",
        f"f'', create_graph, then f'.backward()  {seen['created']:10.7f}     {second:10.7f}",
        "",
        f"largest distance from the closed form, {x.size} points from {x[0]:g} to {x[-1]:g}:",
    ]
    for name, curve in zip(NAMES[1:], closed_forms(x)[1:], strict=True):
        lines.append(f"{name:4} {np.abs(run.gradients[name] - curve).max():.1e}")
    return lines


@styled
def picture(history: History) -> Figure:
    """The four curves from autograd, with marks from the closed forms on them."""
    import matplotlib.pyplot as plt

    run = history.runs["x sin x"]
    x = run.seen["x"]
    figure, axis = plt.subplots(figsize=(8, 5))
    curves = [run.seen["f"], *(run.gradients[name] for name in NAMES[1:])]
    for name, curve, color in zip(NAMES, curves, (OTHER, FIT, THIRD, FOURTH), strict=True):
        axis.plot(x, curve, color=color, label=name if name == "f" else f"{name}, autograd")
    for i, curve in enumerate(closed_forms(x)[1:]):
        axis.plot(
            x[::12],
            curve[::12],
            "o",
            color="none",
            markeredgecolor="black",
            markersize=5,
            markeredgewidth=0.9,
            label="closed form" if i == 0 else None,
        )
    axis.axhline(0, color="#b0b0b0", linewidth=0.8, zorder=0)
    axis.set(title="f(x) = x sin x and its derivatives", xlabel="x (radians)", ylabel="value")
    figure.legend(loc="outside right center")
    return figure
