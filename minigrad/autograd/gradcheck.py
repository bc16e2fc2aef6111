"""gradcheck: compare the gradients of a function with finite differences.

(f(x + eps) - f(x - eps)) / 2 eps is the derivative of f with an error of about eps^2 and of the roundings of f divided by
eps; in float64 with eps = 1e-6 both are near 1e-10 of f, far below the default tolerances. In float32 they are not, so use
float64 inputs. Next: functional.py.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from . import graph
from .graph import wrap
from .modes import enable_grad, no_grad
from .walk import as_tuple, grad


class GradcheckError(RuntimeError):
    """Raised by gradcheck and gradgradcheck: what they compared, and both results."""


def gradcheck(
    func: Callable[..., Any], inputs: Any, *, eps: float = 1e-6, atol: float = 1e-5, rtol: float = 1e-3,
    raise_exception: bool = True,
) -> bool:  # fmt: skip
    """Whether func's gradients agree with central differences, within atol + rtol * |difference quotient|.

    func: takes `inputs`, a tensor or a tuple, and returns a tensor or a tuple; checked for the inputs that require grad.
    GradcheckError, or False if raise_exception is False, if they do not; ValueError if no input requires grad.
    (torch.autograd.gradcheck)
    """
    inputs = as_tuple(inputs)
    chosen = [i for i, x in enumerate(inputs) if _requires_grad(x)]
    if not chosen:
        raise ValueError("gradcheck expects at least one input tensor to require gradient, but none of them have requires_grad=True.")
    for i in chosen:
        if inputs[i]._array.dtype != np.float64:
            warnings.warn(
                f"Input #{i} requires gradient and is not a double precision floating point or complex. This check will likely "
                "fail if all the inputs are not of double precision floating point or complex. ",
                stacklevel=2,
            )
    for o, out in enumerate(as_tuple(func(*inputs))):
        for i in chosen if isinstance(out, graph.Tensor) and out._array.dtype.kind == "f" else ():
            analytical = _analytical(out, inputs[i])
            numerical = _numerical(func, inputs, i, o, eps).reshape(analytical.shape)
            if np.allclose(analytical, numerical, rtol=rtol, atol=atol, equal_nan=True):
                continue
            if not raise_exception:
                return False
            if not out.requires_grad:
                raise GradcheckError("Numerical gradient for function expected to be zero")
            raise GradcheckError(
                f"Jacobian mismatch for output {o} with respect to input {i},\nnumerical:{wrap(numerical)!r}\n"
                f"analytical:{wrap(analytical)!r}\n"
            )
    return True


def _requires_grad(x: Any) -> bool:
    return isinstance(x, graph.Tensor) and x.requires_grad


def _analytical(out: Any, x: Any) -> Any:
    """The Jacobian of `out` in x by one backward walk for each element of out: of shape (x.numel(), out.numel())."""
    jacobian = np.zeros((x._array.size, out._array.size), x._array.dtype)
    for j, one in enumerate(np.eye(out._array.size, dtype=out._array.dtype) if out.requires_grad else ()):
        start = wrap(one.reshape(out._array.shape))
        (g,) = grad(out, x, start, retain_graph=True, allow_unused=True, materialize_grads=True)
        jacobian[:, j] = g._array.reshape(-1)
    return jacobian


def _numerical(func: Callable[..., Any], inputs: tuple[Any, ...], i: int, o: int, eps: float) -> Any:
    """The same by central differences. The input itself is moved, so that func may look at it by another name."""
    array = inputs[i]._storage()

    def value_at(place: tuple[int, ...], x: float) -> Any:
        before, array[place] = array[place], x
        try:
            with no_grad():
                return np.array(as_tuple(func(*inputs))[o]._array).reshape(-1)
        finally:
            array[place] = before

    places = np.ndindex(array.shape)
    return np.array([(value_at(p, array[p] + eps) - value_at(p, array[p] - eps)) / (2 * eps) for p in places])


def gradgradcheck(func: Callable[..., Any], inputs: Any, grad_outputs: Any = None, **options: Any) -> bool:
    """gradcheck of func's gradient, with its options: whether func's second derivatives are right.

    grad_outputs: the gradients of the outputs with which the first walk starts; random if None.
    (torch.autograd.gradgradcheck)
    """
    inputs = as_tuple(inputs)
    if grad_outputs is None:
        random = np.random.default_rng(0)
        outputs = [out._array for out in as_tuple(func(*inputs)) if _requires_grad(out)]
        starts = [wrap(random.standard_normal(a.shape).astype(a.dtype)).requires_grad_() for a in outputs]
    else:
        starts = list(as_tuple(grad_outputs))

    def gradient(*arguments: Any) -> Any:
        with enable_grad():
            # as nodes of their own, so that what func does to them is differentiated but the leaves are not written to
            xs = [x.view_as(x) if _requires_grad(x) else x for x in arguments[: len(inputs)]]
            outputs, wanted = [out for out in as_tuple(func(*xs)) if _requires_grad(out)], filter(_requires_grad, xs)
            return grad(outputs, [*wanted], arguments[len(inputs) :], create_graph=True, materialize_grads=True)

    return gradcheck(gradient, (*inputs, *starts), **options)
