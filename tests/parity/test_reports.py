"""What a reader of a failure gets: a script that runs under both as far as the difference, and words that a stranger knows."""

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from rich.console import Console

import parity
from parity import checks, ops, programs, report, search, verdicts
from parity.__main__ import main
from parity.checks import Failure, Row
from parity.engines import load
from parity.programs import Leaf, Program, Ref, Step
from parity.verdicts import Finding, Verdict

torch.set_num_threads(1)
TORCH = load("torch")
ROOT = Path(__file__).parents[2]
X = np.array([[1.5, -2.0], [0.3, 4.0]], np.float32)


class Bent(type(TORCH)):
    """torch, with the gradients of one order changed afterwards."""

    def __init__(self, bend, order=1):
        super().__init__(torch)
        self.bend, self.order, self.name, self.done = bend, order, "bent", 0

    def tensor(self, array, requires_grad=False):
        self.done = 0 if requires_grad else self.done
        return super().tensor(array, requires_grad)

    def backward(self, outputs, cotangents, leaves):
        out = super().backward(outputs, cotangents, leaves)
        return [g if g is None or self.order > 1 else self.bend(g) for g in out]

    def gradients(self, outputs, cotangents, leaves, again):
        self.done += 1
        out = super().gradients(outputs, cotangents, leaves, again)
        return [g if g is None or self.done != self.order else self.bend(g) for g in out]


class Failing(Bent):
    """torch that raises in derivatives of one order."""

    def gradients(self, outputs, cotangents, leaves, again):
        if self.done + 1 == self.order:
            raise ValueError("not so far")
        return super().gradients(outputs, cotangents, leaves, again)


def one_step(name, *arrays, **options):
    op = ops.OPS[name]
    names = [n for n, _ in op.arguments if n not in options][: len(arrays)]
    leaves = tuple(Leaf(n, np.asarray(a), np.asarray(a).dtype.kind == "f") for n, a in zip(names, arrays))
    args = {n: Ref(n) for n in names} | options
    return Program(leaves, (Step("out", op, {name: args[name] for name, _ in op.arguments}),))


def failure_of(program, engine, order=3, by_backward=False):
    def again(p, order):
        with programs.quiet():
            return verdicts.check(p, engine, TORCH, order, "always", by_backward)

    result = again(program, order)
    assert result.verdict.fails
    return checks.shown(program, result, "label", order, again)


def run_script(text, tmp_path, engine="torch"):
    file = tmp_path / "differs.py"
    file.write_text(text)
    done = subprocess.run([sys.executable, str(file), engine], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr + text
    return done.stdout


def double(g):
    return g * 2


EMPTY = np.zeros((0, 3), np.float32)
TWO_OUTPUTS = Program(
    (Leaf("a", X, True), Leaf("b", X, True), Leaf("c", X, True)),
    (
        Step("d", ops.OPS["mul"], {"x": Ref("a"), "y": Ref("b")}),
        Step("e", ops.OPS["neg"], {"x": Ref("c")}),
        Step("f", ops.OPS["argmax"], {"x": Ref("a"), "dim": 0, "keepdim": False}),
    ),
)
KINDS = {
    "first": (one_step("square", X), Bent(double), 1),
    "second": (one_step("square", X), Bent(double, 2), 2),
    "third": (one_step("exp", X), Bent(double, 3), 3),
    "raises": (one_step("exp", X), Failing(double, 2), 2),
    "raises_at_an_empty_one": (one_step("sum_all", EMPTY), Failing(double, 1), 1),
    "linear_in_one_leaf": (TWO_OUTPUTS, Bent(double, 2), 2),
    "gradient_missing": (one_step("square", X), Bent(lambda g: None), 1),
    "other_dtype": (one_step("square", X), Bent(lambda g: g.double()), 1),
    "other_shape": (one_step("square", X), Bent(lambda g: g.sum()), 1),
    "last_digits": (one_step("mul_number", X, k=2), Bent(lambda g: g * (1 + 2.0**-23)), 1),
    "infinite": (one_step("exp", np.array([np.inf, 1.0])), Bent(double), 1),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_printed_script_runs_under_torch_and_stops_at_the_difference(kind, tmp_path):
    program, engine, depth = KINDS[kind]
    failure = failure_of(program, engine)
    assert failure.finding.depth == depth
    text = report.script_of(failure, "torch")
    assert text.count("autograd.grad(") == depth
    out = run_script(text, tmp_path)
    assert "tensor(" in out and all(len(line) <= 76 for line in text.split("\n"))
    if kind == "last_digits":
        assert "set_printoptions(precision=9)" in text


def test_a_script_asks_for_the_gradient_as_the_check_did(tmp_path):
    failure = failure_of(TWO_OUTPUTS, Bent(double), 1, by_backward=True)
    text = report.script_of(failure, "torch")
    assert ".backward(" in text and "autograd.grad(" not in text and "a.grad" in text
    assert "tensor(" in run_script(text, tmp_path)


def test_a_script_stops_where_torch_has_no_further_derivative(tmp_path):
    program = one_step("neg", X)
    made = [Finding(f"{order} of x", Verdict.OURS_WORSE, "") for order in ("second derivative", "third derivative")]
    for finding in made:
        run_script(report.script_of(Failure(program, finding, "", 3), "torch"), tmp_path)


def test_scripts_of_drawn_programs_run_under_torch(monkeypatch):
    """Many at once, in this process."""
    monkeypatch.setattr(sys, "argv", ["differs.py", "torch"])
    for n in range(60):
        with programs.quiet():
            program = search.Search(TORCH, TORCH, search.Settings(seed=9)).check(n).program
            for depth, by_backward in ((1, True), (1, False), (3, False)):
                text = programs.full_script(program, depth, "torch", by_backward, recorded=depth == 3)
                space = {"print": lambda *args, **options: None}
                exec(text, space)


def test_the_script_of_an_empty_gradient_runs_under_minigrad_too(tmp_path):
    failure = failure_of(one_step("sum_all", EMPTY), Failing(double, 1))
    assert "torch.zeros((0, 3)" in report.script_of(failure, "minigrad")
    run_script(report.script_of(failure, "minigrad"), tmp_path, "minigrad")


# ------------------------------------------------------------------ words


@pytest.mark.parametrize(
    "bend, words",
    [
        (lambda g: g * 0.567651, "0.567651 of the right value"),
        (lambda g: g * 1.76159, "1.76159 times the right value"),
        (lambda g: g * 2.5, "2.5 times too large"),
        (lambda g: g * -3, "3 times too large with the wrong sign"),
    ],
)
def test_simple_factors_are_named_and_others_are_a_share(bend, words):
    finding = failure_of(one_step("square", X), Bent(bend)).finding
    assert words in finding.sentence and finding.sentence.startswith("in bent the gradient of x")


def test_the_sentence_says_what_was_found_and_what_was_expected():
    exact = failure_of(one_step("mul_number", np.array([3.0, 1.0]), k=2), Bent(double)).finding.sentence
    assert re.search(r"found -?[\d.]+ at \[\d\], expected exactly -?[\d.]+; torch is right$", exact)
    rounded = failure_of(one_step("exp", X), Bent(double)).finding.sentence
    assert re.search(r"times the error that rounding allows; torch is right$", rounded)
    raised = failure_of(one_step("exp", X), Failing(double, 2)).finding.sentence
    assert raised == "only bent raises in the second derivative: ValueError: not so far"


def test_verdicts_name_the_engines():
    said = {v: v.words("mine", "torch", "mine") for v in Verdict}
    assert said[Verdict.OURS_WORSE] == "mine off" and said[Verdict.ONE_ERROR] == "mine raises"
    assert not any("ours" in words or "side" in words for words in said.values())


def printed(row, engine="bent", runs=True):
    with open("/dev/null", "w") as nothing:
        console = Console(file=nothing, record=True, width=80, highlight=False)
        report.write(console, {row.section: [row]}, engine, "torch", False, runs)
    return console.export_text()


@pytest.mark.parametrize("engine", [Bent(lambda g: g * 0.7), Failing(double, 1), Bent(lambda g: g.double())])
@pytest.mark.parametrize("name", ["tanh", "matmul", "sum"])
def test_a_failure_fits_80_columns_and_can_be_had_again(name, engine):
    (row,) = checks.check_ops(engine, TORCH, [name])
    text = printed(row)
    assert all(len(line.rstrip()) <= 80 for line in text.split("\n")), text
    assert f"python -m parity ops {name} --seed 0 --cases {row.cases // 2 + row.cases % 2}" in text
    assert f"Save this as {name}_differs.py" in text and f"python {name}_differs.py torch" in text
    (failure,) = row.failures
    assert text.count("not so far") == ("raises" in text.split("\n")[2])


def test_the_table_has_the_error_of_the_program_that_is_printed():
    (row,) = checks.check_ops(Bent(lambda g: g * 1.1), TORCH, ["tanh"], cases=1)
    value, first, *later = report.errors_of(row.failures[0])
    assert value <= 1 < first and later == [None, None]
    times = re.search(r"([\d,.]+) times the error", row.failures[0].finding.sentence).group(1)
    assert float(times.replace(",", "")) == pytest.approx(first, rel=0.01)
    assert re.search(r"tanh +1 +0.* +\de\+\d+ +- +- +bent off", printed(row))
    (row,) = checks.check_ops(Bent(double), TORCH, ["neg"])
    assert report.errors_of(row.failures[0])[:3] == [0, np.inf, None]
    assert json.dumps(report.failure_data(row, row.failures[0], "torch", ""), allow_nan=False)


def test_numbers_say_whose_and_which_they_are():
    x = np.arange(20.0) / 7
    lines = report.numbers(Finding("gradient of a", Verdict.OURS_WORSE, "", x + (np.arange(20) == 3), x, x), "mine", "torch")
    assert lines[0] == "gradient of a, element [3] of shape (20,):"
    assert [line.split()[0] for line in lines[1:4]] == ["mine", "torch", "judge"] and "higher precision" in lines[4]
    assert report.numbers(Finding("error at b", Verdict.ONE_ERROR, "", ValueError("x")), "mine", "torch") == []


def test_one_is_one():
    one, two = Row("ops", "a", 1), Row("ops", "b", 2)
    assert report.summary({"ops": [one]}, "mine", "torch") == "mine against torch: 1 case in 1 row, no difference"
    assert "3 cases in 2 rows" in report.summary({"ops": [one, two]}, "mine", "torch")


def test_the_command_that_finds_it_again_does(capsys, monkeypatch, tmp_path):
    (tmp_path / "bent_tanh.py").write_text(
        "from torch import *\nfrom torch import autograd, nn\ndef tanh(x):\n    return x.tanh() * 1.5\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    assert main(["ops", "tanh", "exp", "--engine", "bent_tanh", "--dtype", "float64"]) == 1
    out = capsys.readouterr().out
    command = re.search(r"python -m parity (.*)", out).group(1)
    assert command == "ops tanh --seed 0 --cases 1 --engine bent_tanh --dtype float64"
    assert main(command.split()) == 1
    assert out[out.index("ops tanh:") :].split("\n")[:-2] == (again := capsys.readouterr().out)[again.index("ops tanh:") :].split("\n")[:-2]
    sys.modules.pop("bent_tanh", None)


# ------------------------------------------------------------------ smallest programs, and what failing cases share


def test_what_failing_cases_share_is_said():
    class OneAxis(Bent):
        def gradients(self, outputs, cotangents, leaves, again):
            out = super().gradients(outputs, cotangents, leaves, again)
            few = self.done == 1 and outputs[0].ndim < leaves[0].ndim - 1
            return [g * 2 if few else g for g in out]

    (row,) = checks.check_ops(OneAxis(lambda g: g), TORCH, ["amax"], cases=24)
    assert re.search(r"the \d+ of 48 cases that differ all have dim a tuple of more than one and keepdim=False", row.failures[0].shared)
    (row,) = checks.check_ops(Bent(lambda g: g.double()), TORCH, ["tanh"])
    assert row.failures[0].shared.endswith("all have float32 inputs; none of the others has")
    (row,) = checks.check_ops(Failing(double), TORCH, ["tanh"])
    assert row.failures[0].shared == "all 48 cases tried differ"


def test_a_smallest_program_has_no_ties_zeros_or_empty_tensors_unless_they_matter():
    (row,) = checks.check_ops(Bent(double), TORCH, ["maximum"])
    values = np.concatenate([leaf.array.ravel() for leaf in row.failures[0].program.leaves])
    assert np.unique(values).size == values.size > 1 and values.all() and values.min() < 0 < values.max()

    def at_ties(g):
        return g * 2 if bool((g == g.flatten()[0]).all()) and g.numel() > 1 else g

    tied = one_step("amax", np.zeros(2), dim=0, keepdim=False)
    fails = lambda p: verdicts.check(p, Bent(at_ties), TORCH, 1, "always").verdict.fails
    assert fails(tied) and checks.varied(tied, fails, TORCH) is tied


def test_numbers_stay_where_the_op_has_values():
    (row,) = checks.check_ops(Bent(double), TORCH, ["log"])
    values = row.failures[0].program.leaves[0].array
    assert values.size == 2 and (values > 0).all() and np.unique(values).size == 2


def test_check_shows_whose_numbers_they_are():
    bad = parity.check(lambda t, x: x * 2 if hasattr(t, "compile") else x * 3, np.ones(2), engine="torch", against="minigrad")
    assert "value of y0" in repr(bad) and "  torch  " in repr(bad)
