"""The checker itself: no false alarm on torch, every planted fault seen, bounds that hold, failures that can be run."""

import copy
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import parity
from parity import calls, checks, corners, mutants, ops, programs, referee, report, search, verdicts
from parity import strategies as drawn
from parity.__main__ import main
from parity.engines import NotHere, load, needs
from parity.programs import Leaf, Program, Ref, Seeded, Step
from parity.verdicts import Verdict

torch.set_num_threads(1)
TORCH = load("torch")
ROOT = Path(__file__).parents[2]
few = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))


def program(expression, *arrays, **options):
    """A one-step program from an op's name and its arrays."""
    op = ops.OPS[expression]
    names = [name for name, _ in op.arguments if name not in options][: len(arrays)]
    leaves = tuple(Leaf(n, np.asarray(a), np.asarray(a).dtype.kind == "f") for n, a in zip(names, arrays))
    args = {n: Ref(n) for n in names} | options
    return Program(leaves, (Step("out", op, {name: args[name] for name, _ in op.arguments}),))


# ------------------------------------------------------------------ the third judge


@pytest.mark.parametrize("name", sorted(ops.OPS))
def test_torch_is_within_the_judges_bounds_for_every_op(name):
    for case, dtype in ((0, "float32"), (1, "float64"), (2, "float32")):
        op = ops.OPS[name]
        result = checks.check_case(op, TORCH, TORCH, dtype, case, f"test/{name}/{case}", op.order)
        assert not result.verdict.fails and result.judged, result.findings


@pytest.mark.parametrize(
    "name", ["exp", "div", "matmul", "softmax", "pow_tensor", "logsumexp", "gelu", "prod", "index"]
)
def test_the_judge_agrees_with_central_differences(name):
    op = ops.OPS[name]
    with programs.quiet():
        drawn_program, _ = programs.compose(Seeded(f"differences/{name}"), TORCH, [op], 1, "float64")
        truth = programs.judge(drawn_program, 2, [referee.FLOAT64])
        for depth in (0, 1):
            for leaf in drawn_program.differentiable():
                value = truth.grads[depth][leaf.name][0]
                for at in np.ndindex(leaf.array.shape):

                    def contracted(step):
                        array = leaf.array.copy()
                        array[at] += step
                        moved = Program(
                            tuple(
                                Leaf(o.name, array, True) if o.name == leaf.name else o for o in drawn_program.leaves
                            ),
                            drawn_program.steps,
                            drawn_program.seed,
                        )
                        out = (
                            programs.judge(moved, depth, [referee.FLOAT64])
                            if depth
                            else programs.judge(moved, 0, [referee.FLOAT64])
                        )
                        if depth == 0:
                            return sum(
                                float((moved.cotangent(n, out.values[n][0].shape, 1) * out.values[n][0]).sum())
                                for n in moved.outputs()
                            )
                        return sum(
                            float((moved.cotangent(o.name, o.array.shape, 2) * out.grads[0][o.name][0]).sum())
                            for o in moved.differentiable()
                        )

                    h = 1e-5
                    slope = (contracted(h) - contracted(-h)) / (2 * h)
                    assert slope == pytest.approx(float(value[at]), rel=2e-5, abs=2e-5 * np.abs(value).max() + 1e-9)


def test_what_one_element_meets_leaves_the_bounds_of_the_others():
    """3 ** 10000 is inf and its slope nan; the others' gradients have bounds as ever, of every order."""
    power = program("rpow", np.array([[2.0, 2.041, 10000.0]], np.float32), k=3.0)
    p = Program(power.leaves, (*power.steps, Step("h", ops.OPS["tanh"], {"x": Ref("out")})))
    for order in (1, 3):
        v, e = programs.judge(p, order, [referee.FLOAT64]).grads[0]["x"]
        assert np.isnan(v[0, 2]) and (0 < e[0, :2]).all() and (e[0, :2] < 1e-4).all(), e


def test_a_slope_of_nan_is_no_zero_where_the_factor_before_it_was_0():
    """The variance of one number is 0 / 0, whichever of the equals topk took."""
    a = Leaf("x", np.ones(4, np.float32), True)
    first = Step("d", ops.OPS["topk"], {"x": Ref("x"), "dim": 0})
    p = Program((a,), (first, Step("out", ops.OPS["var"], {"x": Ref("d"), "dim": 0, "keepdim": False})))
    right = programs.run(p, TORCH, 1, False)
    other = copy.deepcopy(right)
    other.grads[0]["x"] = np.roll(right.grads[0]["x"], 1)
    result = verdicts.compare(p, other, right, 1, "always", verdicts.Result(p))
    assert not result.verdict.fails, result.findings


NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    "op, leaves, options",
    [
        ("maximum", ([NAN, 1.0, NAN], [0.0, NAN, NAN]), {}),
        ("minimum", ([NAN, 1.0, NAN], [0.0, NAN, NAN]), {}),
        ("clamp", ([NAN, -2.0, 0.0],), {"low": -1, "high": 1}),
        ("relu", ([NAN, 1.0, -1.0],), {}),
        ("elu", ([NAN, 1.0, -1.0],), {}),
        ("sort", ([1.0, NAN, 3.0, 3.0],), {"dim": 0, "down": True}),
        ("cumprod", (np.array([[-1.5, 0.5], [0.0, 0.4], [-2.0039332, 2.5], [-2.1, 0.9]], np.float32),), {"dim": 1}),
        ("add", (np.ones((1, 1), np.float32), np.float64(-1.371)), {}),
        ("where", (np.zeros((1, 1), np.float32), np.array([[False]]), np.float64(-0.9)), {}),
        ("add", ([1.0], [1 + 2**-52]), {}),
    ],
)
def test_torch_at_nan_in_conversions_and_beside_zeros_is_not_called_wrong(op, leaves, options):
    p = program(op, *leaves, **options)
    result = verdicts.check(p, TORCH, TORCH, 1, "always", True)
    assert result.judged and result.verdict in (Verdict.SAME, Verdict.WITHIN), result.findings


@pytest.mark.parametrize("op, leaves", [("rsqrt", [[-INF, 4.0]]), ("pow_root", [[-INF, 4.0]])])
def test_the_judge_knows_no_root_of_a_negative_number(op, leaves):
    p = program(op, *leaves, **({"k": 0.5} if op == "pow_root" else {}))
    with programs.quiet():
        assert np.isnan(programs.judge(p, 1).values["out"][0][0])


def test_the_square_of_what_rounding_moves_from_0_is_not_called_wrong():
    """0.2 * 3 - 0.2 * 3 is 0, or, where the second product is fused with the sum, one rounding of the first."""
    first = Step("a", ops.OPS["sub"], {"x": Ref("x"), "y": Ref("y")})
    x = Leaf("x", np.float32([0.6]) * np.float32([3.1]), True)
    p = Program((x, Leaf("y", np.array([1.86], np.float32), True)), (first, Step("out", ops.OPS["square"], {"x": Ref("a")})))
    (v, e), (below, error) = (programs.judge(p, 0).values[name] for name in ("out", "a"))
    assert e[0] >= (abs(below[0]) + error[0]) ** 2 - v[0]


def test_a_root_of_what_may_be_0_leaves_its_slope_open():
    """The slope of acos at a norm of 1 - 1e-16: whether that is rounded to 1 decides."""
    b = np.array([-0.4503266708597983, 0.8928638695301377])
    steps = Step("c", ops.OPS["norm"], {"x": Ref("b")}), Step("out", ops.OPS["acos"], {"x": Ref("c")})
    judged = programs.judge(Program((Leaf("b", b, True),), steps), 1)
    assert not np.isfinite(judged.grads[0]["b"][1]).any()


def test_products_near_the_end_of_the_range_are_left_open_in_derivatives_only():
    p = referee.Precision(np.dtype(np.float32), referee.FLOAT64)
    m, q = np.array([1e38, 1.0, 1e-44]), np.full(3, referee.INEXACT)
    value, path = p.rounding(m, q), p.rounding(m, q, True)
    assert np.isfinite(value).all() and np.isinf(path[0]) and path[1] < 1.3e-7 and path[2] > 8 * value[2]


def test_an_overflow_leaves_open_what_comes_of_it():
    """1 / 5e-324 is inf in float64; that it is a number to the judge, whose logarithm is 744, is no engine's fault."""
    first = Step("a", ops.OPS["reciprocal"], {"x": Ref("x")})
    steps = first, Step("b", ops.OPS["norm"], {"x": Ref("a")}), Step("out", ops.OPS["log"], {"x": Ref("b")})
    p = Program((Leaf("x", np.array([5e-324, 1.0]), True),), steps)
    result = verdicts.check(p, TORCH, TORCH, 1, "always", True)
    assert result.judged and result.verdict is not Verdict.BOTH_OFF, result.findings


def test_what_inf_leaves_undefined_does_not_hide_or_excuse_an_error_beside_it():
    """The gradient of `least` has a term through asinh(inf), whose bound is nan, and one that rounding moves by 1e-4 of itself."""
    a = Leaf("a", np.array([np.inf, 10000.0, 22.0], np.float32), True)
    total = Step("total", ops.OPS["sum"], {"x": Ref("a"), "dim": 0, "keepdim": True})
    least = Step("least", ops.OPS["amin"], {"x": Ref("a"), "dim": 0, "keepdim": False})
    power = Step("power", ops.OPS["pow_root"], {"x": Ref("least"), "k": 2.5})
    ends = Step("e", ops.OPS["asinh"], {"x": Ref("total")}), Step("h", ops.OPS["cos"], {"x": Ref("power")})
    p = Program((a,), (total, least, power, *ends))
    right = programs.run(p, TORCH, 1, False)
    for factor, fails in ((1 + 5e-5, False), (1.5, True), (-1.0, True)):
        other = copy.deepcopy(right)
        other.grads[0]["a"][2] *= np.float32(factor)
        result = verdicts.compare(p, other, right, 1, "always", verdicts.Result(p))
        assert result.verdict.fails == fails, (factor, result.findings)


def test_a_value_picked_within_its_error_may_be_either():
    """0.1 + 0.2 is within a rounding of 0.3, so the smaller of the two has the error of the sum."""
    third = Leaf("third", np.array([0.3]), True)
    leaves = Leaf("x", np.array([0.1]), True), Leaf("y", np.array([0.2]), True), third
    total = Step("s", ops.OPS["add"], {"x": Ref("x"), "y": Ref("y")})
    for name in ("minimum", "maximum"):
        p = Program(leaves, (total, Step("out", ops.OPS[name], {"x": Ref("third"), "y": Ref("s")})))
        v, e = programs.judge(p, 1, [referee.FLOAT64]).values["out"]
        assert e[0] >= np.spacing(0.3) / 2, name


def test_derivatives_in_base_and_exponent_are_open_where_the_exponent_is_0_within_its_error():
    """torch's slope in the base is a constant 0 there, if the exponent is 0 to the last bit."""
    leaves = Leaf("x", np.array([1.5]), True), Leaf("y", np.array([0.1]), True), Leaf("z", np.array([0.1]), True)
    difference = Step("d", ops.OPS["sub"], {"x": Ref("y"), "y": Ref("z")})
    rounded = Step("r", ops.OPS["exp"], {"x": Ref("d")}), Step("l", ops.OPS["log"], {"x": Ref("r")})
    p = Program(leaves, (difference, *rounded, Step("out", ops.OPS["pow_tensor"], {"x": Ref("x"), "y": Ref("l")})))
    first, second = programs.judge(p, 2, [referee.FLOAT64]).grads
    assert (first["y"][1] < 1e-12).all() and (second["y"][1] > 0.1 * np.abs(second["y"][0])).all()


def test_fields_agree_and_fractions_are_exact():
    p = program("div", np.array([1.0, 2.0]), np.array([3.0, 7.0]))
    exact = programs.judge(p, 2, [referee.FRACTIONS]).grads[1]["x"][0]
    near = programs.judge(p, 2, [referee.MPMATH60]).grads[1]["x"][0]
    assert all(isinstance(v, referee.Fraction) for v in exact)
    assert all(abs(float(a) - float(b)) < 1e-15 for a, b in zip(exact, near))


def test_exact_arithmetic_has_no_tolerance():
    p = program("mul", np.array([3.0, -2.0], np.float32), np.array([0.5, 4.0], np.float32))
    truth = programs.judge(p, 3)
    assert not truth.values["out"][1].any() and not any(e.any() for g in truth.grads for _, e in g.values())
    inexact = programs.judge(program("mul", np.array([0.1], np.float32), np.array([0.3], np.float32)), 1)
    assert inexact.values["out"][1].all()


def test_a_cancelling_sum_is_bounded_by_its_terms_and_not_its_value():
    values = np.array([1e6, 1.1, -1e6], np.float32)
    (v, e) = programs.judge(program("sum_all", values), 0).values["out"]
    assert abs(float(v) - 1.1) < 1e-6 and 0.1 < float(e) < 1.0


def test_an_error_that_reaches_over_a_jump_is_undecided():
    thirds = np.array([0.1], np.float32)
    steps = (
        Step("y", ops.OPS["mul_number"], {"x": Ref("x"), "k": 10.0}),
        Step("z", ops.OPS["floor"], {"x": Ref("y")}),
    )
    truth = programs.judge(Program((Leaf("x", thirds, True),), steps), 0)
    assert truth.values["z"][1].item() >= 1.0


def test_a_sum_of_two_outputs_gradients_is_rounded_as_a_sum():
    """An exact term and a small inexact one: what rounds is their sum, which is larger than the inexact one."""
    x = np.zeros((3, 1), np.float32)
    steps = (Step("y", ops.OPS["clone"], {"x": Ref("x")}), Step("z", ops.OPS["mean_all"], {"x": Ref("x")}))
    result = verdicts.check(Program((Leaf("x", x, True),), steps), TORCH, TORCH, 1, "always")
    assert result.verdict is Verdict.WITHIN or result.verdict is Verdict.SAME, result.findings
    exact = (steps[0], Step("z", ops.OPS["sum_all"], {"x": Ref("x")}))
    assert not programs.judge(Program((Leaf("x", x, True),), exact), 1).grads[0]["x"][1].any()


@pytest.mark.parametrize("name", ["smooth_l1_loss", "huber_loss"])
def test_the_judge_knows_the_curvature_of_a_loss_at_its_minimum(name):
    x = np.array([1.0, 2.0], np.float32)
    p = program(name, x, x, **{"how": "sum", "k": 0.5})
    assert verdicts.check(p, TORCH, TORCH, 2, "always").verdict is Verdict.SAME


def test_the_judge_indexes_as_torch_where_an_integer_and_a_list_are_apart():
    x = np.arange(8, dtype=np.float32).reshape(2, 1, 2, 2)
    for index in ((0, slice(None), None, slice(-2, None), [0, 1]), ([0, 1], slice(None), 1), (0, Ellipsis, [1, 0])):
        p = Program((Leaf("x", x, True),), (Step("y", ops.OPS["index"], {"x": Ref("x"), "i": index}),))
        result = verdicts.check(p, TORCH, TORCH, 1, "always")
        assert result.judged and result.verdict is Verdict.SAME, (index, result.findings)


# ------------------------------------------------------------------ verdicts


class Bent(type(TORCH)):
    """torch, with one value or gradient changed afterwards."""

    def __init__(self, bend, where="gradient"):
        super().__init__(torch)
        self.bend, self.where, self.name = bend, where, "bent"

    def backward(self, outputs, cotangents, leaves):
        return [self.bend(g) if g is not None else g for g in super().backward(outputs, cotangents, leaves)]

    def gradients(self, outputs, cotangents, leaves, again):
        return [self.bend(g) if g is not None else g for g in super().gradients(outputs, cotangents, leaves, again)]


X = np.array([[1.5, -2.0], [0.3, 4.0]], np.float32)


@pytest.mark.parametrize(
    "bend, words",
    [
        (lambda g: g * 2, "2 times too large"),
        (lambda g: g / 2, "2 times too small"),
        (lambda g: -g, "the wrong sign"),
        (lambda g: g * 0, "is zero where it should not be"),
        (lambda g: g.T, "transposed"),
        (lambda g: g + 1, "off by 1 everywhere"),
        (lambda g: g.flip(0), "wrong places"),
        (lambda g: g * float("nan"), "is nan"),
    ],
)
def test_the_sentence_says_what_is_wrong(bend, words):
    result = verdicts.check(program("square", X), Bent(bend), TORCH, 1, "always")
    assert result.verdict is Verdict.OURS_WORSE and words in result.findings[0].sentence


def test_two_numbers_that_differ_are_not_written_alike():
    text = verdicts.describe("value", np.array([1.1, 2.0]), np.array([1.1 + 1e-9, 2.0]))
    assert "1.1 at [0]" in text and "1.100000001" in text


def test_a_factor_names_the_broadcast_that_it_may_come_from():
    p = program("add", np.ones((4, 3), np.float32), np.ones(3, np.float32))
    result = verdicts.check(p, Bent(lambda g: g / 4 if g.ndim == 1 else g), TORCH, 1, "always")
    assert "shape (3,) was broadcast to (4, 3)" in result.findings[0].sentence


@pytest.mark.parametrize(
    "bend, verdict",
    [(lambda g: g.double(), Verdict.DTYPE), (lambda g: g.sum(), Verdict.SHAPE), (lambda g: None, Verdict.MISSING)],
)
def test_shape_dtype_and_absence_have_verdicts_of_their_own(bend, verdict):
    assert verdicts.check(program("square", X), Bent(bend), TORCH, 1).verdict is verdict


def test_an_error_of_a_few_ulps_is_seen_in_exact_programs_and_in_others():
    for name, factor in (("mul_number", 1 + 2.0**-23), ("exp", 1 + 2.0**-16)):
        p = program(name, X, **({"k": 2} if name == "mul_number" else {}))
        assert verdicts.check(p, Bent(lambda g, f=factor: g * f), TORCH, 1).verdict is Verdict.OURS_WORSE


def test_torch_worse_and_both_off_are_no_failures():
    p = program("square", X)
    wrong = Bent(lambda g: g * 2)
    assert verdicts.check(p, TORCH, wrong, 1, "always").verdict is Verdict.TORCH_WORSE
    assert verdicts.check(p, wrong, wrong, 1, "always").verdict is Verdict.BOTH_OFF
    assert not Verdict.TORCH_WORSE.fails and not Verdict.BOTH_OFF.fails


# ------------------------------------------------------------------ programs


@few
@given(drawn.programs(TORCH))
def test_random_programs_raise_no_alarm_on_torch(p):
    with programs.quiet():
        result = verdicts.check(p, TORCH, TORCH, 3, "always")
    assert not result.verdict.fails, programs.script(p)


@few
@given(drawn.programs(TORCH, wild=False))
def test_the_printed_script_computes_what_the_program_does(p):
    space = {}
    with programs.quiet():
        exec(programs.script(p), space)
        for name, array in programs.run(p, TORCH, 0).values.items():
            np.testing.assert_array_equal(space[name].detach().numpy(), array)


def test_a_failing_program_is_shrunk_to_one_step_and_few_numbers():
    bad = Bent(lambda g: g * 2)
    row = search.check_programs(bad, TORCH, 200)
    (failure,) = row.failures
    assert len(failure.program.steps) == 1 and sum(leaf.array.size for leaf in failure.program.leaves) <= 4
    assert len(report.script_of(failure, "torch").split("\n")) <= 15


BENT_MODULE = """
from torch import *
from torch import autograd, nn
def tanh(x):
    return x.tanh() * (1 if x.numel() < 2 else 1.5)
"""


@pytest.fixture
def bent_module(tmp_path, monkeypatch):
    """torch with another tanh of several numbers, as a module that a new process finds too."""
    (tmp_path / "bent_torch.py").write_text(BENT_MODULE)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield "bent_torch"
    sys.modules.pop("bent_torch", None)


def test_a_program_is_the_same_whatever_is_checked_before_it():
    few = search.Search(TORCH, TORCH, search.Settings(seed=4))
    with programs.quiet():
        alone = [programs.script(few.check(n).program) for n in (7, 8)]
        assert alone == [programs.script(few.check(n).program) for n in (8, 7)][::-1]
    assert few.settings.again(7) == "--seed 4 --first 7 --examples 1"


def test_the_model_is_asked_once_and_gives_what_it_gives_when_asked_again():
    for n in range(60):
        with programs.quiet():
            p, drawing = programs.compose_any(programs.Varied(f"once/{n}"), TORCH, ops.PROGRAM_OPS)
            once, again = drawing.outcome(p, 2, False), programs.run(p, TORCH, 2)
        assert type(once.error) is type(again.error)
        assert verdicts._all_same_bits(once, again) or once.error


def test_several_processes_check_the_same_programs_as_one():
    minigrad = load("minigrad")
    one = search.check_programs(minigrad, TORCH, 300, 5, shrink=False)
    two = search.check_programs(minigrad, TORCH, 300, 5, shrink=False, jobs=2)
    assert (two.cases, two.counts, two.ratios, two.verdict) == (one.cases, one.counts, one.ratios, one.verdict)


def test_a_difference_found_by_a_process_is_reported_once_and_can_be_had_again(bent_module, tmp_path):
    data = tmp_path / "report.json"
    command = ["programs", "--engine", bent_module, "--quiet", "--json", str(data)]
    assert main([*command, "--jobs", "2", "--examples", "100000"]) == 1
    (row,) = json.loads(data.read_text())["sections"]["programs"]
    (failure,) = row["failures"]
    assert row["cases"] < 100000 and "tanh" in failure["script"] and len(failure["script"].split("\n")) <= 15
    assert main([*command, *failure["seed"].split()]) == 1
    (row,) = json.loads(data.read_text())["sections"]["programs"]
    assert row["cases"] == 1 and row["failures"][0]["script"] == failure["script"]


def test_a_search_that_keeps_going_reports_one_difference_of_a_kind(bent_module):
    row = search.check_programs(load(bent_module), TORCH, 800, keep_going=True)
    assert row.cases == 800 and row.counts[Verdict.OURS_WORSE.value] > len(row.failures)
    kinds = [(f.finding.what.split()[0], *(step.op.name for step in f.program.steps)) for f in row.failures]
    assert ("value", "tanh") in kinds and len(set(kinds)) == len(kinds) <= search.KEPT


def test_a_search_goes_on_after_what_is_torchs_fault_and_keeps_one_of_a_kind():
    row = search.check_programs(TORCH, Bent(lambda g: g * 2), 200)
    assert row.cases == 200 and not row.failures
    assert 1 < len(row.findings) <= search.KEPT < row.counts[Verdict.TORCH_WORSE.value]


def test_what_was_found_before_ctrl_c_is_kept():
    def stop(done):
        if done >= 200:
            raise KeyboardInterrupt

    row = checks.Row("programs", "random programs")
    with pytest.raises(KeyboardInterrupt):
        search.check_programs(TORCH, TORCH, 10000, progress=stop, row=row)
    assert row.cases == 200 and "a second" in row.note


def test_a_failure_script_runs_as_it_is(tmp_path):
    row = next(checks.check_ops(Bent(lambda g: g * 2), TORCH, ["matmul"]))
    file = tmp_path / "fails.py"
    file.write_text(report.script_of(row.failures[0], "torch"))
    done = subprocess.run([sys.executable, str(file), "torch"], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0 and "tensor(" in done.stdout, done.stderr


@few
@given(st.data())
def test_broadcastable_shapes_broadcast(data):
    shape = data.draw(drawn.shapes())
    np.broadcast_shapes(shape, data.draw(drawn.broadcastable_shapes(shape)))


@few
@given(drawn.arrays((3, 2), low=0.5, high=4.0), drawn.arrays((2,), gap=0.25))
def test_drawn_arrays_keep_to_their_domain(x, y):
    assert x.shape == (3, 2) and (x >= 0.5).all() and (x <= 4).all() and (np.abs(y) >= 0.25).all()


# ------------------------------------------------------------------ engines, check(), call order, corners, mutants


def test_what_an_expression_needs_is_read_from_it():
    assert needs("F.mse_loss(x, y) + torch.exp(x).sum()")[0] == ("nn.functional.mse_loss", "exp")
    assert set(needs("x @ y[0] - x.sum()")[1]) == {"__sub__", "__matmul__", "__getitem__", "sum"}


def test_a_toy_engine_is_checked_as_far_as_it_goes():
    toy = load("tests.parity.toy")
    rows = {row.name: row for row in checks.check_ops(toy, TORCH)}
    offered = {name for name, row in rows.items() if row.verdict is not Verdict.NOT_OFFERED}
    assert {"add", "mul", "sum_all", "matmul", "radd_number"} <= offered and "exp" not in offered
    assert not any(row.fails for row in rows.values())


def test_a_toy_engine_that_forgets_to_sum_is_caught(monkeypatch):
    toy = load("tests.parity.toy")
    monkeypatch.setattr(toy.module, "fold", lambda g, like: np.resize(g, like.shape).astype(like.dtype))
    assert any(row.fails for row in checks.check_ops(toy, TORCH, ["add", "mul"]))


def test_an_engine_whose_tensor_takes_requires_grad_is_asked_for_it(monkeypatch):
    toy = load("tests.parity.toy").module

    class Asking(toy.Tensor):
        def __init__(self, data, requires_grad=False):
            super().__init__(data)
            self.requires_grad = requires_grad

    monkeypatch.setattr(toy, "Tensor", Asking)
    engine = load("tests.parity.toy")
    assert engine.tensor(np.ones(2), True).requires_grad and not engine.tensor(np.ones(2)).requires_grad


def test_an_engine_of_one_dtype_is_checked_in_that(monkeypatch, capsys):
    toy = load("tests.parity.toy").module
    init = toy.Tensor.__init__
    monkeypatch.setattr(toy.Tensor, "__init__", lambda self, data, parents=(): init(self, np.asarray(data, float), parents))
    assert load("tests.parity.toy").dtypes() == ("float64",)
    assert main(["ops", "add", "mul", "--engine", "tests.parity.toy"]) == 0
    assert "holds float64 only" in capsys.readouterr().out
    assert main(["programs", "--examples", "60", "--engine", "tests.parity.toy"]) == 0


def test_a_difference_of_an_engine_with_other_names_does_not_promise_that_its_script_runs(monkeypatch, capsys):
    toy = load("tests.parity.toy").module
    monkeypatch.setattr(toy.Tensor, "__add__", lambda self, other: toy.Tensor(self.data - toy.lift(other, self).data))
    assert main(["ops", "add", "--engine", "tests.parity.toy"]) == 1
    out = capsys.readouterr().out
    assert "python add_differs.py torch" in out and "tests.parity.toy has other names" in out and "torch.tensor([]" not in out


def test_an_attribute_of_what_a_call_gives_is_needed_too():
    assert "add_" in needs("x.clone().add_(y)")[1] and "view" in needs("x.reshape(-1).view(shape)")[1]
    assert load("tests.parity.toy").missing("x.sum().frobnicate()") == "frobnicate"


def test_whatever_an_engines_array_holds_can_be_shown():
    assert "object" in report.brief(np.array([object()])) and "0.5" in report.brief(np.array([referee.Fraction(1, 2)]))


def test_a_module_torch_that_is_not_pytorch_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", type(sys)("torch"))
    with pytest.raises(NotHere, match="not PyTorch"):
        load("torch")


def test_an_unknown_module_is_named():
    with pytest.raises(NotHere, match="no_such_engine"):
        load("no_such_engine")


def test_check_passes_what_is_right_and_fails_what_is_not():
    x, w = np.ones((3, 2)), np.array([1.0, -2.0])
    good = parity.check(lambda t, x, w: t.tanh(x * w).sum(0), x, w, order=3, engine="torch")
    assert good and good.result.judged
    bad = parity.check(lambda t, x: x * 2 if hasattr(t, "compile") else x * 3, x, engine="torch", against="minigrad")
    assert not bad and "1.5 times" in repr(bad)
    with pytest.raises(ValueError, match="order"):
        parity.check(lambda t, x: x, x, order=4)


def test_call_order_raises_no_alarm_on_torch_and_sees_a_gradient_that_is_not_added():
    assert not calls.check_calls(TORCH, TORCH, 150).fails
    history = ("t1 = (a * b).sum()", "t1.backward(retain_graph=True)", "t1.backward()")
    assert calls.play(history, TORCH, TORCH) is None

    class Forgetful(type(TORCH)):
        def array(self, tensor):
            out = super().array(tensor)
            return out / 2 if out.shape == (2,) and abs(out).max() > 2 else out

    assert calls.play(history, Forgetful(torch), TORCH) is not None


def test_the_conventions_are_those_of_this_torch():
    rows = list(corners.check_corners(TORCH, TORCH))
    recorded = json.loads(corners.FILE.read_text())["torch"]
    assert not any(row.fails for row in rows)
    if torch.__version__.startswith(recorded):
        assert not [row.name for row in rows if row.note]


def test_a_mutant_that_cannot_be_applied_is_an_error():
    lost = mutants.Mutant("lost", mutants.change_line("autograd.walk:walk", "no such line", ""), "", "ops")
    with pytest.raises(mutants.NotApplied, match="0 times"):
        mutants.hunt(lost, load("minigrad"), TORCH, 0, {"ops": {}})


def test_every_mutant_can_be_applied_and_taken_back():
    for mutant in mutants.CATALOGUE.values():
        with mutants.applied(mutant):
            pass
    assert len(mutants.CATALOGUE) >= 60 and all(mutant.story for mutant in mutants.CATALOGUE.values())


@pytest.mark.parametrize(
    "name", ["mul-drops-g", "shared-replaced", "broadcast-mean", "second-order-out", "adam-eps-inside"]
)
def test_a_mutant_is_caught(name):
    (row,) = mutants.check_mutants(load("minigrad"), TORCH, [name], failing={"ops": {}, "programs": {}, "training": {}})
    assert not row.fails and row.note.startswith("caught by")


# ------------------------------------------------------------------ the command


def test_the_command_reports_and_exits_as_promised(tmp_path, capsys):
    page, data = tmp_path / "report.html", tmp_path / "report.json"
    assert main(["ops", "exp", "add", "--engine", "torch", "--html", str(page), "--json", str(data)]) == 0
    assert all(len(line) <= 80 for line in capsys.readouterr().out.splitlines())
    assert json.loads(data.read_text())["failed"] is False and "<svg" in page.read_text()
    assert main(["ops", "no_such_op"]) == 2
    assert main(["ops", "exp", "--engine", "no_such_engine"]) == 2
    if not torch.cuda.is_available():
        assert main(["ops", "exp", "--device", "cuda"]) == 2
    with pytest.raises(SystemExit) as usage:
        main(["ops", "--cases", "0"])
    assert usage.value.code == 2


def test_errors_stay_well_inside_their_bounds():
    """Slowly losing accuracy fails here long before it fails the bounds."""
    minigrad = load("minigrad")
    for row in checks.check_ops(
        minigrad, TORCH, ["exp", "log", "sin", "tanh", "sigmoid", "matmul", "sum", "mean", "softmax", "div"], cases=12
    ):
        assert row.percentile(99.9) <= 0.6, (row.name, row.percentile(99.9))
