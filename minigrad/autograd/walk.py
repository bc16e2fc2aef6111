"""The backward walk: from the gradient of a result to the gradients of the leaves.

`loss.backward()` comes here. The walk always takes the newest node that has a gradient: whatever used its result was
recorded later and has been handled, so its gradient is complete. It runs the node's rules and adds what they give to the
gradients of the parents. Gradients in flight live in one dictionary inside the walk, never on the nodes; so a graph can be
walked again, and two losses can share nodes. In the end only the leaves' gradients are left, and go into `.grad`.
Next: rules/arithmetic.py, for the rules themselves.
"""

from __future__ import annotations

import threading
import warnings
from heapq import heappop, heappush
from sys import getrefcount
from typing import Any

import numpy as np

from ..ops.indexing import refuse_repeats
from ..rules.shapes import in_order, sum_to_size
from . import checks, graph
from .checks import apart_from_held, check_versions, refuse_moved, refuse_nan, run_hooks
from .graph import AccumulateGrad, Node, source, wrap, writes
from .modes import anomaly, recording


def _references_of_a_variable() -> int:
    array = np.empty(0)
    return getrefcount(array)


ONE_VARIABLE = _references_of_a_variable()  # 2, the variable and the argument, or 1 where Python only lends the argument
accumulating = threading.Lock()  # so that threads that share a leaf lose no gradient


def backward(
    tensors: Any,
    grad_tensors: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    inputs: Any = None,
) -> None:
    """Add the gradients of `tensors` to `.grad` of the leaves that they were computed from (torch.autograd.backward).

    grad_tensors: the gradient of each tensor, of its shape; None stands for 1 and needs a tensor of one element.
    create_graph: record the walk, so that the gradients can be differentiated. retain_graph (default: create_graph): keep
    the saved values for another walk. inputs: only these get gradients.
    RuntimeError for a tensor without a graph, a missing gradient, a graph that was freed or whose values were overwritten.
    """
    roots = as_tuple(tensors)
    targets = None if inputs is None else as_tuple(inputs)
    if targets == ():
        raise RuntimeError("`inputs` argument to `backward` cannot be empty.")
    if create_graph:
        warnings.warn(checks.GRADIENT_CYCLE, stacklevel=3)
    gradients = _root_gradients(roots, as_tuple(grad_tensors, len(roots)), create_graph)
    for t in targets or ():
        t.retain_grad()
    found = walk(roots, gradients, create_graph if retain_graph is None else retain_graph, create_graph, targets)
    found = found if grad_tensors is None or create_graph else apart_from_held(found, gradients)
    while found:
        node, g = found.popitem()
        tensor = node.variable if type(node) is AccumulateGrad else None
        if tensor is None:  # nobody has the leaf any more; or this is no leaf, and its hooks kept the gradient
            continue
        with accumulating:
            held = tensor._grad
            if tensor._node is not node:
                refuse_moved(tensor, node)
            elif create_graph:
                with recording(True):
                    tensor._grad = in_order(g, tensor._array) if held is None else held + g
            elif held is None:  # an array that only this loop knows (popitem), in the leaf's order of memory, need not be copied
                mine = getrefcount(g) == ONE_VARIABLE and g.base is None and g.strides == tensor._array.strides
                tensor._grad = wrap(g if mine else in_order.forward(g, tensor._array))
            else:
                array = held._storage()
                refuse_repeats(array)
                np.add(array, g, array)
                writes.count(held._counter or held._writes)
        if tensor._post_hooks is not None:
            with recording(create_graph):
                for hook in list(tensor._post_hooks.values()):
                    if hook(tensor) is not None:
                        raise RuntimeError("Tensor post accumulate grad hooks should return None.")


def grad(
    outputs: Any,
    inputs: Any,
    grad_outputs: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    only_inputs: bool = True,
    allow_unused: bool | None = None,
    is_grads_batched: bool = False,
    materialize_grads: bool = False,
) -> tuple[Any, ...]:
    """The gradients of the sum of `outputs` (each times its grad_output) with respect to `inputs`; `.grad` stays as it is.

    As torch.autograd.grad: one tensor per input, of its shape and dtype; None for an unused input if allow_unused, zeros
    if materialize_grads. RuntimeError for an input that does not require grad or, by default, is not used.
    """
    if not only_inputs:
        warnings.warn("only_inputs argument is deprecated and is ignored now (defaults to True)", FutureWarning, stacklevel=2)
    if is_grads_batched:
        raise NotImplementedError("minigrad has no batched gradients: call autograd.grad once for each grad_output")
    roots, targets = as_tuple(outputs), as_tuple(inputs)
    if not targets:
        raise RuntimeError("`inputs` argument to `grad()` cannot be empty.")
    if any(source(t) is None for t in targets):
        raise RuntimeError("One of the differentiated Tensors does not require grad")
    gradients = _root_gradients(roots, as_tuple(grad_outputs, len(roots)), create_graph)
    found = walk(roots, gradients, create_graph if retain_graph is None else retain_graph, create_graph, targets)
    results = []
    for i, t in enumerate(targets):
        g = found.get(source(t))
        if g is not None:
            g = g if create_graph else wrap(np.array(g))
        elif materialize_grads:
            g = wrap(np.zeros(t._array.shape, t._array.dtype))
        elif not allow_unused:
            raise RuntimeError(checks.UNUSED.format(i))
        results.append(g)
    return tuple(results)


def walk(roots: Any, gradients: Any, retain_graph: bool, create_graph: bool, targets: Any = None) -> dict[Any, Any]:
    """Follow the graph from `roots` back to its leaves; the gradient of each leaf, or of each of `targets` that was met.

    The result maps the node of each to an array (a Tensor if create_graph).
    """
    if not create_graph:
        return _follow(roots, gradients, retain_graph, False, targets)
    with recording(True):
        return _follow(roots, gradients, retain_graph, True, targets)


def _follow(roots: Any, gradients: Any, retain_graph: bool, create_graph: bool, targets: Any) -> dict[Any, Any]:
    """`walk`, which has set the mode: over arrays nothing is recorded anyhow, so only hooks and Functions set it.

    For `loss.backward()` targets is None: then read past `captured` and `on_the_way`, which serve `inputs=` and `grad`.
    """
    captured: Any = () if targets is None else {source(t) for t in targets}
    on_the_way = None if targets is None else _leading_to(captured, roots)
    pending: dict[Node, Any] = {}  # the gradients in flight
    newest: list[tuple[int, Node]] = []  # a heap of their nodes
    found: dict[Node, Any] = {}
    flow: Any = [(source(t), g) for t, g in zip(roots, gradients)]
    node: Any = None
    while True:
        if on_the_way is not None:
            flow = [(parent, g) for parent, g in flow if parent in on_the_way]
        for parent, g in flow:
            if g.shape != parent.shape or g.dtype is not parent.dtype:
                g = fit(g, parent, node)
            if parent in pending:
                pending[parent] = pending[parent] + g
            else:
                pending[parent] = g
                if parent.parents:  # else it is a leaf: its gradient stays in `pending`, which is the result
                    heappush(newest, (-parent.number, parent))
        if not newest:
            break
        node = heappop(newest)[1]
        g = pending.pop(node)
        if node in captured:
            found[node] = g  # before its hooks, as in torch, if the walk goes on behind it
        if node.extra is not None:
            g = run_hooks(node.extra, g, create_graph)
        if on_the_way is not None and on_the_way.isdisjoint(node.parents):
            found[node], flow = g, ()  # nobody asked for what lies behind it, so it need not run, nor be freed
            continue
        saved = node.saved
        if saved is None:  # freed by an earlier walk
            raise RuntimeError(checks.SECOND_TIME)
        if node.number < writes.last:  # something was written to in place after this node was recorded
            check_versions(node)
        flow = node.gradients(g, node.saved_tensors() if create_graph else saved, create_graph)
        if anomaly.enabled:
            refuse_nan(node, flow)
        if not retain_graph and node.keeps:
            node.saved = None
    for leaf in pending:
        if leaf.extra is not None:
            pending[leaf] = run_hooks(leaf.extra, pending[leaf], create_graph)
    if targets is None:
        return pending
    return found | {leaf: g for leaf, g in pending.items() if leaf in captured}


def fit(g: Any, like: Any, node: Node | None, index: int = 0) -> Any:
    """g summed over the axes along which its tensor was broadcast, and in its tensor's dtype.

    RuntimeError, naming the node, if g has a shape that broadcasting can't explain: then the node's rule is wrong.
    """
    shape, wanted = g.shape, like.shape
    if shape != wanted:
        extra = len(shape) - len(wanted)
        if shape[extra:] != wanted and (extra < 0 or any([n != m and n != 1 for n, m in zip(wanted, shape[extra:])])):
            raise RuntimeError(
                f"Function {node.name() if node else 'backward'} returned an invalid gradient at index {index} - got "
                f"{list(shape)} but expected shape compatible with {list(wanted)}"
            )
        g = sum_to_size(g, wanted)
    return g._cast(like.dtype) if isinstance(g, graph.Tensor) else g.astype(like.dtype, copy=False)


def _leading_to(targets: set[Any], roots: Any) -> set[Any]:
    """The targets and all nodes under `roots` from which a target can be reached."""
    nodes: set[Node] = set()
    stack = [source(t) for t in roots]
    while stack:
        node = stack.pop()
        if isinstance(node, Node) and node not in nodes:
            nodes.add(node)
            stack.extend(node.parents)
    leading = set(targets)
    for node in sorted(nodes, key=lambda n: n.number):  # parents before children
        if not leading.isdisjoint(node.parents):
            leading.add(node)
    return leading.union([source(roots[0])] if len(roots) == 1 else ())  # the hooks of a single root run in any case, as in torch


def _root_gradients(roots: Any, gradients: Any, create_graph: bool) -> list[Any]:
    """The gradient with which each root starts: as given, or 1 for a root of one element."""
    if len(gradients) != len(roots):
        raise RuntimeError(f"got {len(roots)} tensors and {len(gradients)} gradients")
    starts = []
    for i, (t, g) in enumerate(zip(roots, gradients)):
        if not isinstance(t, graph.Tensor):
            raise TypeError(f"element {i} of tensors must be a Tensor, not {type(t).__name__}")
        if t._base is not None:
            with recording(True):  # so that a view whose base was overwritten shows it
                t._current_node()
        if t._node is None:
            raise RuntimeError(f"element {i} of tensors does not require grad and does not have a grad_fn")
        array = t._array
        if g is None:
            if array.size != 1:
                raise RuntimeError("grad can be implicitly created only for scalar outputs")
            one = array.dtype.type(1) if array.ndim == 0 else np.ones(array.shape, array.dtype)
            starts.append(wrap(one) if create_graph else one)
            continue
        if not isinstance(g, graph.Tensor):
            raise TypeError(f"gradients can be either Tensors or None, but got {type(g).__name__}")
        if g._array.shape != array.shape:
            raise RuntimeError(
                f"Mismatch in shape: grad_output[{i}] has a shape of {g.shape} and output[{i}] has a shape of {t.shape}."
            )
        starts.append(g if create_graph else g._array)
    return starts


def as_tuple(value: Any, length: int = 1) -> tuple[Any, ...]:
    """A tuple of what may be one tensor, None (`length` times) or a sequence."""
    if value is None or isinstance(value, graph.Tensor):
        return (value,) * (length if value is None else 1)
    return tuple(value)
