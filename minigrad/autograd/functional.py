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

OUTPUTS = "outputs of the user-provided function"


def vjp(func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False) -> Any:
    """(func(*inputs), v^T J): v has the shapes of the outputs, the products those of the inputs.

    v may be None for an output of one element. RuntimeError if it does not fit.
    """
    with enable_grad():
        xs = _own(inputs, "vjp", create_graph)
        result = func(*xs)
        outputs = _tuple(result, OUTPUTS, "vjp")
        products = _pulled(outputs, xs, _fitting(v, outputs, "vjp", "the user-provided function returns"), create_graph)
    return _returned(outputs, result, create_graph), _returned(products, inputs, create_graph)


def jvp(func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False) -> Any:
    """(func(*inputs), J v): v has the shapes of the inputs, the products those of the outputs. Otherwise as `vjp`."""
    with enable_grad():
        xs = _own(inputs, "jvp", create_graph)
        vectors = _fitting(v, xs, "jvp", "the input to the user-provided function is")
        result = func(*xs)
        outputs = _tuple(result, OUTPUTS, "jvp")
        us = tuple([wrap(np.zeros_like(out._array)).requires_grad_() for out in outputs])
        products = _pulled(_pulled(outputs, xs, us, True), us, vectors, create_graph)
    return _returned(outputs, result, create_graph), _returned(products, result, create_graph)


def jacobian(func: Callable[..., Any], inputs: Any, create_graph: bool = False, *, vectorize: bool = False) -> Any:
    """The Jacobian: of shape output.shape + input.shape for one output and one input, else tuples, by output, then input.

    vectorize is accepted and changes nothing.
    """
    with enable_grad():
        xs, matrices = _own(inputs, "jacobian", create_graph), []
        result = func(*xs)
        for out in _tuple(result, OUTPUTS, "jacobian"):
            rows = [_pulled((element,), xs, (None,), create_graph) for element in reshape(out, -1)]
            row = [reshape(stack(column), *out.shape, *x.shape) for x, column in zip(xs, zip(*rows))]
            matrices.append(_returned(tuple(row), inputs, create_graph))
    return matrices[0] if isinstance(result, graph.Tensor) else tuple(matrices)


def hessian(func: Callable[..., Any], inputs: Any, create_graph: bool = False, *, vectorize: bool = False) -> Any:
    """The second derivatives of a func that returns one element: of shape input.shape + input.shape, or tuples of tuples."""

    def gradient(*xs: Any) -> Any:
        (out,) = _tuple(func(*xs), OUTPUTS, "hessian")
        if out._array.size != 1:
            raise RuntimeError("The Tensor returned by the function given to hessian should contain a single element")
        return _returned(_pulled((reshape(out),), xs, (None,), True), inputs, True)

    return jacobian(gradient, inputs, create_graph)


def _tuple(value: Any, what: str, function: str) -> tuple[Any, ...]:
    several = value if isinstance(value, tuple) else (value,)
    for x in several:
        if not isinstance(x, graph.Tensor):
            raise TypeError(
                f"The {what} given to {function} must be either a Tensor or a tuple of Tensors but the given {what} has type "
                f"{type(x)}."
            )
    return several


def _own(inputs: Any, function: str, create_graph: bool) -> tuple[Any, ...]:
    """The inputs as tensors that require grad and that func may use as it likes; with create_graph, with their history."""
    several = _tuple(inputs, "inputs", function)
    return tuple([x.view_as(x) if create_graph and x.requires_grad else x.detach().requires_grad_() for x in several])


def _fitting(v: Any, like: tuple[Any, ...], function: str, when: str) -> tuple[Any, ...]:
    """v as a tuple of vectors of these shapes."""
    if v is None:
        if [x._array.size for x in like] != [1]:
            raise RuntimeError(f"The vector v can only be None if {when} a single Tensor with a single element.")
        return (wrap(np.ones_like(like[0]._array)),)
    vectors = _tuple(v, "v", function)
    if len(vectors) != len(like):
        raise RuntimeError(f"v is a tuple of invalid length: should be {len(like)} but got {len(vectors)}.")
    for vector, x in zip(vectors, like):
        if vector.shape != x.shape:
            raise RuntimeError(f"v has invalid size: should be {x.shape} but got {vector.shape}.")
    return vectors


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
