"""Optimizers and schedules against torch: the same start, the same gradients, compared after each of 200 steps.

Gradients are drawn (not computed from a loss), so that each difference comes from the optimizer alone. SGD is compared bit
for bit. The others take a square root, which torch rounds otherwise than IEEE does in one case of six, and torch fuses
multiplications with additions. So one step may differ by a few roundings of its terms, and the state carries differences
on: after t steps parameters may be apart by ULPS * eps * (the size of the parameter + t steps of size lr).
"""

from __future__ import annotations

import copy
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

import minigrad

torch = pytest.importorskip("torch")
sys.path.insert(0, str(Path(__file__).parents[1] / "engine" / "data"))
from optimizers import CASES, options, shown

STEPS = 200
SHAPES = [(3, 2), (2,), (), (1, 1), (40, 30)]  # the last is over the size up to which SGD fuses


class Pair:
    """Parameters with the same values under both engines, and gradients drawn for both."""

    def __init__(self, optimizer, option, dtype="float32", shapes=SHAPES, seed=0):
        self.rng = np.random.default_rng(seed)
        self.dtype = dtype
        start = [self.rng.standard_normal(shape).astype(dtype) for shape in shapes]
        self.modules = (minigrad, torch)
        self.params = [[m.nn.Parameter(m.tensor(a.copy())) for a in start] for m in self.modules]
        self.optimizers = [getattr(m.optim, optimizer)(p, **option) for m, p in zip(self.modules, self.params)]

    def draw(self):
        for ours, theirs in zip(*self.params):
            gradient = np.asarray(self.rng.standard_normal(ours.shape), self.dtype)
            ours.grad, theirs.grad = minigrad.tensor(gradient), torch.tensor(gradient)

    def step(self):
        for optimizer in self.optimizers:
            optimizer.step()

    def arrays(self):
        """(name, ours, theirs) for every parameter and every entry of the state."""
        for i, (p, q) in enumerate(zip(*self.params)):
            yield f"parameter {i}", p.detach().numpy(), q.detach().numpy()
            ours, theirs = (o.state.get(x, {}) for o, x in zip(self.optimizers, (p, q)))
            assert list(ours) == list(theirs)
            for key in theirs:
                yield f"{key} of parameter {i}", ours[key].numpy(), theirs[key].numpy()


@pytest.mark.parametrize("case", [case for case in CASES if case[0] == "SGD"], ids=shown)
def test_sgd_of_small_parameters_is_torch_s_to_the_bit(case):
    pair = Pair(*case, shapes=[s for s in SHAPES if np.prod(s) <= minigrad.optim.FUSED_SIZE])
    for step in range(STEPS):
        pair.draw()
        pair.step()
        for name, ours, theirs in pair.arrays():
            np.testing.assert_array_equal(ours, theirs, err_msg=f"{name} after step {step + 1}")


ULPS = 8


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", CASES, ids=shown)
def test_every_optimizer_with_every_option_stays_with_torch_for_200_steps(case, dtype):
    pair = Pair(*case, dtype)
    eps = np.finfo(dtype).eps
    for step in range(STEPS):
        pair.draw()
        before = [q.detach().numpy().copy() for q in pair.params[1]]
        pair.step()
        for name, ours, theirs in pair.arrays():
            assert ours.dtype == theirs.dtype
            assert ours.shape == theirs.shape
            scale = max(1.0, np.abs(theirs).max(initial=0))
            error = np.abs(ours.astype(np.float64) - theirs).max(initial=0)
            bound = ULPS * eps * scale * (step + 2)
            assert error <= bound, f"{name} after step {step + 1}: off by {error:.3g}, allowed {bound:.3g}"
        assert any((a != q.detach().numpy()).any() for a, q in zip(before, pair.params[1]))


@pytest.mark.parametrize("optimizer", ["SGD", "Adam", "AdamW", "RMSprop", "Adagrad", "Adadelta"])
def test_defaults_print_and_state_dict_are_torch_s(optimizer):
    pair = Pair(optimizer, {}, shapes=[(2,), (1, 3)])
    assert repr(pair.optimizers[0]) == repr(pair.optimizers[1])
    for stepped in range(2):
        ours, theirs = (o.state_dict() for o in pair.optimizers)
        assert list(ours) == list(theirs)
        assert str(ours["param_groups"]) == str(theirs["param_groups"])
        assert ours["state"].keys() == theirs["state"].keys()
        if stepped:
            assert str(ours) == str(theirs)
        pair.draw()
        for params in pair.params:  # powers of two, so that the printed state has no rounding
            for p in params:
                p.grad[...] = 0.5
        pair.step()


@pytest.mark.parametrize(
    "optimizer, option",
    [
        ("SGD", {"lr": 0.1, "momentum": 0.9}),
        ("Adam", {}),
        ("RMSprop", {"momentum": 0.5, "centered": True}),
        ("Adagrad", {}),
        ("Adadelta", {}),
    ],
)
def test_state_goes_from_torch_to_minigrad_and_back(optimizer, option):
    """A run that moves to the other engine half way ends where the run that stays does."""
    pair = Pair(optimizer, option)
    for _ in range(5):
        pair.draw()
        pair.step()
    swapped = []
    for module, source in ((torch, minigrad), (minigrad, torch)):
        state = pair.optimizers[pair.modules.index(source)].state_dict()
        converted = {
            "state": {i: {k: module.tensor(v.numpy()) for k, v in s.items()} for i, s in state["state"].items()},
            "param_groups": copy.deepcopy(state["param_groups"]),
        }
        params = [
            module.nn.Parameter(module.tensor(p.detach().numpy())) for p in pair.params[pair.modules.index(source)]
        ]
        fresh = getattr(module.optim, optimizer)(params, **option)
        fresh.load_state_dict(converted)
        swapped.append((params, fresh))
    for _ in range(5):
        pair.draw()
        for (params, _), originals in zip(swapped, pair.params[::-1]):
            for p, q in zip(params, originals):
                p.grad = q.grad
        pair.step()
        for _, fresh in swapped:
            fresh.step()
    for (params, _), originals in zip(swapped, pair.params):
        for p, q in zip(params, originals):
            np.testing.assert_allclose(p.detach().numpy(), q.detach().numpy(), rtol=1e-5, atol=1e-6)


def test_groups_have_their_own_options():
    results = []
    for module in (minigrad, torch):
        a, b, c = (module.nn.Parameter(module.tensor([1.0, 2.0])) for _ in range(3))
        optimizer = module.optim.SGD(
            [{"params": [a]}, {"params": b, "lr": 0.5, "momentum": 0.9}], lr=0.1, weight_decay=0.1
        )
        optimizer.add_param_group({"params": [c], "nesterov": True, "momentum": 0.5})
        for _ in range(3):
            for p in (a, b, c):
                p.grad = module.tensor([0.3, -0.7])
            optimizer.step()
        results.append(([p.tolist() for p in (a, b, c)], repr(optimizer), str(optimizer.state_dict()["param_groups"])))
    assert results[0] == results[1]


def test_parameters_without_gradient_stay():
    a, b = (minigrad.nn.Parameter(minigrad.tensor([1.0])) for _ in range(2))
    optimizer = minigrad.optim.Adam([a, b], lr=0.1)
    a.grad = minigrad.tensor([1.0])
    optimizer.step()
    assert a.item() != 1.0
    assert b.item() == 1.0
    assert list(optimizer.state) == [a]


SCHEDULES = [
    ("StepLR", {"step_size": 3}),
    ("StepLR", {"step_size": 2, "gamma": 0.7}),
    ("MultiStepLR", {"milestones": [2, 5, 5, 9]}),
    ("MultiStepLR", {"milestones": [1], "gamma": 0.3}),
    ("ExponentialLR", {"gamma": 0.9}),
    ("CosineAnnealingLR", {"T_max": 7}),
    ("CosineAnnealingLR", {"T_max": 5, "eta_min": 0.01}),
    ("LambdaLR", {"lr_lambda": lambda epoch: 1 / (1 + epoch)}),
    ("LambdaLR", {"lr_lambda": [lambda epoch: 0.95**epoch, lambda epoch: max(0.0, 1 - epoch / 20)]}),
]


def scheduled(module, schedule, option, epochs=30):
    params = [module.nn.Parameter(module.tensor([1.0])) for _ in range(2)]
    optimizer = module.optim.SGD([{"params": params[:1]}, {"params": params[1:], "lr": 0.37}], lr=0.1)
    scheduler = getattr(module.optim.lr_scheduler, schedule)(optimizer, **option)
    return optimizer, scheduler


@pytest.mark.parametrize("schedule, option", SCHEDULES)
def test_schedules_are_torch_s_to_the_last_digit(schedule, option):
    results = []
    for module in (minigrad, torch):
        optimizer, scheduler = scheduled(module, schedule, option)
        rates = [scheduler.get_last_lr()]
        for _ in range(30):
            optimizer.step()
            scheduler.step()
            assert [g["lr"] for g in optimizer.param_groups] == scheduler.get_last_lr()
            rates.append(scheduler.get_last_lr())
        results.append(rates)
    assert results[0] == results[1]


@pytest.mark.parametrize("schedule, option", SCHEDULES)
def test_a_schedule_can_be_saved_and_gone_on_with(schedule, option):
    results = []
    for module in (minigrad, torch):
        optimizer, scheduler = scheduled(module, schedule, option)
        for _ in range(4):
            optimizer.step()
            scheduler.step()
        saved = copy.deepcopy((optimizer.state_dict(), scheduler.state_dict()))
        optimizer, scheduler = scheduled(module, schedule, option)
        if schedule == "LambdaLR" and module is torch:
            saved[1]["lr_lambdas"] = [None] * 2
        optimizer.load_state_dict(saved[0])
        scheduler.load_state_dict(saved[1])
        rates = []
        for _ in range(6):
            optimizer.step()
            scheduler.step()
            rates.append(scheduler.get_last_lr())
        results.append(rates)
    assert results[0] == results[1]


@pytest.mark.parametrize("schedule, option", [s for s in SCHEDULES if s[0] != "LambdaLR"])
def test_a_schedule_can_start_at_a_later_epoch(schedule, option):
    results = []
    for module in (minigrad, torch):
        p = module.nn.Parameter(module.tensor([1.0]))
        optimizer = module.optim.SGD([{"params": [p], "initial_lr": 0.1}], lr=0.05)
        scheduler = getattr(module.optim.lr_scheduler, schedule)(optimizer, **option, last_epoch=3)
        rates = [scheduler.get_last_lr()]
        for _ in range(4):
            optimizer.step()
            scheduler.step()
            rates.append(scheduler.get_last_lr())
        results.append(rates)
    assert results[0] == results[1]


PLATEAUS = options(mode=["min", "max"], threshold_mode=["rel", "abs"], cooldown=[0, 2], min_lr=[0, 0.02]) + [
    {"factor": 0.5, "patience": 0},
    {"min_lr": [0.01, 0.1], "patience": 1},
    {"threshold": 0.2, "patience": 2, "eps": 1e-2},
]


@pytest.mark.parametrize("option", PLATEAUS, ids=str)
def test_reduce_on_plateau(option):
    metrics = np.random.default_rng(0).uniform(0.5, 1.5, 60).tolist() + [float("nan"), 0.1, 0.1, 0.1]
    results = []
    for module in (minigrad, torch):
        optimizer, scheduler = scheduled(module, "ReduceLROnPlateau", {"patience": 3, **option})
        rates = []
        for i, metric in enumerate(metrics):
            scheduler.step(metric if i % 2 else module.tensor(metric, dtype=module.float64))
            rates.append((scheduler.get_last_lr(), scheduler.num_bad_epochs, scheduler.best if metric == metric else 0))
        results.append(rates)
    assert results[0] == results[1]


def test_stepping_the_schedule_first_warns_once_the_other_order_does_not():
    for module in (minigrad, torch):
        optimizer, scheduler = scheduled(module, "StepLR", {"step_size": 1})
        with pytest.warns(
            UserWarning, match="Detected call of `lr_scheduler.step\\(\\)` before `optimizer.step\\(\\)`"
        ):
            scheduler.step()
        optimizer, scheduler = scheduled(module, "StepLR", {"step_size": 1})
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            optimizer.step()
            scheduler.step()


WRONG = [
    "o.SGD([], lr=0.1)",
    "o.SGD([p], lr=-1)",
    "o.SGD([p], momentum=-1)",
    "o.SGD([p], weight_decay=-1)",
    "o.SGD([p], lr=1, momentum=0, nesterov=True)",
    "o.SGD([p], lr=1, momentum=0.9, dampening=0.1, nesterov=True)",
    "o.SGD([p * 2], lr=1)",
    "o.SGD(p, lr=1)",
    "o.SGD([1.0], lr=1)",
    "o.SGD(['w'], lr=1)",
    "o.SGD([{'params': {p}}], lr=1)",
    "o.SGD([{'params': [p]}, {'params': [p]}], lr=1)",
    "o.SGD([{'params': [p]}], lr=1).add_param_group([p])",
    "o.Adam([p], lr=-1)",
    "o.Adam([p], eps=-1)",
    "o.Adam([p], betas=(1.0, 0.9))",
    "o.Adam([p], betas=(0.9, -0.1))",
    "o.Adam([p], weight_decay=-1)",
    "o.AdamW([p], lr=-1)",
    "o.RMSprop([p], alpha=-1)",
    "o.RMSprop([p], momentum=-1)",
    "o.Adagrad([p], lr_decay=-1)",
    "o.Adagrad([p], initial_accumulator_value=-1)",
    "o.Adadelta([p], rho=1.5)",
    "o.Adam([p]).load_state_dict({'state': {}, 'param_groups': []})",
    "o.Adam([p]).load_state_dict({'state': {}, 'param_groups': [{'params': [0, 1]}]})",
    "o.lr_scheduler.StepLR(p, 3)",
    "o.lr_scheduler.LambdaLR(o.SGD([p]), [abs, abs])",
    "o.lr_scheduler.ReduceLROnPlateau(o.SGD([p]), factor=1.5)",
    "o.lr_scheduler.ReduceLROnPlateau(o.SGD([p]), mode='least')",
    "o.lr_scheduler.ReduceLROnPlateau(o.SGD([p]), threshold_mode='both')",
    "o.lr_scheduler.ReduceLROnPlateau(o.SGD([p]), min_lr=[1, 2])",
]


@pytest.mark.parametrize("call", WRONG)
def test_wrong_calls_raise_what_torch_raises(call):
    errors = []
    for module in (minigrad, torch):
        names = {"o": module.optim, "p": module.tensor([1.0], requires_grad=True)}
        with pytest.raises(Exception) as caught:
            eval(call, names)
        errors.append((type(caught.value).__name__, str(caught.value)))
    assert errors[0] == errors[1]
