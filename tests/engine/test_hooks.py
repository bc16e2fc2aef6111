"""Hooks and retained gradients: when they run, what they see, what they may change."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import minigrad as torch


def leaf(*values: float) -> Any:
    return torch.tensor(values, dtype=torch.float64, requires_grad=True)


G = torch.tensor([1.0, -3.0], dtype=torch.float64)


def test_hooks_run_in_order_and_what_they_return_goes_on() -> None:
    x = leaf(1.0, 2.0)
    y = x * 3
    y.register_hook(lambda g: g * 2)
    y.register_hook(lambda g: g + 1)
    y.retain_grad()
    y.backward(G)
    assert y.grad.tolist() == [3.0, -5.0]
    assert x.grad.tolist() == [9.0, -15.0]


def test_a_leafs_hook_sees_the_sum_once() -> None:
    x, seen = leaf(1.0, 2.0), []
    x.register_hook(lambda g: seen.append(g.tolist()))
    (x * 1 + x * 2).backward(G)
    assert seen == [[3.0, -9.0]]


def test_a_removed_hook_does_not_run() -> None:
    x = leaf(1.0, 2.0)
    with x.register_hook(lambda g: g * 10):
        (x * 1).backward(G)
    handle = x.register_hook(lambda g: g * 100)
    handle.remove()
    handle.remove()
    (x * 1).backward(G)
    assert x.grad.tolist() == [11.0, -33.0]


def test_what_a_hook_keeps_is_not_changed_later() -> None:
    x, kept = leaf(1.0, 2.0), []
    y = x * 1
    y.register_hook(kept.append)
    x.register_hook(kept.append)
    for _ in range(2):
        y.backward(G, retain_graph=True)
    assert [g.tolist() for g in kept] == [[1.0, -3.0]] * 4
    assert x.grad.tolist() == [2.0, -6.0]


def test_a_post_accumulate_hook_sees_the_leaf_with_its_gradient() -> None:
    x = leaf(1.0, 2.0)

    def step(leaf: Any) -> None:
        with torch.no_grad():
            leaf -= leaf.grad
        leaf.grad = None

    x.register_post_accumulate_grad_hook(step)
    (x * 2).backward(G)
    assert x.grad is None and x.tolist() == [-1.0, 8.0]


def test_a_hook_under_create_graph_is_differentiated_too() -> None:
    x = leaf(1.0, 2.0)
    y = x**2
    y.register_hook(lambda g: g**2)
    (first,) = torch.autograd.grad(y, x, G.clone().requires_grad_(), create_graph=True)
    assert first.tolist() == [2.0, 36.0]
    (second,) = torch.autograd.grad(first, x, G)
    assert second.tolist() == [2.0, -54.0]


def test_hooks_stay_with_the_old_value_and_a_retained_gradient_moves_to_the_new() -> None:
    x, seen = leaf(1.0, 2.0), []
    y = x * 2
    y.register_hook(lambda g: seen.append(g.tolist()))
    y.retain_grad()
    y.mul_(3)
    y.backward(G)
    assert seen == [[3.0, -9.0]] and y.grad.tolist() == [1.0, -3.0] and x.grad.tolist() == [6.0, -18.0]


def test_hooks_of_a_target_of_grad_run_and_those_behind_it_do_not() -> None:
    x, seen = leaf(1.0, 2.0), []
    y = x * 2
    z = y * 3
    for name, t in {"x": x, "y": y, "z": z}.items():
        t.register_hook(lambda g, name=name: seen.append(name))
    (g,) = torch.autograd.grad(z, y, G)
    assert seen == ["z", "y"] and g.tolist() == [3.0, -9.0]


@pytest.mark.parametrize(
    ("result", "error", "says"),
    [
        (torch.ones(3), RuntimeError, "has changed the size of value"),
        (torch.ones(2), RuntimeError, "has changed the type of value"),
        (5, TypeError, "expected Variable, but hook returned 'int'"),
    ],
)
def test_a_hook_that_returns_something_else_is_refused(result: Any, error: Any, says: str) -> None:
    x = leaf(1.0, 2.0)
    x.register_hook(lambda g: result)
    with pytest.raises(error, match=says):
        (x * 1).backward(G)
    assert x.grad is None


def test_gradients_are_arrays_of_their_own() -> None:
    x, y = leaf(1.0, 2.0), leaf(3.0, 4.0)
    g = G.clone()
    (x + y).backward(g)
    x.backward(g)
    assert not np.shares_memory(x.grad.numpy(), y.grad.numpy())
    assert not np.shares_memory(x.grad.numpy(), g.numpy())
    x.grad.zero_()
    assert y.grad.tolist() == g.tolist() == [1.0, -3.0]
