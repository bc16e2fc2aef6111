"""A line through 15 points: one update, then ten more.

The notebook's first half. w starts at the first number that seed 2017 draws, b at zero. The loss is the
mean squared error; each update moves w and b by 0.01 times their gradient. Then the notebook's two
further ideas: the same w x + b through a sigmoid, trained to tell the larger y from the smaller, and
its exercise, other rates and numbers of updates.

What to look for:
- The start is so far off that one update does most of the work. The notebook's text sees the estimates
  drop below the real points; counted, most stay above.
- The predictions lie on one straight line whatever w and b are: the model can draw nothing else.
- Between a rate that crawls and one that diverges lies a factor of a few hundred.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np

from demos import History, Run, arrays
from demos.style import DATA, FIT, MUTED, OTHER, TRUTH, Figure, styled

# fmt: off
X_TRAIN = np.array([[3.3], [4.4], [5.5], [6.71], [6.93], [4.168], [9.779], [6.182],
                    [7.59], [2.167], [7.042], [10.791], [5.313], [7.997], [3.1]], dtype=np.float32)
Y_TRAIN = np.array([[1.7], [2.76], [2.09], [3.19], [1.694], [1.573], [3.366], [2.596],
                    [2.53], [1.221], [2.827], [3.465], [1.65], [2.904], [1.3]], dtype=np.float32)
# fmt: on
RATE, UPDATES = 1e-2, 10
THRESHOLD = 2.5
LOGISTIC_RATE, LOGISTIC_UPDATES = 0.1, 3000
RATES, EPOCHS, LIMIT = (1e-4, 1e-3, 1e-2, 2e-2, 2.4e-2), (10, 100, 1000), 1e6


def points(torch: ModuleType, dtype: str) -> tuple[Any, Any]:
    return tuple(torch.from_numpy(array).to(getattr(torch, dtype)) for array in (X_TRAIN, Y_TRAIN))


def parameters(torch: ModuleType, seed: int, dtype: str) -> tuple[Any, Any]:
    """w and b, both of shape (1,), as the notebook starts them."""
    torch.manual_seed(seed)
    w = torch.autograd.Variable(torch.randn(1).to(getattr(torch, dtype)), requires_grad=True)
    b = torch.autograd.Variable(torch.zeros(1).to(getattr(torch, dtype)), requires_grad=True)
    return w, b


def get_loss(torch: ModuleType, y_: Any, y: Any) -> Any:
    return torch.mean((y_ - y) ** 2)


def update(parameter: Any, rate: float) -> None:
    parameter.data = parameter.data - rate * parameter.grad.data


def notebook(torch: ModuleType, seed: int, dtype: str) -> Run:
    """1 + 10 updates; `lines` has (w, b) at the start, after the first update, and after the last."""
    x, y = points(torch, dtype)
    w, b = parameters(torch, seed, dtype)
    lines = [(w.item(), b.item())]
    loss = get_loss(torch, x * w + b, y)
    losses = [loss.item()]
    loss.backward()
    first = (w.grad.item(), b.grad.item())
    update(w, RATE)
    update(b, RATE)
    lines.append((w.item(), b.item()))
    for _e in range(UPDATES):
        loss = get_loss(torch, x * w + b, y)
        w.grad.zero_()
        b.grad.zero_()
        loss.backward()
        losses.append(loss.item())
        update(w, RATE)
        update(b, RATE)
    lines.append((w.item(), b.item()))
    return Run(losses, arrays(w=w, b=b), arrays(w=w.grad, b=b.grad), {"lines": lines, "first gradients": first})


def logistic(torch: ModuleType, seed: int, dtype: str) -> Run:
    """Trains sigmoid(w x + b) to be the chance that y > THRESHOLD, by the cross entropy of both."""
    x, y = points(torch, dtype)
    large = (y > THRESHOLD).to(x.dtype)
    w, b = parameters(torch, seed, dtype)
    losses = []
    for _step in range(LOGISTIC_UPDATES):
        # From w x + b, not from the sigmoid: which starts at 1.0 to the last bit: log(1 - 1) is -inf.
        loss = torch.nn.functional.binary_cross_entropy_with_logits(x * w + b, large)
        losses.append(loss.item())
        w.grad = b.grad = None
        loss.backward()
        update(w, LOGISTIC_RATE)
        update(b, LOGISTIC_RATE)
    chance = torch.sigmoid(x * w + b)
    return Run(losses, arrays(w=w, b=b), arrays(w=w.grad, b=b.grad), arrays(chance=chance, large=large))


def exercise(torch: ModuleType, seed: int, dtype: str, rate: float) -> Run:
    """The notebook's training with another rate; `losses` has the loss before each update and at the end."""
    x, y = points(torch, dtype)
    w, b = parameters(torch, seed, dtype)
    losses = []
    while True:
        loss = get_loss(torch, x * w + b, y)
        losses.append(loss.item())
        if len(losses) > EPOCHS[-1] or not losses[-1] < LIMIT:
            break
        w.grad = b.grad = None
        loss.backward()
        update(w, rate)
        update(b, rate)
    return Run(losses, arrays(w=w, b=b), arrays(w=w.grad, b=b.grad))


def lesson(torch: ModuleType, seed: int = 2017, dtype: str = "float32") -> History:
    runs = {"line": notebook(torch, seed, dtype), "logistic": logistic(torch, seed, dtype)}
    runs |= {f"rate {rate:g}": exercise(torch, seed, dtype, rate) for rate in RATES}
    return History(runs)


def least_squares() -> tuple[float, float, float]:
    """w, b and the loss of the best line, in float64."""
    x, y = X_TRAIN.ravel().astype(np.float64), Y_TRAIN.ravel().astype(np.float64)
    w, b = np.polyfit(x, y, 1)
    return float(w), float(b), float(((w * x + b - y) ** 2).mean())


def report(history: History) -> list[str]:
    line, logit = history.runs["line"], history.runs["logistic"]
    (w, _), *_, (w_end, b_end) = line.seen["lines"]
    w_grad, b_grad = line.seen["first gradients"]
    lines = [f"w {w:.4f}; loss {line.losses[0]:.4f}; gradients {w_grad:.4f} and {b_grad:.4f}"]
    w, b = line.seen["lines"][1]
    above = int((w * X_TRAIN + b > Y_TRAIN).sum())
    lines.append(f"after 1 update {above} of {len(X_TRAIN)} estimates lie above the real points")
    lines += [f"epoch: {epoch}, loss: {loss:.4f}" for epoch, loss in enumerate(line.losses[1:])]
    best = least_squares()
    lines.append(f"learned y = {w_end:.4f} x {b_end:+.4f}")
    lines += [f"the best line is y = {best[0]:.4f} x {best[1]:+.4f}, loss {best[2]:.4f}", ""]
    w, b = (logit.parameters[name].item() for name in "wb")
    right = int(((logit.seen["chance"] > 0.5) == (logit.seen["large"] > 0.5)).sum())
    lines += [
        f"logistic, is y > {THRESHOLD:g}: cross entropy {logit.losses[0]:.4f} -> {logit.losses[-1]:.4f}, "
        f"{right} of {len(X_TRAIN)} right,",
        f"undecided at x = {-b / w:.4f}",
        "",
    ]
    lines.append("exercise, loss after" + "".join(f"{epochs:11}" for epochs in EPOCHS) + " updates")
    for name in (f"rate {rate:g}" for rate in RATES):
        losses = history.runs[name].losses
        cells = [f"{losses[epochs]:11.4f}" if epochs < len(losses) else f"{'diverged':>11}" for epochs in EPOCHS]
        lines.append(f"{name:20}" + "".join(cells))
    return lines


@styled
def picture(history: History) -> Figure:
    """The line before, after the first update, and after all."""
    import matplotlib.pyplot as plt

    run = history.runs["line"]
    figure, axes = plt.subplots(1, 3, figsize=(12, 4.2))
    titles = ("Before", "After 1 update", f"After {1 + UPDATES} updates")
    for axis, title, (w, b) in zip(axes, titles, run.seen["lines"], strict=True):
        axis.plot(X_TRAIN, Y_TRAIN, "o", color=OTHER, label="real")
        axis.plot(X_TRAIN, w * X_TRAIN + b, "o", color=FIT, label="estimated")
        ends = np.array([X_TRAIN.min(), X_TRAIN.max()])
        axis.plot(
            ends,
            w * ends + b,
            color=FIT,
            linewidth=0.9,
            label=f"y = {w:.3f}x {'+' if b >= 0 else '−'} {abs(b):.3f}",
        )
        axis.set(title=title, xlabel="x", ylabel="y")
        axis.margins(y=0.12)
    best = least_squares()
    axes[2].plot(ends, best[0] * ends + best[1], "--", color=TRUTH, linewidth=1.2, label="least squares")
    for axis in axes:
        axis.legend(loc="upper left")
    return figure


@styled
def picture_logistic(history: History) -> Figure:
    """The learned chance that y lies above the threshold."""
    import matplotlib.pyplot as plt

    run = history.runs["logistic"]
    w, b = (run.parameters[name].item() for name in "wb")
    figure, axis = plt.subplots(figsize=(7, 4.4))
    x = np.linspace(1, 12, 300)
    axis.plot(x, 1 / (1 + np.exp(-(w * x + b))), color=FIT, label="sigmoid(wx + b)")
    large = run.seen["large"].ravel() > 0.5
    axis.plot(X_TRAIN[large], np.ones(large.sum()), "o", color=OTHER, label=f"y > {THRESHOLD:g}")
    axis.plot(X_TRAIN[~large], np.zeros((~large).sum()), "s", color=DATA, label=f"y ≤ {THRESHOLD:g}")
    axis.axvline(-b / w, linestyle="--", color=MUTED, linewidth=1.2, label=f"undecided: x = {-b / w:.2f}")
    axis.set(title=f"Is y above {THRESHOLD:g}?", xlabel="x", ylabel=f"chance that y > {THRESHOLD:g}")
    axis.legend(loc="center right")
    return figure


@styled
def picture_exercise(history: History) -> Figure:
    """The loss over the updates, one curve a rate."""
    import matplotlib.pyplot as plt

    figure, axis = plt.subplots(figsize=(8, 4.8))
    colors = plt.get_cmap("viridis")(np.linspace(0, 0.92, len(RATES)))
    for rate, color in zip(RATES, colors, strict=True):
        losses = history.runs[f"rate {rate:g}"].losses
        gone = ", diverged" if len(losses) <= EPOCHS[-1] else ""
        axis.loglog(np.arange(1, len(losses) + 1), losses, color=color, label=f"rate {rate:g}{gone}")
    axis.axhline(least_squares()[2], linestyle="--", color=TRUTH, linewidth=1.2, label="least squares")
    axis.set(
        title="The same line at other rates",
        xlabel="update",
        ylabel="mean squared error before it",
        ylim=(0.1, LIMIT),
    )
    figure.legend(loc="outside right center")
    return figure
