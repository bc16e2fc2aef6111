"""How to use the checker in tests of your own (this file is the documentation's example, kept running).

A function takes the module first, then tensors; `check` runs it under both engines and the third judge.
"""

import numpy as np
import pytest

pytest.importorskip("torch")

from hypothesis import given, settings

from parity import check, strategies


def layer(torch, x, w, b):
    return torch.tanh(x @ w + b)


def huber(torch, prediction, target):
    return torch.nn.functional.huber_loss(prediction, target, delta=0.5)


def test_a_layer_has_torchs_derivatives_of_three_orders():
    x, w, b = np.array([[0.5, -1.0], [2.0, 0.25]]), np.array([[1.0], [-0.5]]), np.array([0.1])
    assert check(layer, x, w, b, order=3)


@settings(max_examples=30, deadline=None)
@given(strategies.arrays((4, 1)), strategies.arrays((4, 1)))
def test_a_loss_agrees_at_its_knees_too(prediction, target):
    assert check(huber, prediction, target, order=1)


@settings(max_examples=30, deadline=None)
@given(strategies.arrays((3, 2), dtype=np.float64), strategies.arrays((2,), dtype=np.float64, gap=0.25))
def test_a_composition_of_ones_own(x, y):
    assert check(lambda torch, x, y: (torch.softmax(x / y, dim=-1) * x).sum(-1), x, y, order=2)
