"""What the checker found in the engine, kept as tests of the behaviour that it now has."""

import math

import numpy as np
import pytest

import minigrad as torch


def test_the_retained_gradient_is_not_the_returned_one():
    b = torch.tensor([2.0, -0.5], requires_grad=True)
    total = b.sum()
    total.retain_grad()
    (g,) = torch.autograd.grad(total, total, create_graph=True)
    g.add_(1)
    assert total.grad.item() == 1.0


def test_an_empty_tensor_can_be_written_to_in_place():
    assert torch.zeros(2, 0).clone().sub_(torch.zeros(2, 0)).shape == (2, 0)


def test_huber_keeps_nan():
    x = torch.tensor([math.nan, 1.0], requires_grad=True)
    torch.nn.functional.smooth_l1_loss(x, torch.zeros(2), reduction="none").backward(torch.tensor([0.5, -2.0]))
    assert np.isnan(x.grad.numpy()[0]) and x.grad.numpy()[1] == -2.0


def test_rounding_stops_an_infinite_gradient():
    x = torch.tensor(0.25, requires_grad=True)
    torch.reciprocal(torch.floor(x)).backward(torch.tensor(-2.0))
    assert x.grad.item() == 0.0


def test_an_indexed_element_is_added_to_in_place():
    c = torch.tensor([[0.5, 1.0], [-1.0, 2.0]])
    y = c * c
    y[-1] += 1
    assert y.tolist() == [[0.25, 1.0], [2.0, 5.0]]


def test_float16_is_added_up_in_float32():
    ones = torch.ones(70_000, dtype=torch.float16, requires_grad=True)
    mean = ones.mean()
    mean.backward(torch.tensor(3.0, dtype=torch.float16))
    assert mean.item() == 1.0 and ones.grad[0].item() == np.float16(3 / 70_000) and ones.norm().item() == np.float16(70_000**0.5)
    bias = torch.zeros(3, dtype=torch.float16, requires_grad=True)
    tenth = torch.full((3_000, 3), 0.1, dtype=torch.float16)
    (tenth * 0 + bias).backward(tenth)
    assert bias.grad.tolist() == tenth.sum(0).tolist() == [300.0] * 3 and tenth.mean(0).tolist() == tenth[0].tolist()


def test_behind_a_zero_cumprod_has_no_slope_also_where_the_products_overflow():
    x = torch.tensor([0.0, 1.0, float(np.finfo(np.float32).max)], requires_grad=True)
    x.cumprod(0).backward(torch.tensor([-1.25, -1.25, 1.25]))
    assert x.grad.tolist() == [math.inf, 0.0, 0.0]


@pytest.mark.parametrize("traced", [False, True])
def test_a_subnormal_in_one_product_does_not_change_the_slope_of_another(traced):
    x = torch.tensor([[-math.inf, 0.5], [1.0587, 5e-324]], dtype=torch.float64, requires_grad=True)
    (g,) = torch.autograd.grad(x.prod(0), x, torch.tensor([0.25, -0.5], dtype=torch.float64), create_graph=traced)
    assert np.isnan(g.tolist()[0][0]) and g.tolist()[0][1] == -0.5 * 5e-324 and g.tolist()[1][1] == -0.25
    if traced:
        (second,) = torch.autograd.grad(g[:, 1].sum(), x)
        assert second.tolist()[0][1] == -0.5 and second.tolist()[1][1] == -0.5
