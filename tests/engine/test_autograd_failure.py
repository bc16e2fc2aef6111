"""What an exception leaves behind: gradients as before or complete, grad mode as before, and the next step is right."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minigrad as torch


class Fails(torch.autograd.Function):
    """Raises in forward or in backward, as it is told."""

    @staticmethod
    def forward(ctx: Any, x: Any, where: str, error: BaseException) -> Any:
        ctx.where, ctx.error = where, error
        if where == "forward":
            raise error
        return x * 2

    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        if ctx.where == "backward":
            raise ctx.error
        return g * 2, None, None


def hooked(y: Any, error: BaseException) -> Any:
    def hook(g: Any) -> None:
        raise error

    y.register_hook(hook)
    return y


WAYS: dict[str, Callable[[Any, BaseException], Any]] = {
    "forward of a Function": lambda y, error: Fails.apply(y, "forward", error),
    "backward of a Function": lambda y, error: Fails.apply(y, "backward", error),
    "hook": hooked,
}


@pytest.mark.parametrize("error", [ValueError("no"), KeyboardInterrupt()], ids=["ValueError", "Ctrl-C"])
@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize("enabled", [True, False], ids=["grad", "no_grad"])
def test_a_failure_changes_no_gradient_and_no_mode(way: Any, error: BaseException, enabled: bool) -> None:
    x, w = (torch.tensor([v, -v], requires_grad=True) for v in (1.5, 2.0))
    (x * w).backward(torch.tensor([1.0, 3.0]))
    before = x.grad.tolist(), w.grad.tolist()
    with pytest.raises(type(error)):
        loss = (way(x * w, error) * w).sum() + (x * 3).sum()
        with torch.set_grad_enabled(enabled):
            loss.backward()
    assert torch.is_grad_enabled()
    assert (x.grad.tolist(), w.grad.tolist()) == before
    x.grad = w.grad = None
    (x * w).backward(torch.tensor([1.0, 3.0]))
    assert (x.grad.tolist(), w.grad.tolist()) == before


def test_ctrl_c_between_two_leaves_leaves_each_as_before_or_complete() -> None:
    leaves = [torch.tensor([float(i + 1)], requires_grad=True) for i in range(5)]
    product = leaves[0] * leaves[1] * leaves[2] * leaves[3] * leaves[4]

    def interrupt(leaf: Any) -> None:
        raise KeyboardInterrupt

    leaves[2].register_post_accumulate_grad_hook(interrupt)
    with pytest.raises(KeyboardInterrupt):
        product.backward(torch.tensor([2.0]))
    for i, leaf in enumerate(leaves):
        assert leaf.grad is None or leaf.grad.item() == 2 * 120 / (i + 1)
    assert leaves[2].grad.item() == 80.0


def test_a_failing_write_leaves_the_tensor_and_its_history() -> None:
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    y = x * 3
    node = y.grad_fn
    for wrong in (lambda: y.add_(torch.ones(3)), lambda: y.mul_("a"), lambda: y.__setitem__(5, 1.0), lambda: y.copy_(torch.ones(5))):
        with pytest.raises((RuntimeError, TypeError, IndexError)):
            wrong()
    assert y.grad_fn is node and y._version == 0 and y.tolist() == [3.0, 6.0]
    y.backward(torch.tensor([1.0, -2.0]))
    assert x.grad.tolist() == [3.0, -6.0]


def test_modes_are_restored_when_a_block_or_a_decorated_function_fails() -> None:
    @torch.no_grad()
    def fails() -> None:
        raise ValueError

    for block in (torch.no_grad, torch.enable_grad, torch.inference_mode, lambda: torch.set_grad_enabled(False), fails):
        with pytest.raises(ValueError):
            with block():
                raise ValueError
        assert torch.is_grad_enabled()


def test_anomaly_mode_names_the_line_and_ends_with_its_block() -> None:
    x = torch.tensor([0.0], requires_grad=True)
    with pytest.warns(UserWarning, match=r"test_autograd_failure(.|\n)*the_line_that_made_it = x\.sqrt\(\)"):
        with pytest.raises(RuntimeError, match="Function 'SqrtBackward0' returned nan values in its 0th output."):
            with torch.autograd.detect_anomaly():
                the_line_that_made_it = x.sqrt()
                (the_line_that_made_it * 0.0).backward(torch.tensor([1.0]))
    assert x.grad is None
    y = x.sqrt() * 0.0
    y.backward(torch.tensor([1.0]))  # without it, nan goes through
    assert np.isnan(x.grad.item())
