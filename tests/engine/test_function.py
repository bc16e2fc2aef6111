"""autograd.Function, gradcheck and autograd.functional: values, both derivatives, refusals. Expected values are by hand."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

import minigrad as torch
from minigrad.autograd import Function, functional, gradcheck, gradgradcheck
from minigrad.autograd.function import once_differentiable

rng = np.random.default_rng(1)


def leaf(*shape: int) -> Any:
    return torch.from_numpy(rng.uniform(0.5, 1.5, shape)).requires_grad_()


def cotangent(t: Any) -> Any:
    return torch.from_numpy(rng.standard_normal(tuple(t.shape)))


class Power(Function):
    """x ** n by hand, from the saved input."""

    @staticmethod
    def forward(ctx: Any, x: Any, n: int) -> Any:
        ctx.save_for_backward(x)
        ctx.n = n
        return x**n

    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        (x,) = ctx.saved_tensors
        return g * ctx.n * x ** (ctx.n - 1), None


class Exp(Function):
    """exp, from the saved output."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        out = x.exp()
        ctx.save_for_backward(out)
        return out

    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        return g * ctx.saved_tensors[0]


class Polar(Function):
    """(r cos t, r sin t): two inputs, two outputs, both outputs saved; with setup_context."""

    @staticmethod
    def forward(r: Any, t: Any) -> Any:
        return r * t.cos(), r * t.sin()

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        ctx.save_for_backward(*inputs, *output)

    @staticmethod
    def backward(ctx: Any, gx: Any, gy: Any) -> Any:
        r, t, x, y = ctx.saved_tensors
        return (gx * x + gy * y) / r, gy * x - gx * y


@pytest.mark.parametrize(
    ("function", "inputs"),
    [
        (lambda x: Power.apply(x, 3), (leaf(3),)),
        (Exp.apply, (leaf(2, 2),)),
        (Polar.apply, (leaf(3), leaf(3))),
        (lambda r, t: Polar.apply(r, t)[1] * Polar.apply(t, r)[0], (leaf(2), leaf(2))),
        (lambda x: Exp.apply(Power.apply(x, 2)).sum(), (leaf(2),)),
    ],
    ids=["input saved", "output saved", "two outputs", "one output used", "nested"],
)
def test_first_and_second_derivatives_agree_with_differences(function: Any, inputs: Any) -> None:
    assert gradcheck(function, inputs)
    assert gradgradcheck(function, inputs)


def test_what_the_context_knows() -> None:
    seen: list[Any] = []

    class Look(Function):
        @staticmethod
        def forward(ctx: Any, *args: Any) -> Any:
            seen.append((ctx.needs_input_grad, torch.is_grad_enabled()))
            ctx.shape, ctx.saved, ctx.extra = (7,), 5, 6  # any name is free for the user
            return args[0] * 2

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            assert (ctx.shape, ctx.saved, ctx.extra) == ((7,), 5, 6)
            return g * 2, None, None

    x = leaf(2)
    y = Look.apply(x, torch.ones(2), 5)
    g = cotangent(y)
    y.backward(g)
    assert seen == [((True, False, False), False)]
    assert np.array_equal(x.grad.numpy(), 2 * g.numpy())
    with torch.no_grad():
        assert not Look.apply(x, 1, 2).requires_grad


def test_an_output_without_gradient_gives_zeros_or_none() -> None:
    got: list[Any] = []

    class Two(Function):
        @staticmethod
        def forward(ctx: Any, x: Any, materialize: bool) -> Any:
            ctx.set_materialize_grads(materialize)
            return x * 1, x * 2

        @staticmethod
        def backward(ctx: Any, a: Any, b: Any) -> Any:
            got.append(b)
            return a, None

    for materialize in (True, False):
        x = leaf(2)
        Two.apply(x, materialize)[0].backward(cotangent(x))
    assert got[0].tolist() == [0.0, 0.0] and got[1] is None


def test_saved_values_are_watched_and_freed() -> None:
    x = leaf(2)
    y = x * 1.0
    z = Power.apply(y, 3)
    y.add_(1.0)
    with pytest.raises(RuntimeError, match="modified by an inplace operation.*is at version 1; expected version 0"):
        z.backward(cotangent(z))
    z = Exp.apply(x)
    z.mul_(2.0)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        z.backward(cotangent(z))
    z = Power.apply(x, 2)
    z.backward(cotangent(z), retain_graph=True)
    z.backward(cotangent(z))
    with pytest.raises(RuntimeError, match="backward through the graph a second time"):
        z.backward(cotangent(z))


class Doubled(Function):
    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.mark_dirty(x)
        return x.mul_(2)

    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        return g * 2


def test_a_function_that_writes_to_its_input_is_part_of_the_inputs_history() -> None:
    x = leaf(3)
    y = x * 1.0
    assert Doubled.apply(y) is y and y.grad_fn.name() == "DoubledBackward"
    g = cotangent(y)
    y.backward(g)
    assert np.array_equal(x.grad.numpy(), 2 * g.numpy())

    x.grad, y = None, x * 1.0
    part = y[1:]
    Doubled.apply(part)
    y.backward(g)
    assert np.array_equal(x.grad.numpy(), g.numpy() * [1, 2, 2])

    with pytest.raises(RuntimeError, match="a leaf Variable that requires grad has been used in an in-place operation"):
        Doubled.apply(x)


def test_an_input_that_is_returned_becomes_a_view_with_the_functions_history() -> None:
    class Same(Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return x

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return g * 5

    x = leaf(2)
    y = Same.apply(x)
    assert y is not x and y.data_ptr() == x.data_ptr()
    g = cotangent(y)
    y.backward(g)
    assert np.array_equal(x.grad.numpy(), 5 * g.numpy())
    with pytest.raises(RuntimeError, match="created inside a custom Function"):
        Same.apply(x * 1.0).add_(1.0)


def _wrong(result: Any) -> Any:
    class Wrong(Function):
        @staticmethod
        def forward(ctx: Any, x: Any, k: int) -> Any:
            return x * 2

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return result

    return Wrong


@pytest.mark.parametrize(
    ("result", "says"),
    [
        (torch.ones(2), r"function WrongBackward returned an incorrect number of gradients \(expected 2, got 1\)"),
        ((torch.ones(2), None, torch.ones(2)), r"incorrect number of gradients \(expected 2, got 3\)"),
        ((torch.ones(3), None), r"returned an invalid gradient at index 0 - got \[3\] but expected shape compatible with \[2\]"),
        ((5.0, None), r"expected Variable or None \(got float\)"),
        ((torch.ones(2), torch.ones(2)), "returned a gradient different from None at position 2"),
    ],
)
def test_a_wrong_backward_is_told_what_is_wrong(result: Any, says: str) -> None:
    y = _wrong(result).apply(leaf(2), 5)
    with pytest.raises(RuntimeError, match=says):
        y.backward(cotangent(y))


def test_too_many_gradients_that_are_none_a_broadcast_one_and_another_dtype_are_fine() -> None:
    for result, wanted in [((torch.ones(2), None, None), [1, 1]), ((torch.ones(3, 2), None), [3, 3]), ((None, None), None)]:
        x = leaf(2)
        y = _wrong(result).apply(x, 5)
        y.backward(cotangent(y))
        assert (x.grad if wanted is None else x.grad.tolist()) == wanted
        assert wanted is None or x.grad.dtype is torch.float64


def test_once_differentiable_refuses_a_second_derivative() -> None:
    class Once(Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        @once_differentiable
        def backward(ctx: Any, g: Any) -> Any:
            return 2 * ctx.saved_tensors[0] * g

    x = leaf(2)
    (first,) = torch.autograd.grad(Once.apply(x) ** 2, x, torch.ones(2, dtype=torch.float64), create_graph=True)
    np.testing.assert_allclose(first.detach().numpy(), 4 * x.detach().numpy() ** 3, rtol=1e-15)
    with pytest.raises(RuntimeError, match="trying to differentiate twice a function that was marked with @once_differentiable"):
        first.backward(cotangent(first))


def test_what_is_no_tensor_is_refused_or_passed_on() -> None:
    class Saves(Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.save_for_backward(x, 5)

    with pytest.raises(TypeError, match="can only save variables, but argument 1 is of type int"):
        Saves.apply(leaf(2))
    with pytest.raises(NotImplementedError, match="must implement the forward function"):
        type("None_", (Function,), {}).apply(leaf(2))

    class Mixed(Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            mask = x > 0
            ctx.mark_non_differentiable(mask)
            return x * 2, mask, "text"

        @staticmethod
        def backward(ctx: Any, g: Any, *_: Any) -> Any:
            return g * 2

    y, mask, text = Mixed.apply(leaf(2))
    assert y.requires_grad and not mask.requires_grad and text == "text"


# ------------------------------------------------------------------ gradcheck and functional


class WrongSquare(Function):
    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        return 2.01 * ctx.saved_tensors[0] * g


def test_gradcheck_finds_a_derivative_that_is_wrong_by_half_a_percent() -> None:
    with pytest.raises(RuntimeError, match="Jacobian mismatch for output 0 with respect to input 0"):
        gradcheck(WrongSquare.apply, (leaf(2),))
    assert gradcheck(WrongSquare.apply, (leaf(2),), raise_exception=False) is False
    assert gradcheck(WrongSquare.apply, (leaf(2),), rtol=0.1)


def test_gradgradcheck_finds_a_wrong_second_derivative() -> None:
    class HiddenSlope(Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.save_for_backward(x)
            return x**3

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return g * 3 * ctx.saved_tensors[0].detach() ** 2

    x = leaf(2)
    assert gradcheck(HiddenSlope.apply, (x,))
    with pytest.raises(RuntimeError, match="Jacobian mismatch|expected to be zero"):
        gradgradcheck(HiddenSlope.apply, (x,))


def test_gradcheck_refuses_what_it_can_not_check() -> None:
    with pytest.raises(ValueError, match="at least one input tensor to require gradient"):
        gradcheck(torch.sin, (torch.ones(2),))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        gradcheck(torch.sin, (torch.ones(1, requires_grad=True),), raise_exception=False)
    assert "not a double precision" in str(caught[0].message)
    with pytest.raises(RuntimeError, match="expected to be zero"):
        gradcheck(lambda x: x.detach() * 2, (leaf(2),))


def test_jacobian_hessian_and_their_products_are_those_of_calculus() -> None:
    a, b = rng.standard_normal((3, 2)), rng.standard_normal(2)
    x, v, u = torch.from_numpy(b), torch.from_numpy(rng.standard_normal(2)), torch.from_numpy(rng.standard_normal(3))
    A = torch.from_numpy(a)

    def f(x: Any) -> Any:
        return A @ x**2

    J = 2 * a * b
    close = {"rtol": 1e-14, "atol": 1e-15}
    np.testing.assert_allclose(functional.jacobian(f, x).numpy(), J, **close)
    np.testing.assert_allclose(functional.vjp(f, x, u)[1].numpy(), u.numpy() @ J, **close)
    np.testing.assert_allclose(functional.jvp(f, x, v)[1].numpy(), J @ v.numpy(), **close)
    H = functional.hessian(lambda x: (x**3).sum() + x[0] * x[1], x)
    np.testing.assert_allclose(H.numpy(), np.diag(6 * b) + [[0, 1], [1, 0]], **close)


def test_jacobian_of_several_inputs_and_outputs_has_torchs_layout() -> None:
    x, y = leaf(2), leaf(2, 3)
    J = functional.jacobian(lambda x, y: (x @ y, x * 2, x.sum()), (x, y))
    assert [[tuple(part.shape) for part in row] for row in J] == [[(3, 2), (3, 2, 3)], [(2, 2), (2, 2, 3)], [(2,), (2, 3)]]
    assert np.array_equal(J[1][1].numpy(), np.zeros((2, 2, 3)))
    assert not J[0][0].requires_grad
    H = functional.hessian(lambda x, y: (x @ y).sum(), (x, y))
    assert [[tuple(part.shape) for part in row] for row in H] == [[(2, 2), (2, 2, 3)], [(2, 3, 2), (2, 3, 2, 3)]]


def test_create_graph_lets_a_jacobian_be_differentiated() -> None:
    x = leaf(2)
    J = functional.jacobian(lambda x: x**3, x, create_graph=True)
    J.backward(torch.ones(2, 2, dtype=torch.float64))
    np.testing.assert_allclose(x.grad.numpy(), 6 * x.detach().numpy(), rtol=1e-15)


def test_wrong_vectors_and_what_is_no_tensor_are_refused() -> None:
    x = torch.ones(2)
    with pytest.raises(RuntimeError, match=r"v has invalid size: should be torch.Size\(\[2\]\) but got torch.Size\(\[3\]\)"):
        functional.jvp(torch.sin, x, torch.ones(3))
    with pytest.raises(RuntimeError, match="v can only be None if the user-provided function returns a single Tensor"):
        functional.vjp(torch.sin, x)
    with pytest.raises(RuntimeError, match="v is a tuple of invalid length: should be 1 but got 2"):
        functional.jvp(torch.sin, x, (x, x))
    with pytest.raises(TypeError, match="outputs of the user-provided function given to jacobian must be .* <class 'float'>"):
        functional.jacobian(lambda x: x.sum().item(), x)
