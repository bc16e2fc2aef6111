"""Optimizers without torch: where 20 steps end was recorded from torch (data/optimizers.py); and what they leave alone."""

from __future__ import annotations

import contextlib
import copy
import gc
import json
import sys
from pathlib import Path

import numpy as np
import pytest

import minigrad as torch

DATA = Path(__file__).with_name("data")
sys.path.insert(0, str(DATA))
from optimizers import CASES, STEPS, run, shown

RECORDED = json.loads((DATA / "optimizers.json").read_text())


@pytest.mark.parametrize("case", CASES, ids=shown)
def test_twenty_steps_end_where_torch_s_did(case):
    ours = [np.float32(p) for p in run(torch, *case)]
    theirs = [np.float32(p) for p in RECORDED[shown(case)]]
    for a, b in zip(ours, theirs):
        if case[0] == "SGD" and a.size <= torch.optim.FUSED_SIZE:
            np.testing.assert_array_equal(a, b)
        # a square root and sums that torch fuses: some roundings a step
        np.testing.assert_allclose(a, b, rtol=0, atol=8 * np.finfo(np.float32).eps * STEPS * max(1, np.abs(b).max()))


@pytest.mark.parametrize("name", ["SGD", "Adam", "AdamW", "RMSprop", "Adagrad", "Adadelta"])
def test_a_step_moves_the_parameter_in_place_and_leaves_its_gradient(name):
    p = torch.nn.Parameter(torch.tensor([1.0, 2.0]))
    alias, array = p.detach(), p.detach().numpy()
    optimizer = getattr(torch.optim, name)([p], lr=0.1, weight_decay=0.1)
    p.grad = torch.tensor([0.5, -0.5])
    version = p._version
    optimizer.step()
    assert p.grad.tolist() == [0.5, -0.5]
    assert array.tolist() == p.tolist() == alias.tolist() != [1.0, 2.0]
    assert p.requires_grad and p.is_leaf and p._version != version if isinstance(version, int) else True


@pytest.mark.parametrize("name", ["SGD", "Adam"])
def test_a_step_between_forward_and_backward_is_noticed(name):
    p = torch.nn.Parameter(torch.tensor([1.0, 2.0]))
    optimizer = getattr(torch.optim, name)([p], lr=0.1)
    loss = (p * p).sum()
    p.grad = torch.ones(2)
    optimizer.step()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


def test_closures_are_called_with_grad_mode_on_and_their_loss_is_returned():
    p = torch.nn.Parameter(torch.tensor([3.0]))
    optimizer = torch.optim.SGD([p], lr=0.5)

    def closure():
        optimizer.zero_grad()
        loss = (p * p).sum()
        loss.backward()
        return loss

    with torch.no_grad():
        assert optimizer.step(closure).item() == 9.0
    assert p.item() == 0.0


def test_state_dicts_are_copied_in_and_shared_out():
    p = torch.nn.Parameter(torch.tensor([1.0]))
    optimizer = torch.optim.Adam([p])
    p.grad = torch.ones(1)
    optimizer.step()
    state = optimizer.state_dict()
    assert state["state"][0]["exp_avg"] is optimizer.state[p]["exp_avg"]
    other = torch.optim.Adam([torch.nn.Parameter(torch.tensor([1.0], dtype=torch.float64))], lr=5.0)
    other.load_state_dict(state)
    (loaded,) = other.state.values()
    assert other.param_groups[0]["lr"] == 0.001
    assert loaded["exp_avg"].dtype is torch.float64 and loaded["step"].dtype is torch.float32
    loaded["exp_avg"].zero_()
    assert state["state"][0]["exp_avg"].item() != 0


def test_zero_grad_forgets_or_zeroes():
    p = torch.nn.Parameter(torch.tensor([1.0]))
    optimizer = torch.optim.SGD([p])
    (p * 2).backward()
    grad = p.grad
    optimizer.zero_grad(set_to_none=False)
    assert p.grad is grad and grad.item() == 0
    optimizer.zero_grad()
    assert p.grad is None


def test_an_optimizer_of_one_s_own_needs_a_step_only():
    class Sign(torch.optim.Optimizer):
        def __init__(self, params, lr):
            super().__init__(params, {"lr": lr})

        @torch.no_grad()
        def step(self):
            for group in self.param_groups:
                for p in group["params"]:
                    state = self.state[p]
                    state["steps"] = state.get("steps", 0) + 1
                    p -= group["lr"] * p.grad.sign()

    p = torch.nn.Parameter(torch.tensor([1.0, -1.0]))
    optimizer = Sign([p], lr=0.25)
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, 1, 0.5)
    for _ in range(2):
        p.grad = torch.tensor([3.0, -0.1])
        optimizer.step()
        schedule.step()
    assert p.tolist() == [0.625, -0.625]
    assert optimizer.state_dict()["state"] == {0: {"steps": 2}}


def test_differentiable_optimizers_are_refused_with_advice():
    with pytest.raises(RuntimeError, match="write the update yourself"):
        torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], differentiable=True)


def test_strided_and_0_d_parameters_are_stepped():
    whole = torch.zeros(2, 3)
    view = torch.nn.Parameter(whole.t())
    number = torch.nn.Parameter(torch.tensor(2.0))
    optimizer = torch.optim.Adam([view, number], lr=0.5)
    view.grad, number.grad = torch.ones(3, 2), torch.tensor(-1.0)
    optimizer.step()
    np.testing.assert_allclose(whole.numpy(), -0.5, rtol=1e-6)
    assert number.item() == pytest.approx(2.5)


def test_a_copied_optimizer_with_a_schedule_steps_its_own_parameters():
    net = torch.nn.Linear(1, 1)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.5)
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, 1)
    before = net.weight.item()
    twin_net, twin, twin_schedule = copy.deepcopy((net, optimizer, schedule))
    twin_net.weight.grad, twin_net.bias.grad = torch.ones(1, 1), torch.ones(1)
    twin.step()
    twin_schedule.step()
    assert (net.weight.item(), twin_net.weight.item()) == (before, pytest.approx(before - 0.5))
    assert (optimizer.param_groups[0]["lr"], twin.param_groups[0]["lr"]) == (0.5, pytest.approx(0.05))


@pytest.mark.parametrize("name", ["SGD", "Adam", "RMSprop"])
def test_training_leaves_no_tensors_behind_though_the_garbage_collector_sleeps(name):
    net = torch.nn.Sequential(
        torch.nn.Linear(2, 4), torch.nn.BatchNorm1d(4), torch.nn.ReLU(), torch.nn.Dropout(0.5), torch.nn.Linear(4, 3)
    )
    optimizer = getattr(torch.optim, name)(net.parameters(), lr=0.01)
    data = torch.utils.data.TensorDataset(torch.randn(20, 2), torch.randint(0, 3, (20,)))
    loader = torch.utils.data.DataLoader(data, 5, shuffle=True)
    net[4].register_forward_hook(lambda module, args, out: None)

    def epoch(fail):
        for i, (x, y) in enumerate(loader):
            loss = torch.nn.functional.cross_entropy(net(x), y, label_smoothing=0.1)
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            optimizer.step()
            if fail and i == 2:
                raise ValueError("stop here")

    def alive():
        return sum(isinstance(o, torch.Tensor | torch.autograd.graph.Node) for o in gc.get_objects())

    epoch(False)
    gc.collect()
    gc.disable()
    try:
        counts = []
        for i in range(6):
            with contextlib.suppress(ValueError):
                epoch(i % 2)
            counts.append(alive())
    finally:
        gc.enable()
    assert len(set(counts)) == 1, counts


@pytest.mark.parametrize("name", ["SGD", "Adam", "AdamW", "RMSprop", "Adagrad", "Adadelta"])
@pytest.mark.parametrize("kind", [lambda x: torch.tensor(x, dtype=torch.float64), np.float64])
def test_every_option_may_be_a_tensor_or_numpy_s(name, kind):
    ends = []
    for make in (float, kind):
        p = torch.nn.Parameter(torch.tensor([1.0, -2.0]))
        first = getattr(torch.optim, name)([p])
        options = {k: make(0.125) for k, v in first.defaults.items() if type(v) is not bool and v is not None}
        if "betas" in options:
            options["betas"] = (make(0.5), make(0.75))
        optimizer = getattr(torch.optim, name)([p], **options)
        for _ in range(3):
            p.grad = torch.tensor([0.5, 3.0])
            optimizer.step()
        ends.append(p.tolist())
    assert ends[0] == ends[1] != [1.0, -2.0]


def test_a_rate_given_as_a_tensor_is_filled_by_the_schedule_and_clipping_takes_tensors():
    p, rate = torch.nn.Parameter(torch.tensor([3.0, 4.0])), torch.tensor(0.5)
    optimizer = torch.optim.SGD([("p", p)], lr=rate)
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, 1, 0.5)
    p.grad = torch.tensor([3.0, 4.0])
    torch.nn.utils.clip_grad_norm_(p, torch.tensor(1.0), torch.tensor(2.0))
    np.testing.assert_allclose(p.grad.numpy(), [0.6, 0.8], rtol=1e-6)
    torch.nn.utils.clip_grad_value_(p, torch.tensor(0.5))
    optimizer.step()
    schedule.step()
    assert p.tolist() == [2.75, 3.75]
    assert rate.item() == 0.25 and optimizer.param_groups[0]["lr"] is rate and schedule.base_lrs[0].item() == 0.5
