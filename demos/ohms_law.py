"""U = I R as a model, with R as its one parameter.

Ohm's law, 1000 times: pairs of a current I ~ N(0, 1) in amperes and a voltage U in volts, measured with
a noise of 0.01 V over a resistor of 10 ohms. R starts near zero and is learned as in `minibatch_sgd`,
without a bias: the law has none.

What to look for: R is right after the first epoch, and then trembles, for each batch of two pulls it
towards its own noise. The least squares estimate, one formula for all rows at once, does not tremble.
"""

from __future__ import annotations

import random
from types import ModuleType

import numpy as np

from demos import History, Run, arrays
from demos.minibatch_sgd import BATCH, EPOCHS, NOISE, RATE, data_iter, sgd, squared_loss
from demos.style import DATA, FIT, OTHER, TRUTH, Figure, styled

R_TRUE = 10.0
ROWS = 1000


def lesson(torch: ModuleType, seed: int = 0, dtype: str = "float32") -> History:
    """Learns R (1, 1); notes R after each step and the loss over all rows after each epoch."""
    torch.manual_seed(seed)
    shuffler = random.Random(seed)
    number = getattr(torch, dtype)
    current = torch.normal(0, 1, (ROWS, 1)).to(number)
    voltage = torch.matmul(current, torch.tensor([[R_TRUE]], dtype=number))
    voltage += torch.normal(0, NOISE, voltage.shape).to(number)

    R = torch.normal(0, 0.01, size=(1, 1)).to(number).requires_grad_()
    losses, path, last = [], [R.item()], {}
    for _epoch in range(EPOCHS):
        for X, y in data_iter(torch, BATCH, current, voltage, shuffler):
            squared_loss(torch.matmul(X, R), y).sum().backward()
            last = arrays(R=R.grad)
            sgd(torch, [R], RATE, BATCH)
            path.append(R.item())
        with torch.no_grad():
            losses.append(float(squared_loss(torch.matmul(current, R), voltage).mean()))
    run = Run(losses, arrays(R=R), last, {"path": path, **arrays(current=current, voltage=voltage)})
    return History({"U = I R": run})


def least_squares(current: np.ndarray, voltage: np.ndarray) -> float:
    """R = sum(I U) / sum(I²), which minimises sum((U - I R)²)."""
    current, voltage = current.astype(np.float64), voltage.astype(np.float64)
    return float((current * voltage).sum() / (current * current).sum())


def report(history: History) -> list[str]:
    run = history.runs["U = I R"]
    lines = [f"epoch {epoch}, loss {loss:f}" for epoch, loss in enumerate(run.losses, start=1)]
    R = run.parameters["R"].item()
    best = least_squares(run.seen["current"], run.seen["voltage"])
    lines += [
        f"R = {R:.5f} ohm, error {R_TRUE - R:+.5f} ohm",
        f"least squares: {best:.5f} ohm, error {R_TRUE - best:+.5f} ohm",
    ]
    steps = len(run.seen["path"]) // EPOCHS
    trembling = np.std(run.seen["path"][-2 * steps :])
    lines.append(f"in epochs 2 to {EPOCHS} R trembles by {trembling:.5f} ohm (standard deviation)")
    return lines


@styled
def picture(history: History) -> Figure:
    """The measured points with the learned line; R on its way, and its trembling about the truth."""
    import matplotlib.pyplot as plt

    run = history.runs["U = I R"]
    R, path = run.parameters["R"].item(), np.array(run.seen["path"])
    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(12, 4.2))

    left.plot(run.seen["current"], run.seen["voltage"], ".", color=DATA, markersize=4, label="measured")
    ends = np.array([run.seen["current"].min(), run.seen["current"].max()])
    left.plot(ends, R * ends, color=FIT, label=f"learned: R = {R:.4f} Ω")
    left.plot(ends, R_TRUE * ends, "--", color=TRUTH, linewidth=1.2, label=f"truth: R = {R_TRUE:g} Ω")
    left.set(title="Ohm's law", xlabel="current I (A)", ylabel="voltage U (V)")
    left.legend(loc="upper left")

    epochs = np.linspace(0, EPOCHS, len(path))
    middle.plot(epochs, path, color=FIT, label="learned R")
    middle.axhline(R_TRUE, linestyle="--", color=TRUTH, linewidth=1.2, label="truth")
    middle.set(title="R from near zero", xlabel="epochs", ylabel="R (Ω)", xticks=range(EPOCHS + 1))
    middle.legend(loc="center right")

    after = epochs >= 1
    best = least_squares(run.seen["current"], run.seen["voltage"])
    right.plot(epochs[after], 1000 * (path[after] - R_TRUE), color=FIT, linewidth=0.9, label="learned R")
    right.axhline(0, linestyle="--", color=TRUTH, linewidth=1.2, label="truth")
    right.axhline(1000 * (best - R_TRUE), linestyle="-", color=OTHER, linewidth=1.4, label="least squares")
    right.set(
        title="Error after the first epoch",
        xlabel="epochs",
        ylabel="R − truth (mΩ)",
        xticks=range(1, EPOCHS + 1),
    )
    right.margins(y=0.25)
    right.legend(loc="upper right", ncols=3, columnspacing=1.0, handlelength=1.5)
    return figure
