"""Whole Jacobians and Hessians of a function, and their products with vectors (torch.autograd.functional).

A backward walk gives v^T J for one v. A Jacobian takes one walk for each element of the output. J v needs no other engine:
u -> u^T J is linear in u, and its own derivative, pulled back by v, is J v (the "double backward trick").
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

Tensors = Any  # a Tensor or a tuple of Tensors


def vjp(func: Callable[..., Any], inputs: Tensors, v: Tensors = None, create_graph: bool = False, strict: bool = False) -> Any:
    """(func(*inputs), v^T J): v has the shapes of the outputs, the products those of the inputs.

    v may be None for an output of one element. create_graph: both can be differentiated further. strict: RuntimeError, in
    place of zeros, where an output does not depend on an input.
    """
    with enable_grad():
        xs, one_input = _taken(inputs, "vjp", create_graph)
        outputs, one_output = _given(func(*xs), "outputs of the user-provided function", "vjp", strict)
        starts = _vectors(v, outputs, one_output, "v can only be None if the user-provided function returns", "vjp")
        products = _pulled(outputs, xs, starts, create_graph, strict)
    return _as_given(_finished(outputs, create_graph), one_output), _as_given(_finished(products, create_graph), one_input)


def jvp(func: Callable[..., Any], inputs: Tensors, v: Tensors = None, create_graph: bool = False, strict: bool = False) -> Any:
    """(func(*inputs), J v): v has the shapes of the inputs, the products those of the outputs. Otherwise as `vjp`."""
    with enable_grad():
        xs, one_input = _taken(inputs, "jvp", create_graph)
        starts = _vectors(v, xs, one_input, "v can only be None if the input to the user-provided function is", "jvp")
        outputs, one_output = _given(func(*xs), "outputs of the user-provided function", "jvp", strict)
        dummies = tuple([wrap(np.zeros(o._array.shape, o._array.dtype)).requires_grad_() for o in outputs])
        products = _pulled(outputs, xs, dummies, True, strict)
        results = _pulled(products, dummies, starts, create_graph, False)
    return _as_given(_finished(outputs, create_graph), one_output), _as_given(_finished(results, create_graph), one_output)


def jacobian(
    func: Callable[..., Any],
    inputs: Tensors,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    strategy: str = "reverse-mode",
) -> Any:
    """The Jacobian: of shape output.shape + input.shape for one output and one input, else tuples, by output, then input.

    create_graph, strict: as in `vjp`. vectorize is accepted and changes nothing; only strategy "reverse-mode" is offered.
    """
    if strategy != "reverse-mode":
        raise NotImplementedError(f"minigrad offers strategy='reverse-mode', not {strategy!r}")
    with enable_grad():
        xs, one_input = _taken(inputs, "jacobian", create_graph)
        outputs, one_output = _given(func(*xs), "outputs of the user-provided function", "jacobian", strict)
        rows = []
        for i, out in enumerate(outputs):
            pulled = [_pulled((element,), xs, (None,), create_graph, strict, i) for element in reshape(out, -1)]
            rows.append(
                tuple(
                    [
                        reshape(stack(column), *out.shape, *x.shape) if column else wrap(np.zeros(out.shape + x.shape, x._array.dtype))
                        for x, column in zip(xs, zip(*pulled) if pulled else [()] * len(xs))
                    ]
                )
            )
    matrices = [_as_given(_finished(row, create_graph), one_input) for row in rows]
    return _as_given(tuple(matrices), one_output)


def hessian(
    func: Callable[..., Any],
    inputs: Tensors,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    outer_jacobian_strategy: str = "reverse-mode",
) -> Any:
    """The second derivatives of a func that returns one element: of shape input.shape + input.shape, or tuples of tuples."""
    _, one_input = _taken(inputs, "hessian", False)

    def gradient(*xs: Any) -> Any:
        out = func(*xs)
        if not isinstance(out, graph.Tensor):
            raise RuntimeError("The function given to hessian should return a single Tensor")
        if out._array.size != 1:
            raise RuntimeError("The Tensor returned by the function given to hessian should contain a single element")
        return _pulled((reshape(out),), xs, (None,), True, strict)

    result = jacobian(gradient, inputs, create_graph=create_graph, strict=strict, strategy=outer_jacobian_strategy)
    return result[0] if one_input else result


def _taken(inputs: Tensors, function: str, create_graph: bool) -> tuple[tuple[Any, ...], bool]:
    """The inputs as tensors that require grad and that func may use as it likes; and whether there was just one."""
    several = _tuple(inputs, "inputs", function)
    taken = []
    for x in several:
        if create_graph and x.requires_grad:
            taken.append(x.view_as(x))  # results then depend on the caller's own tensor
        else:
            taken.append(x.detach().requires_grad_())
    return tuple(taken), isinstance(inputs, graph.Tensor)


def _given(outputs: Tensors, what: str, function: str, strict: bool) -> tuple[tuple[Any, ...], bool]:
    several = _tuple(outputs, what, function)
    for i, out in enumerate(several):
        if strict and not out.requires_grad:
            raise RuntimeError(
                f"Output {i} of the user-provided function does not require gradients. The outputs must be computed in a "
                "differentiable manner from the input when running in strict mode."
            )
    return several, isinstance(outputs, graph.Tensor)


def _tuple(value: Tensors, what: str, function: str) -> tuple[Any, ...]:
    several = value if isinstance(value, tuple) else (value,)
    for i, x in enumerate(several):
        if not isinstance(x, graph.Tensor):
            if isinstance(value, tuple):
                raise TypeError(
                    f"The {what} given to {function} must be either a Tensor or a tuple of Tensors but the value at index {i} has "
                    f"type {type(x)}."
                )
            raise TypeError(
                f"The {what} given to {function} must be either a Tensor or a tuple of Tensors but the given {what} has type {type(x)}."
            )
    return several


def _vectors(v: Tensors, like: tuple[Any, ...], single: bool, when: str, function: str) -> tuple[Any, ...]:
    if v is None:
        if not single or like[0]._array.size != 1:
            raise RuntimeError(f"The vector {when} a single Tensor with a single element.")
        return (wrap(np.ones(like[0]._array.shape, like[0]._array.dtype)),)
    vectors = _tuple(v, "v", function)
    if len(vectors) != len(like):
        raise RuntimeError(f"v is a tuple of invalid length: should be {len(like)} but got {len(vectors)}.")
    for i, (vector, x) in enumerate(zip(vectors, like)):
        if vector.shape != x.shape:
            entry = f"Entry {i} in " if len(like) > 1 else ""
            raise RuntimeError(f"{entry}v has invalid size: should be {x.shape} but got {vector.shape}.")
    return vectors


def _pulled(outputs: Any, xs: Any, starts: Any, create_graph: bool, strict: bool, number: int = 0) -> tuple[Any, ...]:
    """The gradients in xs of the outputs, each started with its vector; zeros, or in strict mode an error, if there are none."""
    live = [(out, start) for out, start in zip(outputs, starts) if out.requires_grad]
    if not live:
        return tuple([wrap(np.zeros(x._array.shape, x._array.dtype)) for x in xs])
    results = grad(
        [out for out, _ in live], xs, [start for _, start in live], retain_graph=True, create_graph=create_graph, allow_unused=True
    )
    for i, result in enumerate(results):
        if result is None and strict:
            raise RuntimeError(
                f"Output {number} of the user-provided function is independent of input {i}. This is not allowed in strict mode."
            )
    return tuple([wrap(np.zeros(x._array.shape, x._array.dtype)) if r is None else r for r, x in zip(results, xs)])


def _finished(tensors: tuple[Any, ...], create_graph: bool) -> tuple[Any, ...]:
    return tensors if create_graph else tuple([t.detach() for t in tensors])


def _as_given(tensors: tuple[Any, ...], one: bool) -> Any:
    return tensors[0] if one else tensors
