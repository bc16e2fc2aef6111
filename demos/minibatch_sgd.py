"""Stochastic gradient descent, two rows at a time.

From scratch: 100 rows of two features x ~ N(0, 1) with y = x @ [2, -3.4] + 4.2 and a noise of 0.01. The
parameters start at zero. Each epoch shuffles the rows and deals them in batches; each batch sums its
squared errors (halved), and each parameter moves, in place under `no_grad`, by rate * gradient / batch
size.

What to look for, beside w and b coming close to the truth in 150 steps:
- A batch size that does not divide the rows leaves a short last batch. Nothing breaks: dividing by the
  full batch size gives its rows the weight of all others; dividing by its own length gives them more.
- If y has the shape (n,) and the prediction (n, 1), their difference silently becomes (n, n): each
  prediction is pulled towards every label of the batch. One of the n is its own, the others tell
  nothing of its x, so b still learns the mean, but w settles near truth / n.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from itertools import chain
from types import ModuleType
from typing import Any

from demos import History, Run, arrays
from demos.style import FIT, FOURTH, OTHER, THIRD, TRUTH, Figure, styled

W_TRUE, B_TRUE = [2, -3.4], 4.2
NOISE = 0.01
ROWS, BATCH, UNEVEN = 100, 2, 3
RATE, EPOCHS = 0.03, 3


def synthetic_data(torch: ModuleType, w: Any, b: float, rows: int, dtype: str) -> tuple[Any, Any]:
    """Features (rows, len(w)) from N(0, 1), and labels (rows, 1): features @ w + b + noise."""
    number = getattr(torch, dtype)
    features = torch.normal(0, 1, (rows, len(w))).to(number)
    labels = torch.matmul(features, torch.tensor(w, dtype=number)) + b
    labels += torch.normal(0, NOISE, labels.shape).to(number)
    return features, labels.reshape(-1, 1)


def data_iter(torch: ModuleType, batch_size: int, features: Any, labels: Any, shuffler: random.Random) -> Iterator[Any]:
    """Deals all rows once, in a new order; the last batch has what is left."""
    indices = list(range(len(features)))
    shuffler.shuffle(indices)
    for i in range(0, len(indices), batch_size):
        batch = torch.tensor(indices[i : i + batch_size])
        yield features[batch], labels[batch]


def squared_loss(y_hat: Any, y: Any) -> Any:
    return (y_hat - y.reshape(y_hat.shape)) ** 2 / 2


def squared_loss_without_reshape(y_hat: Any, y: Any) -> Any:
    return (y_hat - y) ** 2 / 2


def sgd(torch: ModuleType, parameters: list[Any], rate: float, batch_size: int) -> None:
    """Moves each parameter, in place, against its gradient, and zeroes the gradient for the next batch."""
    with torch.no_grad():
        for parameter in parameters:
            parameter -= rate * parameter.grad / batch_size
            parameter.grad.zero_()


def train(
    torch: ModuleType,
    features: Any,
    labels: Any,
    *,
    seed: int,
    rate: float = RATE,
    batch_size: int = BATCH,
    loss: Callable[[Any, Any], Any] = squared_loss,
    by_own_length: bool = False,
    stop_above: float = float("inf"),
) -> Run:
    """Trains w (2, 1) and b (1,) from zero; notes the loss over all rows at the start and after each step.

    Stops early when that loss is not below `stop_above` (a nan is not below anything).
    """
    shuffler = random.Random(seed)
    w = torch.zeros(size=(features.shape[1], 1), dtype=features.dtype, requires_grad=True)
    b = torch.zeros(1, dtype=features.dtype, requires_grad=True)

    def loss_over_all_rows() -> float:
        with torch.no_grad():
            return float(squared_loss(torch.matmul(features, w) + b, labels.reshape(-1, 1)).mean())

    losses, path, sizes, last = [loss_over_all_rows()], [[0.0, 0.0, 0.0]], [], {}
    for X, y in chain.from_iterable(data_iter(torch, batch_size, features, labels, shuffler) for _ in range(EPOCHS)):
        loss(torch.matmul(X, w) + b, y).sum().backward()
        last = arrays(w=w.grad, b=b.grad)
        sgd(torch, [w, b], rate, len(X) if by_own_length else batch_size)
        sizes.append(len(X))
        path.append([*w.detach().numpy().ravel().tolist(), b.item()])
        losses.append(loss_over_all_rows())
        if not losses[-1] < stop_above:
            break
    return Run(losses, arrays(w=w, b=b), last, {"path": path, "batch sizes": sizes})


def epoch_losses(run: Run) -> list[float]:
    """The loss over all rows at the end of each epoch."""
    steps = (len(run.losses) - 1) // EPOCHS
    return run.losses[steps::steps]


def lesson(torch: ModuleType, seed: int = 0, dtype: str = "float32") -> History:
    """The plain training, two with batches that do not divide the rows, and one with y of the wrong shape."""
    torch.manual_seed(seed)
    features, labels = synthetic_data(torch, W_TRUE, B_TRUE, ROWS, dtype)
    flat = labels.reshape(-1)
    runs = {
        "batch of 2": train(torch, features, labels, seed=seed),
        "batch of 3": train(torch, features, labels, seed=seed, batch_size=UNEVEN),
        "batch of 3, by own length": train(torch, features, labels, seed=seed, batch_size=UNEVEN, by_own_length=True),
        "y not reshaped": train(torch, features, flat, seed=seed, loss=squared_loss_without_reshape),
    }
    y_hat = torch.zeros(BATCH, 1)
    return History(
        runs,
        {
            "shape with reshape": tuple(squared_loss(y_hat, flat[:BATCH]).shape),
            "shape without reshape": tuple(squared_loss_without_reshape(y_hat, flat[:BATCH]).shape),
        },
    )


def report(history: History) -> list[str]:
    lines = ["loss after epoch              1          2          3      last batch"]
    for name, run in history.runs.items():
        losses = "  ".join(f"{loss:9.6f}" for loss in epoch_losses(run))
        lines.append(f"{name:25} {losses}   {run.seen['batch sizes'][-1]} rows of {run.seen['batch sizes'][0]}")
    lines += ["", "truth minus learned       w[0]       w[1]          b"]
    for name, run in history.runs.items():
        w, b = run.parameters["w"].ravel(), run.parameters["b"].item()
        lines.append(f"{name:25}{W_TRUE[0] - w[0]:9.5f}  {W_TRUE[1] - w[1]:9.5f}  {B_TRUE - b:9.5f}")
    w = history.runs["y not reshaped"].parameters["w"].ravel()
    wrong, right = history.seen["shape without reshape"], history.seen["shape with reshape"]
    lines += [
        "",
        f"Without the reshape a batch of {BATCH} has errors of shape {wrong}, not {right},",
        f"and w ends at ({w[0]:.3f}, {w[1]:.3f}); the truth over {BATCH} is "
        f"({W_TRUE[0] / BATCH:.3f}, {W_TRUE[1] / BATCH:.3f}).",
    ]
    return lines


@styled
def picture(history: History) -> Figure:
    """The loss over all rows, and the three parameters, as the epochs pass."""
    import matplotlib.pyplot as plt
    import numpy as np

    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.4))
    shown = {"batch of 2": (FIT, "-"), "batch of 3": (OTHER, "-"), "y not reshaped": (THIRD, "-.")}
    for name, (color, style) in shown.items():
        run = history.runs[name]
        left.semilogy(np.linspace(0, EPOCHS, len(run.losses)), run.losses, style, color=color, label=name)
    left.axhline(NOISE**2 / 2, linestyle="--", color=TRUTH, linewidth=1.2, label="noise² / 2")
    left.set(title="Loss over all rows", xlabel="epochs", ylabel="mean of (ŷ − y)² / 2", xticks=range(EPOCHS + 1))
    left.legend(loc="lower left", bbox_to_anchor=(0, 0.08))

    good, bad = (np.array(history.runs[name].seen["path"]) for name in ("batch of 2", "y not reshaped"))
    epochs = np.linspace(0, EPOCHS, len(good))
    for i, (name, true, color) in enumerate(
        (("w[0]", W_TRUE[0], FIT), ("w[1]", W_TRUE[1], OTHER), ("b", B_TRUE, FOURTH))
    ):
        right.plot(epochs, good[:, i], color=color, label=name)
        right.plot(epochs, bad[:, i], "-.", color=color, linewidth=1.2, label=f"{name}, y not reshaped")
        right.axhline(true, linestyle="--", color=TRUTH, linewidth=1.0, label="truth" if name == "b" else None)
    right.set(title=f"Parameters, batch of {BATCH}", xlabel="epochs", ylabel="value", xticks=range(EPOCHS + 1))
    right.set_ylim(-4.4, 7.6)
    right.legend(loc="upper center", ncols=2)
    return figure
