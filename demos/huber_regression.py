"""Linear, DataLoader, HuberLoss, SGD; and outliers.

The data of `minibatch_sgd`, 1000 rows, batches of 10. The Huber loss of an error e is e² / 2 up to a
size delta and delta (|e| - delta / 2) beyond: its slope never exceeds delta, so a far-off label pulls no
harder than a near one.

What to look for:
- Replacing the mean over a batch by the sum makes each gradient larger by the number of rows. With the
  rate divided by the batch size the training is the same, to rounding; with the old rate it is another.
- A layer's weight and gradient are read as `net[0].weight.data` and `net[0].weight.grad`.
- The second picture: about one label in ten is far off. The squared loss follows these; Huber's barely.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np

from demos import History, Run, arrays
from demos.minibatch_sgd import B_TRUE, NOISE, W_TRUE, synthetic_data
from demos.style import DATA, FIT, OTHER, THIRD, TRUTH, Figure, styled

ROWS, BATCH = 1000, 10
RATE, EPOCHS = 0.03, 3
DELTA = 1.0
# The second data set: y = 2x + 4.2 with a noise of 0.3; every fifth label where x > 0 is 15 too low.
OUTLIER_ROWS, OUTLIER_NOISE, OUTLIER_SHIFT = 200, 0.3, -15.0
OUTLIER_EPOCHS = 30


def train(
    torch: ModuleType,
    features: Any,
    labels: Any,
    loss: Any,
    *,
    seed: int,
    rate: float = RATE,
    epochs: int = EPOCHS,
) -> Run:
    """Trains one Linear layer from weights ~ N(0, 0.01²) and bias 0.

    Notes `loss` over all rows at the start and after each epoch.
    """
    torch.manual_seed(seed)
    net = torch.nn.Sequential(torch.nn.Linear(features.shape[1], 1)).to(features.dtype)
    net[0].weight.data.normal_(0, 0.01)
    net[0].bias.data.fill_(0)
    trainer = torch.optim.SGD(net.parameters(), lr=rate)
    dataset = torch.utils.data.TensorDataset(features, labels)
    losses = [loss(net(features), labels).item()]
    for _epoch in range(epochs):
        for X, y in torch.utils.data.DataLoader(dataset, BATCH, shuffle=True):
            batch_loss = loss(net(X), y)
            trainer.zero_grad()
            batch_loss.backward()
            trainer.step()
        losses.append(loss(net(features), labels).item())
    return Run(
        losses,
        arrays(weight=net[0].weight.data, bias=net[0].bias.data),
        arrays(weight=net[0].weight.grad, bias=net[0].bias.grad),
    )


def with_outliers(torch: ModuleType, dtype: str) -> tuple[Any, Any]:
    """Rows (n, 1) of y = 2x + 4.2 + noise, x uniform in [-3, 3), where far-off labels sit on one side."""
    number = getattr(torch, dtype)
    x = (torch.rand(OUTLIER_ROWS, 1) * 6 - 3).to(number)
    y = W_TRUE[0] * x + B_TRUE + torch.normal(0, OUTLIER_NOISE, (OUTLIER_ROWS, 1)).to(number)
    far_off = (torch.arange(OUTLIER_ROWS).reshape(-1, 1) % 5 == 0) & (x > 0)
    return x, torch.where(far_off, y + OUTLIER_SHIFT, y)


def lesson(torch: ModuleType, seed: int = 0, dtype: str = "float32") -> History:
    """Huber's loss as mean and as sum; then Huber against the squared loss on data with outliers."""
    torch.manual_seed(seed)
    features, labels = synthetic_data(torch, W_TRUE, B_TRUE, ROWS, dtype)
    x, y = with_outliers(torch, dtype)
    mean, total = (torch.nn.HuberLoss(reduction=how, delta=DELTA) for how in ("mean", "sum"))
    return History(
        {
            "mean": train(torch, features, labels, mean, seed=seed),
            "sum, rate / batch size": train(torch, features, labels, total, seed=seed, rate=RATE / BATCH),
            "sum, same rate": train(torch, features, labels, total, seed=seed),
            "outliers, Huber": train(torch, x, y, mean, seed=seed, epochs=OUTLIER_EPOCHS),
            "outliers, squared": train(torch, x, y, torch.nn.MSELoss(), seed=seed, epochs=OUTLIER_EPOCHS),
        },
        arrays(x=x, y=y),
    )


def per_row(name: str, losses: list[float]) -> list[float]:
    """The losses as means over the rows, whichever way the run reduced them."""
    return [loss / ROWS for loss in losses] if name.startswith("sum") else losses


def report(history: History) -> list[str]:
    lines = ["mean loss over all rows, after epoch      0         1         2         3"]
    for name in ("mean", "sum, rate / batch size", "sum, same rate"):
        losses = "  ".join(f"{loss:8.6f}" for loss in per_row(name, history.runs[name].losses))
        lines.append(f"HuberLoss, {name:24}  {losses}")
    mean, total = history.runs["mean"], history.runs["sum, rate / batch size"]
    apart = max(np.abs(mean.parameters[key] - total.parameters[key]).max() for key in mean.parameters)
    lines += [f"mean and rescaled sum end within {apart:.1e} of each other", ""]
    weight, bias = mean.parameters["weight"], mean.parameters["bias"]
    grad, bias_grad = mean.gradients["weight"], mean.gradients["bias"]
    lines += [
        f"net[0].weight.data  {weight[0, 0]:8.5f}  {weight[0, 1]:8.5f}    truth {W_TRUE[0]:g}, {W_TRUE[1]:g}",
        f"net[0].bias.data    {bias[0]:8.5f}              truth {B_TRUE:g}",
        f"net[0].weight.grad  {grad[0, 0]:8.5f}  {grad[0, 1]:8.5f}    of the last batch",
        f"net[0].bias.grad    {bias_grad[0]:8.5f}",
        "",
        f"with outliers         slope   intercept    truth {W_TRUE[0]:g}, {B_TRUE:g}",
    ]
    for name, label in (("outliers, Huber", "HuberLoss"), ("outliers, squared", "MSELoss")):
        fitted = history.runs[name].parameters
        lines.append(f"{label:17}  {fitted['weight'].item():8.4f}    {fitted['bias'].item():8.4f}")
    return lines


@styled
def picture(history: History) -> Figure:
    """The loss after each epoch for the three ways of reducing."""
    import matplotlib.pyplot as plt

    figure, axis = plt.subplots(figsize=(7, 4.4))
    epochs = np.arange(EPOCHS + 1)
    for name, style, color, size in (
        ("mean", "o-", FIT, 11),
        ("sum, rate / batch size", "s--", OTHER, 5),
        ("sum, same rate", "^-", THIRD, 7),
    ):
        axis.semilogy(epochs, per_row(name, history.runs[name].losses), style, color=color, markersize=size, label=name)
    axis.axhline(NOISE**2 / 2, linestyle="--", color=TRUTH, linewidth=1.2, label="noise² / 2")
    axis.set(
        title="Huber loss as mean and as sum",
        xlabel="epochs",
        ylabel="mean Huber loss over all rows",
        xticks=epochs,
    )
    axis.legend(loc="center", bbox_to_anchor=(0.46, 0.4))
    return figure


@styled
def picture_outliers(history: History) -> Figure:
    """Left the two losses of an error; right the lines that they fit through data with outliers."""
    import matplotlib.pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.4), width_ratios=(2, 3))
    error = np.linspace(-4, 4, 201)
    size = np.abs(error)
    left.plot(error, error**2, color=OTHER, label="squared: e²")
    left.plot(
        error,
        np.where(size <= DELTA, error**2 / 2, DELTA * (size - DELTA / 2)),
        color=FIT,
        label=f"Huber, δ = {DELTA:g}",
    )
    left.set(title="Loss of one error", xlabel="error e = ŷ − y", ylabel="loss")
    left.legend(loc="upper center")

    x, y = history.seen["x"], history.seen["y"]
    right.plot(x, y, "o", color=DATA, markersize=4, label="data")
    ends = np.array([-3.0, 3.0])
    for name, label, color in (
        ("outliers, squared", "squared loss", OTHER),
        ("outliers, Huber", "Huber loss", FIT),
    ):
        fitted = history.runs[name].parameters
        right.plot(ends, fitted["weight"].item() * ends + fitted["bias"].item(), color=color, label=label)
    right.plot(
        ends,
        W_TRUE[0] * ends + B_TRUE,
        "--",
        color=TRUTH,
        linewidth=1.2,
        label=f"truth: y = {W_TRUE[0]}x + {B_TRUE}",
    )
    right.set(title="Lines through data with outliers", xlabel="x", ylabel="y")
    right.legend(loc="lower left")
    return figure
