"""The lessons on minigrad alone: what they find, and that their reports say what they found."""

from __future__ import annotations

import functools
import random
import subprocess
import sys
from collections.abc import Iterator
from fractions import Fraction
from math import comb
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import demos
import minigrad
from demos import (
    gradient_descent,
    huber_regression,
    learning_rates,
    linear_regression,
    linear_regression_by_hand,
    minibatch_sgd,
    notebook_line,
    notebook_polynomial,
    ohms_law,
    rosenbrock,
    second_derivative,
    tiny_network,
)

EPS = {"float32": 2.0**-23, "float64": 2.0**-52}
SEEDED = [name for name in demos.LESSONS if name not in ("second_derivative", "gradient_descent", "rosenbrock")]


@functools.cache
def history(name: str, seed: int | None = None, dtype: str | None = None) -> demos.History:
    return demos.run(name, minigrad, seed=seed, dtype=dtype)


def lines(name: str) -> list[str]:
    return demos.load(name).report(history(name))


def flatten(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        for item in value:
            yield from flatten(item)
    else:
        yield value


@pytest.mark.parametrize("name", demos.LESSONS)
def test_a_history_holds_floats_strings_lists_and_arrays_and_no_tensor(name: str) -> None:
    found = history(name)
    for run in found.runs.values():
        assert run.losses or run.gradients
        assert all(type(loss) is float for loss in run.losses)
        assert all(isinstance(array, (np.ndarray, np.generic)) for array in flatten([run.parameters, run.gradients]))
    for value in flatten([found.seen, *(run.seen for run in found.runs.values())]):
        assert isinstance(value, (bool, int, float, str, np.ndarray, np.generic)), type(value)


@pytest.mark.parametrize("dtype", EPS)
@pytest.mark.parametrize("name", demos.LESSONS)
def test_a_lesson_trains_in_the_dtype_that_it_is_given(name: str, dtype: str) -> None:
    found = history(name, dtype=dtype)
    arrays = [*found.parameters.values(), *found.gradients.values()]
    assert {array.dtype for array in arrays} == {np.dtype(dtype)}


@pytest.mark.parametrize("name", demos.LESSONS)
def test_a_report_fits_80_columns_and_names_no_nan(name: str) -> None:
    report = lines(name)
    assert report
    for line in report:
        assert len(line) <= 80 and line == line.rstrip() and "nan" not in line.split(), line


@pytest.mark.parametrize("name", SEEDED)
def test_a_seed_fixes_what_a_lesson_finds_and_another_seed_changes_it(name: str) -> None:
    once, again, other = (demos.run(name, minigrad, seed=seed) for seed in (5, 5, 6))
    for key, array in once.parameters.items():
        np.testing.assert_array_equal(array, again.parameters[key])
    assert once.losses == again.losses
    assert any(not np.array_equal(array, other.parameters[key]) for key, array in once.parameters.items())


def test_lessons_run_without_importing_torch() -> None:
    script = (
        "import sys; sys.modules['torch'] = None; sys.modules['matplotlib'] = None\n"
        "import minigrad, demos\n"
        "for name in demos.LESSONS: print(*demos.load(name).report(demos.run(name, minigrad)))\n"
    )
    root = Path(demos.__file__).parents[1]
    done = subprocess.run([sys.executable, "-c", script], cwd=root, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert "153.3520" in done.stdout


def test_an_unknown_lesson_raises_and_lists_the_known() -> None:
    with pytest.raises(ValueError, match="no lesson is called 'linear'.*linear_regression.*notebook_polynomial"):
        demos.load("linear")
    with pytest.raises(ValueError, match="no lesson is called 'style'"):
        demos.load("style")


# linear_regression


@pytest.mark.parametrize("rows", linear_regression.SIZES)
def test_linear_regression_reports_the_loss_of_the_line_that_it_found(rows: int) -> None:
    run = history("linear_regression").runs[f"{rows} rows"]
    assert [row[0] for row in run.seen["table"]] == [0, 100, 200, 300, 400, 500]
    x, y = (run.seen[name].astype(np.float64) for name in "xy")
    w, b = (run.parameters[name].astype(np.float64) for name in "wb")
    loss = np.mean((y - (x @ w + b)) ** 2)
    # The error of a prediction is some ulps of the largest term; squaring and averaging keep the relation.
    assert abs(run.losses[-1] - loss) <= 8 * EPS["float32"] * np.sqrt(loss) * np.abs(y).max()
    assert run.losses[-1] < run.losses[0] / 10


def test_linear_regression_follows_the_descent_computed_apart() -> None:
    run = demos.run("linear_regression", minigrad, seed=3, dtype="float64").runs["500 rows"]
    x, (_, w, b, _) = run.seen["x"].ravel(), run.seen["table"][0]
    for _step in range(linear_regression.STEPS):
        error = w * x + b - (3 * x + 0.8)
        w, b = w - 0.01 * 2 * np.mean(error * x), b - 0.01 * 2 * np.mean(error)
    # The map contracts, so at most the rounding of each step adds up: some 8 operations on values below 4.
    bound = linear_regression.STEPS * 8 * 4 * EPS["float64"]
    assert abs(run.parameters["w"].item() - w) <= bound
    assert abs(run.parameters["b"].item() - b) <= bound


@pytest.mark.parametrize("tosses", [5, 10, 20, 33])
def test_coin_range_holds_95_of_100_series_and_one_less_on_each_side_does_not(tosses: int) -> None:
    least, most = linear_regression.coin_range(tosses)

    def chance(low: int, high: int) -> Fraction:
        return Fraction(sum(comb(tosses, k) for k in range(low, high + 1)), 2**tosses)

    assert chance(least, most) >= Fraction(95, 100) > chance(least + 1, most - 1)


@pytest.mark.parametrize(
    ("closer", "finding"), [(20, "more rows help"), (10, "more rows change nothing"), (0, "more rows hurt")]
)
def test_linear_regression_says_what_the_seeds_show(closer: int, finding: str) -> None:
    found = history("linear_regression")
    few = [0.5] * linear_regression.SEEDS
    many = [0.4] * closer + [0.6] * (linear_regression.SEEDS - closer)
    errors = {500: few, 2000: few, 4000: many}
    report = "\n".join(linear_regression.report(demos.History(found.runs, {**found.seen, "w error": errors})))
    assert f"in {closer} of 20 seeds" in report and finding in report


def test_linear_regression_measures_the_claim_over_twenty_different_seeds() -> None:
    for errors in history("linear_regression").seen["w error"].values():
        assert len(set(errors)) == 20


# minibatch_sgd, learning_rates, ohms_law


@pytest.mark.parametrize("batch_size", [1, 2, 3, 7, 10, 11])
def test_data_iter_deals_every_row_once_whatever_the_batch_size(batch_size: int) -> None:
    features, labels = minigrad.arange(10).reshape(10, 1), minigrad.arange(10) * 7
    dealt = list(minibatch_sgd.data_iter(minigrad, batch_size, features, labels, random.Random(1)))
    rows = [value for X, _ in dealt for value in X.reshape(-1).tolist()]
    assert sorted(rows) == list(range(10)) and rows != sorted(rows)
    assert all((y.numpy() == 7 * X.numpy().ravel()).all() for X, y in dealt)
    assert [len(X) for X, _ in dealt][:-1] == [batch_size] * (len(dealt) - 1)


def test_minibatch_sgd_comes_close_to_the_truth() -> None:
    run = history("minibatch_sgd").runs["batch of 2"]
    assert np.abs(run.parameters["w"].ravel() - minibatch_sgd.W_TRUE).max() < 0.2
    assert abs(run.parameters["b"].item() - minibatch_sgd.B_TRUE) < 0.2
    first, _, last = minibatch_sgd.epoch_losses(run)
    assert last == run.losses[-1] < first / 50


def test_minibatch_sgd_trains_on_the_short_last_batch_too() -> None:
    for name in ("batch of 3", "batch of 3, by own length"):
        run = history("minibatch_sgd").runs[name]
        assert run.seen["batch sizes"] == ([3] * 33 + [1]) * minibatch_sgd.EPOCHS
        assert len(run.losses) == 1 + 34 * minibatch_sgd.EPOCHS
    ways = [history("minibatch_sgd").runs[name].parameters["w"] for name in ("batch of 3", "batch of 3, by own length")]
    assert not np.array_equal(*ways)


def test_minibatch_sgd_without_the_reshape_learns_about_half_of_w() -> None:
    found = history("minibatch_sgd")
    assert found.seen["shape with reshape"] == (2, 1) and found.seen["shape without reshape"] == (2, 2)
    w = found.runs["y not reshaped"].parameters["w"].ravel()
    true = np.array(minibatch_sgd.W_TRUE)
    assert np.linalg.norm(w - true / 2) < np.linalg.norm(w - true) / 3


def test_learning_rates_go_from_too_small_to_diverging_without_a_crash() -> None:
    runs = list(history("learning_rates").runs.values())
    assert runs[0].losses[-1] > 0.9 * runs[0].losses[0]
    assert min(run.losses[-1] for run in runs) < 1e-4
    assert [learning_rates.diverged(run.losses) for run in runs] == [False] * 6 + [True]
    assert len(runs[-1].losses) - 1 < learning_rates.STEPS and not runs[-1].losses[-2] >= learning_rates.LIMIT
    assert f"diverged: the loss passed 1e+06 in step {len(runs[-1].losses) - 1} of 150" in lines("learning_rates")[-1]


@pytest.mark.parametrize("loss", [float("inf"), float("nan"), 1e7])
def test_a_training_that_ends_in_inf_or_nan_counts_as_diverged(loss: float) -> None:
    assert learning_rates.diverged([1.0, loss])


def test_ohms_law_finds_the_resistance_within_the_trembling_of_sgd() -> None:
    run = history("ohms_law").runs["U = I R"]
    # Near the minimum R walks with the variance rate * noise² / (2 * batch); it never leaves five deviations.
    deviation = np.sqrt(ohms_law.RATE * ohms_law.NOISE**2 / (2 * ohms_law.BATCH))
    assert abs(run.parameters["R"].item() - ohms_law.R_TRUE) < 5 * deviation
    assert len(run.seen["path"]) == 1 + ohms_law.EPOCHS * ohms_law.ROWS // ohms_law.BATCH
    # The least squares estimate has the deviation noise / sqrt(sum of I²).
    best = ohms_law.least_squares(run.seen["current"], run.seen["voltage"])
    assert abs(best - ohms_law.R_TRUE) < 5 * ohms_law.NOISE / np.linalg.norm(run.seen["current"])


# second_derivative


def test_second_derivative_shows_the_error_of_a_second_backward() -> None:
    error = history("second_derivative").seen["error"]
    assert error.startswith("RuntimeError: ") and "second time" in error and "retain_graph=True" in error
    assert error.split()[-1] in " ".join(lines("second_derivative"))


def test_retain_graph_doubles_the_first_derivative_and_create_graph_gives_the_second() -> None:
    seen = history("second_derivative").seen
    x = second_derivative.AT
    assert seen["retained"] == 2 * seen["once"]
    np.testing.assert_allclose(seen["once"], np.sin(x) + x * np.cos(x), rtol=0, atol=4 * EPS["float64"] * x)
    np.testing.assert_allclose(seen["created"], 2 * np.cos(x) - x * np.sin(x), rtol=0, atol=8 * EPS["float64"] * x)


@pytest.mark.parametrize("dtype", EPS)
def test_derivatives_up_to_the_third_lie_on_the_closed_forms(dtype: str) -> None:
    run = history("second_derivative", dtype=dtype).runs["x sin x"]
    x = run.seen["x"].astype(np.float64)
    for order, curve in enumerate(second_derivative.closed_forms(x)[1:], start=1):
        # A sum of up to 2 * order products, each with a sine or cosine of 1 or 2 ulps.
        bound = 8 * order * EPS[dtype] * (order + np.abs(x))
        assert (np.abs(run.gradients["f" + "'" * order] - curve) <= bound).all()


def test_the_closed_forms_are_each_the_slope_of_the_one_before() -> None:
    x, h = np.linspace(-3, 3, 50), 1e-5
    above, below = second_derivative.closed_forms(x + h), second_derivative.closed_forms(x - h)
    for order in range(3):
        slope = (above[order] - below[order]) / (2 * h)
        np.testing.assert_allclose(slope, second_derivative.closed_forms(x)[order + 1], atol=1e-8)


# huber_regression


def test_the_sum_with_a_rescaled_rate_trains_as_the_mean_does() -> None:
    runs = history("huber_regression", dtype="float64").runs
    mean, total, other = (runs[name].parameters for name in ("mean", "sum, rate / batch size", "sum, same rate"))
    steps = huber_regression.EPOCHS * huber_regression.ROWS / huber_regression.BATCH
    for name in ("weight", "bias"):
        # Each of the 300 contracting steps rounds values below 5 some 8 times.
        assert np.abs(mean[name] - total[name]).max() <= steps * 8 * 5 * EPS["float64"]
        assert np.abs(mean[name] - other[name]).max() > 0.01


def test_huber_regression_comes_close_to_the_truth_with_a_falling_loss() -> None:
    run = history("huber_regression").runs["mean"]
    assert np.abs(run.parameters["weight"] - huber_regression.W_TRUE).max() < 0.1
    assert abs(run.parameters["bias"].item() - huber_regression.B_TRUE) < 0.1
    assert run.losses == sorted(run.losses, reverse=True)
    assert run.gradients["weight"].shape == (1, 2) and run.gradients["bias"].shape == (1,)


def test_outliers_draw_the_squared_loss_further_off_than_hubers() -> None:
    runs = history("huber_regression").runs
    true = np.array([huber_regression.W_TRUE[0], huber_regression.B_TRUE])
    off = {}
    for name in ("outliers, Huber", "outliers, squared"):
        fitted = np.array([runs[name].parameters["weight"].item(), runs[name].parameters["bias"].item()])
        off[name] = np.linalg.norm(fitted - true)
    assert off["outliers, Huber"] < off["outliers, squared"] / 4
    seen = history("huber_regression").seen
    far = np.abs(seen["y"] - (true[0] * seen["x"] + true[1])) > 10
    assert 0.05 < far.mean() < 0.15 and (seen["x"][far] > 0).all()


# gradient_descent, rosenbrock


def test_moving_by_dy_dy_always_moves_by_the_rate_and_passes_the_minimum() -> None:
    for rate in (gradient_descent.TINY_RATE, gradient_descent.RATE):
        run = history("gradient_descent").runs[f"dy/dy, rate {rate:g}"]
        assert (run.gradients["y"] == 1).all()
        np.testing.assert_allclose(np.diff(run.seen["path"]), -rate, atol=2 * 3 * EPS["float32"])
    assert run.seen["path"][-1] < gradient_descent.MINIMUM - 1
    assert min(run.losses) < 1e-6 < run.losses[-1]


def test_moving_by_df_dx_settles_in_the_minimum() -> None:
    run = history("gradient_descent").runs["df/dx, rate 0.1"]
    path = np.array(run.seen["path"])
    np.testing.assert_allclose(run.gradients["x"], 2 * path[:-1] + 2, atol=8 * EPS["float32"])
    # Each step shrinks the distance from -1 by the factor 1 - 2 * rate.
    np.testing.assert_allclose(path + 1, 2 * 0.8 ** np.arange(41), atol=41 * 4 * EPS["float32"])


def test_rosenbrock_stops_both_ways_after_5771_steps_at_the_same_point() -> None:
    for run in history("rosenbrock").runs.values():
        assert len(run.losses) == len(run.seen["path"]) == 5771 + 1
        assert f"{run.parameters['x'].item():.8f} {run.parameters['y'].item():.8f}" == "0.96840573 0.93768081"
        assert run.losses[-1] <= rosenbrock.ENOUGH < run.losses[-2]
    for line in lines("rosenbrock")[1:3]:
        assert line.split()[-4:-1] == ["5771", "0.96840573", "0.93768081"]


# linear_regression_by_hand, tiny_network


@pytest.mark.parametrize("dtype", EPS)
def test_theta_by_hand_and_by_autograd_agree(dtype: str) -> None:
    runs = history("linear_regression_by_hand", dtype=dtype).runs
    for _rate, steps in linear_regression_by_hand.SETTINGS:
        hand, auto = (runs[f"{way}, {steps} steps"] for way in ("by hand", "by autograd"))
        # Each step rounds a mean of 32 terms below 100, times a rate of at most 0.05; 500 steps forget the rest.
        bound = min(steps, 500) * 32 * EPS[dtype]
        assert np.abs(hand.parameters["theta"] - auto.parameters["theta"]).max() <= bound
        assert len(hand.losses) == len(auto.losses) == steps


def test_the_long_training_reaches_the_closed_form_and_the_short_does_not() -> None:
    found = history("linear_regression_by_hand", dtype="float64")
    X, y = found.seen["X"], found.seen["y"]
    best = np.linalg.lstsq(X, y, rcond=None)[0]
    np.testing.assert_allclose(found.seen["best"], best, rtol=1e-10)
    (_, short), (_, long) = linear_regression_by_hand.SETTINGS
    assert np.abs(found.runs[f"by autograd, {long} steps"].parameters["theta"] - best).max() < 1e-9
    assert np.abs(found.runs[f"by autograd, {short} steps"].parameters["theta"] - best).max() > 0.1


@pytest.mark.parametrize("dtype", EPS)
def test_the_hand_derived_deltas_are_the_gradients(dtype: str) -> None:
    runs = history("tiny_network", dtype=dtype).runs
    for steps in ("1 step", f"{tiny_network.STEPS} steps"):
        hand, auto = (runs[f"{way}, {steps}"].gradients for way in ("by hand", "by autograd"))
        for name in ("w1", "b1", "w2", "b2"):
            assert hand[name].shape == auto[name].shape
            drift = 1 if steps == "1 step" else tiny_network.STEPS * tiny_network.RATE
            assert np.abs(hand[name] - auto[name]).max() <= 32 * drift * EPS[dtype] * np.abs(hand[name]).max()


def test_the_gradients_of_the_tiny_network_are_slopes_of_its_loss() -> None:
    minigrad.manual_seed(0)
    shapes = {"x": (1, 5), "y": (1, 1), "w1": (5, 3), "w2": (3, 1), "b1": (1, 3), "b2": (1, 1)}
    value = {name: minigrad.randn(shape).numpy().astype(np.float64) for name, shape in shapes.items()}

    def loss(**changed: np.ndarray) -> float:
        v = {**value, **changed}
        a1 = 1 / (1 + np.exp(-(v["x"] @ v["w1"] + v["b1"])))
        return (0.5 * (v["y"] - 1 / (1 + np.exp(-(a1 @ v["w2"] + v["b2"])))) ** 2).item()

    gradients = history("tiny_network", dtype="float64").runs["by autograd, 1 step"].gradients
    for name in ("w1", "b1", "w2", "b2"):
        for at in np.ndindex(value[name].shape):
            step = np.zeros_like(value[name])
            step[at] = 1e-6
            slope = (loss(**{name: value[name] + step}) - loss(**{name: value[name] - step})) / 2e-6
            assert abs(slope - gradients[name][at]) < 1e-8


@pytest.mark.parametrize(("y", "least"), [(-2.0, 2.0), (0.0, 0.0), (0.4, 0.0), (1.0, 0.0), (3.0, 2.0)])
def test_no_sigmoid_gets_under_the_least_loss(y: float, least: float) -> None:
    assert tiny_network.least_loss(y) == least


# the notebook


def test_notebook_line_prints_the_notebooks_numbers() -> None:
    printed = lines("notebook_line")
    assert printed[0] == "w 2.2691; loss 153.3520; gradients 161.0043 and 22.8730"
    losses = [
        "3.1358",
        "0.3551",
        "0.3030",
        "0.3013",
        "0.3006",
        "0.2999",
        "0.2993",
        "0.2986",
        "0.2979",
        "0.2973",
    ]
    assert [line for line in printed if line.startswith("epoch")] == [
        f"epoch: {epoch}, loss: {loss}" for epoch, loss in enumerate(losses)
    ]


def test_the_logistic_variant_tells_most_points_apart() -> None:
    run = history("notebook_line").runs["logistic"]
    right = (run.seen["chance"] > 0.5) == (notebook_line.Y_TRAIN > notebook_line.THRESHOLD)
    assert right.sum() >= 13 and run.losses[-1] < run.losses[0] / 10
    w, b = (run.parameters[name].item() for name in "wb")
    x = notebook_line.X_TRAIN.astype(np.float64)
    # The sigmoid's slope is at most 1/4; w x + b rounds twice on values below 16.
    np.testing.assert_allclose(run.seen["chance"], 1 / (1 + np.exp(-(w * x + b))), atol=16 * EPS["float32"])


def test_the_exercise_finds_rates_that_crawl_that_serve_and_that_diverge() -> None:
    ends = {rate: history("notebook_line").runs[f"rate {rate:g}"].losses for rate in notebook_line.RATES}
    least = notebook_line.least_squares()[2]
    assert ends[1e-4][100] > 20 and ends[2e-2][1000] < 1.001 * least
    assert not ends[2.4e-2][-1] < notebook_line.LIMIT
    assert lines("notebook_line")[-1].split()[-2:] == ["diverged", "diverged"]
    # The rate of 0.01 is the notebook's own training.
    assert (
        ends[1e-2][: len(history("notebook_line").runs["line"].losses)] == history("notebook_line").runs["line"].losses
    )


def test_notebook_polynomial_prints_the_notebooks_numbers() -> None:
    printed = lines("notebook_polynomial")
    assert printed[:7] == [
        "y = 0.90 + 0.50 * x + 3.00 * x^2 + 2.40 * x^3",
        "loss 447.3372; gradients -60.7756, -81.7448, -401.0452 and -15.4545",
        "epoch 20, Loss: 22.71861",
        "epoch 40, Loss: 5.37627",
        "epoch 60, Loss: 1.32816",
        "epoch 80, Loss: 0.38091",
        "epoch 100, Loss: 0.15742",
    ]


def test_the_quadratic_comes_to_rest_at_the_least_squares_quadratic() -> None:
    run = history("notebook_polynomial").runs["quadratic"]
    curve, least = notebook_polynomial.best_quadratic()
    matrix = np.hstack([np.ones((61, 1)), notebook_polynomial.powers(2)])
    solution, residual, *_ = np.linalg.lstsq(matrix, notebook_polynomial.Y_SAMPLE, rcond=None)
    np.testing.assert_allclose(curve, matrix @ solution, atol=1e-10)
    np.testing.assert_allclose(least, residual.item() / 61, rtol=1e-10)
    # At the minimum the loss is flat, so it is reached to rounding: 61 squares, each of few ulps.
    np.testing.assert_allclose(run.losses[-1], least, rtol=61 * EPS["float32"])


def test_formula_writes_a_polynomial_with_its_signs() -> None:
    assert notebook_polynomial.formula(-0.5, [1, -2]) == "y = -0.50 + 1.00 * x - 2.00 * x^2"


# the pictures


def picture_functions(name: str) -> list[str]:
    return [key for key in vars(demos.load(name)) if key == "picture" or key.startswith("picture_")]


@pytest.mark.parametrize(
    ("name", "picture"), [(name, key) for name in demos.LESSONS for key in picture_functions(name)]
)
def test_every_picture_names_its_axes_and_has_a_legend_inside_the_page(name: str, picture: str) -> None:
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    before = dict(matplotlib.rcParams)
    figure = getattr(demos.load(name), picture)(history(name))
    try:
        figure.canvas.draw()
        page = figure.bbox
        legends = [axis.get_legend() for axis in figure.axes] + figure.legends
        assert any(legends)
        for legend in filter(None, legends):
            box = legend.get_window_extent()
            assert page.x0 <= box.x0 and box.x1 <= page.x1 and page.y0 <= box.y0 and box.y1 <= page.y1
        for axis in figure.axes:
            if axis.get_label() == "<colorbar>":
                assert axis.get_ylabel()
                continue
            assert axis.get_title(loc="left") and axis.get_xlabel()
            assert axis.get_ylabel() or axis.get_shared_y_axes().get_siblings(axis) != [axis]
            if axis.get_legend():
                assert_legend_hides_no_point(axis)
        assert dict(matplotlib.rcParams) == before
    finally:
        plt.close(figure)


def assert_legend_hides_no_point(axis: Any) -> None:
    box = axis.get_legend().get_window_extent()
    for line in axis.get_lines():
        if line.get_transform() != axis.transData:  # axhline and axvline span the axes by design
            continue
        x, y = axis.transData.transform(line.get_xydata()).T
        if line.get_linestyle() != "None":  # what runs between the points counts too
            between = np.linspace(0, len(x) - 1, 50 * len(x))
            x, y = (np.interp(between, np.arange(len(x)), values) for values in (x, y))
        hidden = (box.x0 < x) & (x < box.x1) & (box.y0 < y) & (y < box.y1)
        assert not hidden.any(), f"{line.get_label()} runs under the legend"


def test_pictures_are_the_only_part_that_needs_matplotlib() -> None:
    modules: list[ModuleType] = [demos.load(name) for name in demos.LESSONS]
    assert not any("matplotlib" in vars(module) or "plt" in vars(module) for module in modules)
