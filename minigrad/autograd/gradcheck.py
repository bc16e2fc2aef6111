"""gradcheck: compare the gradients of a function with finite differences.

(f(x + eps) - f(x - eps)) / 2 eps is the derivative of f with an error of about eps^2 and of the roundings of f divided by
eps; in float64 with eps = 1e-6 both are near 1e-10 of f, far below the default tolerances. In float32 they are not, so use
float64 inputs. Next: functional.py.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from . import graph
from .graph import wrap
from .modes import enable_grad, no_grad
from .walk import as_tuple, grad


class GradcheckError(RuntimeError):
    """Raised by gradcheck and gradgradcheck: what they compared, and both results."""


def gradcheck(
    func: Callable[..., Any],
    inputs: Any,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
) -> bool:
    """Whether func's gradients agree with central differences, within atol + rtol * |difference quotient|.

    func: takes `inputs`, a tensor or a tuple, and returns a tensor or a tuple; checked for the inputs that require grad.
    nondet_tol: how far two backward walks may differ. check_undefined_grad: also that backward takes it if some outputs
    get no gradient. False instead of a GradcheckError if raise_exception is False. (torch.autograd.gradcheck)
    """
    inputs = as_tuple(inputs)
    try:
        _check(func, inputs, eps, atol, rtol, nondet_tol, check_undefined_grad)
    except GradcheckError:
        if raise_exception:
            raise
        return False
    return True


def _check(
    func: Callable[..., Any], inputs: tuple[Any, ...], eps: float, atol: float, rtol: float, nondet_tol: float, undefined: bool
) -> None:
    chosen = [i for i, x in enumerate(inputs) if isinstance(x, graph.Tensor) and x.requires_grad]
    if not chosen:
        raise ValueError(
            "gradcheck expects at least one input tensor to require gradient, but none of them have requires_grad=True."
        )
    for i in chosen:
        if inputs[i]._array.dtype != np.float64:
            warnings.warn(
                f"Input #{i} requires gradient and is not a double precision floating point or complex. This check will likely "
                "fail if all the inputs are not of double precision floating point or complex. ",
                stacklevel=4,
            )
        if inputs[i]._array.size > 1 and 0 in inputs[i].stride():
            raise RuntimeError(
                f"The {i}th input has a dimension with stride 0. gradcheck only supports inputs that are non-overlapping to be able "
                "to compute the numerical gradients correctly. You should call .contiguous on the input before passing it to "
                "gradcheck."
            )
    outputs = as_tuple(func(*inputs))
    for o, out in enumerate(outputs):
        if not isinstance(out, graph.Tensor) or out._array.dtype.kind != "f":
            continue
        analytical = [_analytical(out, inputs[i]) for i in chosen] if out.requires_grad else [None] * len(chosen)
        for i, jacobian in zip(chosen, analytical):
            numerical = _numerical(func, inputs, i, o, eps)
            if jacobian is None:
                jacobian = np.zeros_like(numerical)
            elif not np.allclose(jacobian, _analytical(out, inputs[i]), rtol=0, atol=nondet_tol, equal_nan=True):
                raise GradcheckError(
                    "Backward is not reentrant, i.e., running backward with same input and grad_output multiple times gives "
                    f"different values, although analytical gradient matches numerical gradient.The tolerance for nondeterminism "
                    f"was {nondet_tol}."
                )
            if not out.requires_grad and not np.allclose(numerical, 0, rtol=0, atol=atol):
                raise GradcheckError("Numerical gradient for function expected to be zero")
            if not np.allclose(jacobian, numerical, rtol=rtol, atol=atol, equal_nan=True):
                raise GradcheckError(
                    f"Jacobian mismatch for output {o} with respect to input {i},\nnumerical:{wrap(numerical)!r}\n"
                    f"analytical:{wrap(jacobian)!r}\n"
                )
    if undefined:
        _check_undefined(func, inputs, chosen)


def _analytical(out: Any, x: Any) -> Any:
    """The Jacobian of `out` in x by one backward walk for each element of out: of shape (x.numel(), out.numel())."""
    jacobian = np.zeros((x._array.size, out._array.size), x._array.dtype)
    for j in range(out._array.size):
        one = np.zeros(out._array.shape, out._array.dtype)
        one.reshape(-1)[j] = 1
        (g,) = grad(out, x, wrap(one), retain_graph=True, allow_unused=True)
        if g is not None:
            jacobian[:, j] = g._array.reshape(-1)
    return jacobian


def _numerical(func: Callable[..., Any], inputs: tuple[Any, ...], i: int, o: int, eps: float) -> Any:
    """The same by central differences. The input itself is moved, so that func may look at it by another name."""
    array = inputs[i]._storage()
    columns = []

    def value() -> Any:
        with no_grad():
            return np.array(as_tuple(func(*inputs))[o]._array).reshape(-1)

    for at in np.ndindex(array.shape):
        before = array[at]
        try:
            array[at] = before + eps
            above = value()
            array[at] = before - eps
            below = value()
        finally:
            array[at] = before
        columns.append((above - below) / (2 * eps))
    size = as_tuple(func(*inputs))[o]._array.size
    return np.stack(columns) if columns else np.zeros((0, size), array.dtype)


def _check_undefined(func: Callable[..., Any], inputs: tuple[Any, ...], chosen: Sequence[int]) -> None:
    """Each output alone must be able to go backward: a Function then gets None or zeros for the others."""
    outputs = [out for out in as_tuple(func(*inputs)) if isinstance(out, graph.Tensor) and out.requires_grad]
    for out in outputs if len(outputs) > 1 else ():
        try:
            grad(out, [inputs[i] for i in chosen], wrap(np.ones_like(out._array)), retain_graph=True, allow_unused=True)
        except Exception as error:
            raise GradcheckError(
                "Expected backward function to handle undefined output grads. Please look at 'Notes about undefined output "
                "gradients' in 'tools/autograd/derivatives.yaml'"
            ) from error


def gradgradcheck(
    func: Callable[..., Any],
    inputs: Any,
    grad_outputs: Any = None,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
) -> bool:
    """gradcheck of func's gradient: whether its second derivatives are right. (torch.autograd.gradgradcheck)

    grad_outputs: the gradients of the outputs with which the first walk starts; random if None.
    """
    inputs = as_tuple(inputs)
    outputs = [out for out in as_tuple(func(*inputs)) if isinstance(out, graph.Tensor) and out.requires_grad]
    if grad_outputs is None:
        random = np.random.default_rng(0)
        cotangents = tuple([wrap(random.standard_normal(out._array.shape).astype(out._array.dtype)).requires_grad_() for out in outputs])
    else:
        cotangents = as_tuple(grad_outputs)
    count = len(inputs)

    def gradient(*arguments: Any) -> Any:
        inputs, cotangents = arguments[:count], arguments[count:]
        with enable_grad():
            fresh = tuple([_own(x) for x in inputs])
            outputs = [out for out in as_tuple(func(*fresh)) if isinstance(out, graph.Tensor) and out.requires_grad]
            wanted = [x for x in fresh if isinstance(x, graph.Tensor) and x.requires_grad]
            return tuple(grad(outputs, wanted, cotangents, create_graph=True, allow_unused=True, materialize_grads=True))

    return gradcheck(
        gradient,
        (*inputs, *cotangents),
        eps=eps,
        atol=atol,
        rtol=rtol,
        raise_exception=raise_exception,
        nondet_tol=nondet_tol,
        check_undefined_grad=check_undefined_grad,
    )


def _own(x: Any) -> Any:
    """x as a node of its own, so that what func does to it is differentiated but its leaf is not written to."""
    if not isinstance(x, graph.Tensor) or not x.requires_grad:
        return x
    return x.view_as(x)
