"""Twelve first lessons, each one file that reads like the tutorial script it grew from.

A lesson is a module of this package with three functions:

    lesson(torch, **options) -> History     trains; `torch` is any module with torch's names
    report(history) -> list of lines        what the lesson prints, at most 80 columns wide
    picture(history) -> matplotlib Figure   (and `picture_NAME` for each further picture)

`lesson` reaches the engine through its argument alone, so the same function runs on minigrad in
`python -m demos` and on torch in `python -m parity`. Only the pictures need matplotlib.
Start with `linear_regression.py`; `LESSONS` is the reading order.
"""

from __future__ import annotations

import importlib
import inspect
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import numpy as np

LESSONS = (
    "linear_regression",
    "minibatch_sgd",
    "learning_rates",
    "ohms_law",
    "second_derivative",
    "huber_regression",
    "gradient_descent",
    "rosenbrock",
    "linear_regression_by_hand",
    "tiny_network",
    "notebook_line",
    "notebook_polynomial",
)


@dataclass
class Run:
    """One training from its start to its end.

    losses: the loss each time it was computed, in order.
    parameters, gradients: name -> array, where the training ended and the last gradients it used.
    seen: whatever else the report and the pictures show (floats, strings, lists, NumPy arrays).
    """

    losses: list[float] = field(default_factory=list)
    parameters: dict[str, np.ndarray] = field(default_factory=dict)
    gradients: dict[str, np.ndarray] = field(default_factory=dict)
    seen: dict[str, Any] = field(default_factory=dict)


@dataclass
class History:
    """What a lesson hands back: its runs by name, and what it saw beside them (as in `Run.seen`).

    `losses`, `parameters` and `gradients` gather those of all runs under "run: name", for a checker
    that compares two modules: same names, same shapes, numbers that differ by rounding alone.
    """

    runs: dict[str, Run]
    seen: dict[str, Any] = field(default_factory=dict)

    @property
    def losses(self) -> dict[str, list[float]]:
        return {name: run.losses for name, run in self.runs.items()}

    @property
    def parameters(self) -> dict[str, np.ndarray]:
        return {f"{name}: {key}": array for name, run in self.runs.items() for key, array in run.parameters.items()}

    @property
    def gradients(self) -> dict[str, np.ndarray]:
        return {f"{name}: {key}": array for name, run in self.runs.items() for key, array in run.gradients.items()}


def arrays(**tensors: Any) -> dict[str, np.ndarray]:
    """Copies the named tensors into NumPy arrays: later training leaves the copies as they are."""
    return {name: tensor.detach().numpy().copy() for name, tensor in tensors.items()}


def load(name: str) -> ModuleType:
    """The lesson's module. Raises ValueError that lists the lessons when there is none of that name."""
    if name not in LESSONS:
        raise ValueError(f"no lesson is called {name!r}; the lessons are {', '.join(LESSONS)}")
    return importlib.import_module(f"demos.{name}")


def run(name: str, torch: ModuleType, *, seed: int | None = None, dtype: str | None = None) -> History:
    """Runs a lesson on `torch` with those of the options that it takes; None leaves the lesson's default.

    Every lesson takes `dtype` ("float32" or "float64"); those that draw numbers take `seed`. They draw in
    float32 and convert, so one seed gives one problem in both, and the float64 run can judge the other.
    """
    lesson = load(name).lesson
    takes = inspect.signature(lesson).parameters
    options = {"seed": seed, "dtype": dtype}
    return lesson(torch, **{key: value for key, value in options.items() if value is not None and key in takes})
