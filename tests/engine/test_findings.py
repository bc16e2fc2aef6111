"""What was once wrong without an error, and must not be again."""

from __future__ import annotations

import copy

import numpy as np
import pytest

import minigrad as torch


def test_stacked_transposes_are_contiguous_so_that_reshape_is_a_view() -> None:
    x = torch.arange(6.0).reshape(2, 3).requires_grad_()
    s = torch.stack([x.t(), x.t()])
    v = s.reshape(2, -1)
    s.mul_(2)
    cotangent = torch.linspace(0.5, 2.0, 12).reshape(2, 6)
    v.backward(cotangent)
    expected = 2 * cotangent.numpy().reshape(2, 3, 2).sum(0).T
    assert s.is_contiguous() and torch.cat([x.t(), x.t()]).is_contiguous()
    np.testing.assert_allclose(x.grad.numpy(), expected, rtol=4 * np.finfo(np.float32).eps)


@pytest.mark.parametrize("choose", [lambda x, i: x.index_select(0, i), lambda x, i: x.index_add(0, i, x[:2] * 3)])
def test_an_index_that_was_overwritten_is_seen_in_backward(choose) -> None:
    x, i = torch.randn(3, 2).requires_grad_(), torch.tensor([0, 2])
    y = choose(x, i)
    i.zero_()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.backward(torch.randn(y.shape))


def test_the_copy_of_a_parameter_starts_without_a_gradient() -> None:
    net = torch.nn.Linear(3, 1)
    net(torch.ones(2, 3)).sum().backward()
    twin = copy.deepcopy(net)
    assert twin.weight.grad is None and net.weight.grad is not None


def test_the_variance_with_more_correction_than_elements_has_torchs_finite_slope() -> None:
    x = torch.tensor([[1.0, 2.0, 4.0, 7.0]], requires_grad=True)
    x.var(1, correction=5).backward(torch.tensor([0.5]))
    np.testing.assert_allclose(x.grad.numpy(), 0.5 * -2.0 * (np.array([[1.0, 2, 4, 7]]) - 3.5), rtol=1e-6)


def test_an_index_of_numpy_may_be_overwritten_before_backward() -> None:
    """torch follows the overwritten index: a gradient for other rows than those that were chosen."""
    x = torch.zeros(6).requires_grad_()
    for i in (np.array([0, 2]), np.array([True, False, True, False, False, False])):
        x.grad = None
        y, before = x[i], i.copy()
        i[:] = i[::-1].copy() if i.dtype == bool else 5
        y.backward(torch.tensor([3.0, -2.0]))
        expected = np.zeros(6)
        expected[before] = [3, -2]
        assert np.array_equal(x.grad.numpy(), expected)


def test_a_list_of_lists_is_a_key_for_several_dimensions() -> None:
    x = torch.arange(12.0).reshape(3, 4).requires_grad_()
    y = x[[[0, 1], [1, 2]]]
    assert y.tolist() == [1, 6]
    y.backward(torch.tensor([3.0, -2.0]))
    assert x.grad.tolist() == [[0, 3, 0, 0], [0, 0, -2, 0], [0, 0, 0, 0]]


def test_an_index_of_bytes_is_a_mask() -> None:
    x = torch.arange(3.0).requires_grad_()
    with pytest.warns(UserWarning, match="uint8 is now deprecated"):
        y = x[torch.tensor([1, 0, 2], dtype=torch.uint8)]
    assert y.tolist() == [0, 2]
    y.backward(torch.tensor([3.0, -2.0]))
    assert x.grad.tolist() == [3, 0, -2]


def test_what_is_assigned_by_an_index_must_have_the_dtype() -> None:
    x = torch.zeros(3).requires_grad_() * 1
    with pytest.raises(RuntimeError, match="got Float for the destination and Double for the source"):
        x[[0, 1]] = torch.tensor([1.0, 2.0], dtype=torch.float64, requires_grad=True)
    x[0:2] = torch.tensor([1.0, 2.0], dtype=torch.float64)  # torch converts these
    x[x == 0] = torch.tensor(3.0, dtype=torch.float64)
    assert x.tolist() == [1, 2, 3]
