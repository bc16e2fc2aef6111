"""Whole Jacobians and Hessians of a function, and their products with vectors (torch.autograd.functional).

A backward walk gives v^T J for one v. A Jacobian takes one walk for each element of the output. J v needs no other engine:
u -> u^T J is linear in u, and its own derivative, pulled back by v, is J v (the "double backward trick").

Inputs, outputs and vectors are tensors or tuples of tensors. With create_graph the results can be differentiated further.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..ops.shapes import reshape, stack
from . import graph
from .graph import wrap
from .modes import enable_grad
from .walk import grad


def vjp(func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False) -> Any:
    """(func(*inputs), v^T J): v has the shapes of the outputs, the products those of the inputs.

    v may be None for an output of one element. RuntimeError if it does not fit.
    """
    with enable_grad():
        xs = _own(inputs, create_graph)
        outputs = func(*xs)
        products = _pulled(_tuple(outputs), xs, _fitting(v, _tuple(outputs)), create_graph)
    return _returned(_tuple(outputs), outputs, create_graph), _returned(products, inputs, create_graph)


def jvp(func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False) -> Any:
    """(func(*inputs), J v): v has the shapes of the inputs, the products those of the outputs. Otherwise as `vjp`."""
    with enable_grad():
        xs = _own(inputs, create_graph)
        starts, outputs = _fitting(v, xs), func(*xs)
        us = tuple([wrap(np.zeros_like(out._array)).requires_grad_() for out in _tuple(outputs)])
        products = _pulled(_pulled(_tuple(outputs), xs, us, True), us, starts, create_graph)
    return _returned(_tuple(outputs), outputs, create_graph), _returned(products, outputs, create_graph)


def jacobian(func: Callable[..., Any], inputs: Any, create_graph: bool = False, *, vectorize: bool = False) -> Any:
    """The Jacobian: of shape output.shape + input.shape for one output and one input, else tuples, by output, then input.

    vectorize is accepted and changes nothing.
    """
    with enable_grad():
        xs = _own(inputs, create_graph)
        outputs, matrices = func(*xs), []
        for out in _tuple(outputs):
            rows = [_pulled((element,), xs, (None,), create_graph) for element in reshape(out, -1)]
            row = [reshape(stack(column), *out.shape, *x.shape) for x, column in zip(xs, zip(*rows))]
            matrices.append(_returned(tuple(row), inputs, create_graph))
    return matrices[0] if isinstance(outputs, graph.Tensor) else tuple(matrices)


def hessian(func: Callable[..., Any], inputs: Any, create_graph: bool = False, *, vectorize: bool = False) -> Any:
    """The second derivatives of a func that returns one element: of shape input.shape + input.shape, or tuples of tuples."""

    def gradient(*xs: Any) -> Any:
        (out,) = _tuple(func(*xs))
        if out._array.size != 1:
            raise RuntimeError("The Tensor returned by the function given to hessian should contain a single element")
        return _returned(_pulled((reshape(out),), xs, (None,), True), inputs, True)

    return jacobian(gradient, inputs, create_graph)


def _tuple(value: Any) -> tuple[Any, ...]:
    several = value if isinstance(value, tuple) else (value,)
    for x in several:
        if not isinstance(x, graph.Tensor):
            raise TypeError(f"inputs, outputs and v must be either a Tensor or a tuple of Tensors, not of {type(x)}")
    return several


def _own(inputs: Any, create_graph: bool) -> tuple[Any, ...]:
    """The inputs as tensors that require grad and that func may use as it likes; with create_graph, with their history."""
    tensors = _tuple(inputs)
    return tuple([x.view_as(x) if create_graph and x.requires_grad else x.detach().requires_grad_() for x in tensors])


def _fitting(v: Any, like: tuple[Any, ...]) -> tuple[Any, ...]:
    """v as a tuple of vectors of these shapes."""
    if v is None and [x._array.size for x in like] == [1]:
        return (wrap(np.ones_like(like[0]._array)),)
    if v is None:
        raise RuntimeError("v can only be None for a single Tensor with a single element.")
    for vector, x in zip(_tuple(v), like, strict=True):
        if vector.shape != x.shape:
            raise RuntimeError(f"v has invalid size: should be {x.shape} but got {vector.shape}.")
    return _tuple(v)


def _pulled(outputs: Any, xs: Any, starts: Any, create_graph: bool) -> tuple[Any, ...]:
    """The gradients in xs of the outputs, each started with its vector; zeros if there are none."""
    live = [(out, start) for out, start in zip(outputs, starts) if out.requires_grad]
    if not live:
        return tuple([wrap(np.zeros_like(x._array)) for x in xs])
    roots, gradients = zip(*live)
    return grad(roots, xs, gradients, retain_graph=True, create_graph=create_graph, materialize_grads=True)


def _returned(tensors: tuple[Any, ...], like: Any, create_graph: bool) -> Any:
    """As the caller gave the like: one tensor or a tuple; without a graph unless it was asked for."""
    results = tensors if create_graph else tuple([t.detach() for t in tensors])
    return results[0] if isinstance(like, graph.Tensor) else results
