"""Every lesson on minigrad and on torch, from the same seeds: the same training, as far as rounding allows.

The judge is torch in float64 on the same problem (lessons draw in float32 and convert). How far torch's own
float32 run is from the judge tells the size of rounding in this lesson, its conditioning included: minigrad may
be off by a few times that. Rounding is proportional to eps, so the two float64 runs may differ by the
same size times eps(float64) / eps(float32).
"""

from __future__ import annotations

import functools

import numpy as np
import pytest

import demos
import minigrad
from demos import linear_regression

torch = pytest.importorskip("torch")

SEEDS = (0, 1, 2)
EPS32, EPS64 = 2.0**-23, 2.0**-52
# Rounding is chance: of two runs whose errors have one size, one is at times a few times further off.
SLACK = 4

Values = dict[tuple[str, str, str], np.ndarray]  # (kind, run, name) -> array


@functools.cache
def values(name: str, engine: str, dtype: str, seed: int) -> Values:
    """All that a lesson's history holds for comparison, in float64."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(linear_regression, "SEEDS", 1)  # of the twenty that measure its claim
        history = demos.run(name, {"minigrad": minigrad, "torch": torch}[engine], seed=seed, dtype=dtype)
    found = {}
    for label, run in history.runs.items():
        found |= {("parameter", label, key): array for key, array in run.parameters.items()}
        found |= {("gradient", label, key): array for key, array in run.gradients.items()}
        found["loss", label, ""] = np.array(run.losses)
    return {key: np.asarray(array, np.float64) for key, array in found.items()}


def distances(one: Values, other: Values) -> dict[tuple[str, str], float]:
    """(kind, run) -> the largest difference. Of losses that rounding stops at different steps, what both have."""
    assert one.keys() == other.keys()
    worst: dict[tuple[str, str], float] = {}
    for (kind, run, name), a in one.items():
        b = other[kind, run, name]
        if kind == "loss":
            a, b = a[: len(b)], b[: len(a)]
        assert a.shape == b.shape
        worst[kind, run] = max(worst.get((kind, run), 0.0), float(np.abs(a - b).max(initial=0.0)))
    return worst


def largest(*tables: dict[tuple[str, str], float]) -> dict[tuple[str, str], float]:
    return {key: max(table[key] for table in tables) for key in tables[0]}


def rounding(name: str) -> dict[tuple[str, str], float]:
    """(kind, run) -> how far torch's float32 run is from the judge, and at least one eps of the largest value."""
    judges = [values(name, "torch", "float64", seed) for seed in SEEDS]
    runs = [values(name, "torch", "float32", seed) for seed in SEEDS]
    errors = largest(*(distances(run, judge) for run, judge in zip(runs, judges, strict=True)))
    sizes = largest(*(distances(judge, {key: 0 * array for key, array in judge.items()}) for judge in judges))
    return {key: max(error, EPS32 * sizes[key]) for key, error in errors.items()}


def assert_near(name: str, dtype: str, changed: float = 1.0) -> None:
    scale = {"float32": 1.0, "float64": EPS64 / EPS32}[dtype]
    ours = [{k: changed * v for k, v in values(name, "minigrad", dtype, seed).items()} for seed in SEEDS]
    judges = [values(name, "torch", "float64", seed) for seed in SEEDS]
    errors = largest(*(distances(run, judge) for run, judge in zip(ours, judges, strict=True)))
    for key, allowed in rounding(name).items():
        assert errors[key] <= SLACK * scale * allowed, (
            f"{name}, {' of '.join(key)}: off by {errors[key]:.2e}, allowed {SLACK * scale * allowed:.2e}"
        )


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", demos.LESSONS)
def test_training_ends_where_torchs_does(name: str, dtype: str) -> None:
    assert_near(name, dtype)


@pytest.mark.parametrize("name", demos.LESSONS)
def test_training_takes_as_many_steps_as_torchs(name: str) -> None:
    for dtype in ("float32", "float64"):
        ours, theirs = (values(name, engine, dtype, 0) for engine in ("minigrad", "torch"))
        assert {key: array.shape for key, array in ours.items()} == {k: array.shape for k, array in theirs.items()}


@pytest.mark.parametrize("name", demos.LESSONS)
def test_one_part_in_ten_thousand_would_be_noticed(name: str) -> None:
    with pytest.raises(AssertionError, match="off by"):
        assert_near(name, "float32", changed=1 + 1e-4)


# The other four print how far two ways are apart, which is rounding alone.
PRINTS_NO_ROUNDING = [
    name
    for name in demos.LESSONS
    if name not in ("second_derivative", "huber_regression", "linear_regression_by_hand", "tiny_network")
]


@pytest.mark.parametrize("name", PRINTS_NO_ROUNDING)
def test_in_float64_a_lesson_prints_the_same_text_on_both(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(linear_regression, "SEEDS", 2)
    ours, theirs = (demos.load(name).report(demos.run(name, engine, dtype="float64")) for engine in (minigrad, torch))
    assert ours == theirs
