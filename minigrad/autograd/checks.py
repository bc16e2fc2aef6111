"""What the walk looks at besides gradients: overwritten values, hooks, nan; and what may be assigned to `.grad`.

walk.py calls these where a node was freed, where a write in place came after it, where someone registered a hook, and in
anomaly mode. The texts are torch's.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from . import graph
from .graph import AccumulateGrad, Node, wrap
from .modes import anomaly, recording

UNUSED = (
    "The differentiated Tensor at index {} appears to not have been used in the graph. Set allow_unused=True if this is the "
    "desired behavior."
)
SECOND_TIME = (
    "Trying to backward through the graph a second time (or directly access saved tensors after they have already been "
    "freed). Saved intermediate values of the graph are freed when you call .backward() or autograd.grad(). Specify "
    "retain_graph=True if you need to backward through the graph a second time or if you need to access saved tensors "
    "after calling backward."
)
GRADIENT_CYCLE = (
    "Using backward() with create_graph=True will create a reference cycle between the parameter and its gradient which can "
    "cause a memory leak. We recommend using autograd.grad when creating the graph to avoid this. If you have to use this "
    "function, make sure to reset the .grad fields of your parameters to None after use to break the cycle and avoid the leak."
)

def check_assigned(tensor: Any, value: Any) -> None:
    """TypeError or RuntimeError for a value that can't be the `.grad` of a tensor."""
    if not isinstance(value, graph.Tensor):
        raise TypeError(f"assigned grad expected to be a Tensor or None but got grad of type {type(value).__name__}")
    if value is tensor:
        raise RuntimeError("can't assign Variable as its own grad")
    if value._array.shape != tensor._array.shape:
        raise RuntimeError(
            f"attempting to assign a gradient of size '{list(value.shape)}' to a tensor of size '{list(tensor.shape)}'. "
            "Please ensure that the gradient and the tensor are the same size"
        )
    if value.dtype is not tensor.dtype:
        raise RuntimeError(
            f"attempting to assign a gradient with dtype '{value.dtype.legacy.lower()}' to a tensor with grad_dtype "
            f"'{tensor.dtype.legacy}'. The gradient must match the tensor's grad_dtype (defaults to the tensor's dtype)."
        )


def check_versions(node: Node) -> None:
    """RuntimeError if a saved value was written over since it was saved."""
    for value, version in zip(node.saved, node.versions):  # `saved` begins with the tensors, and only they have versions
        if value._counter is None:  # neither written to nor detached
            continue
        if value._counter[0] != version:
            raise _overwritten(node, value, version)
        if node.number < value._detached:
            raise RuntimeError(
                "Trying to use a saved tensor that has been detached in-place, i.e. with .detach_(). This is not supported, please "
                "use out-of-place `.detach()` instead"
            )


def _overwritten(node: Node, tensor: Any, expected: int) -> RuntimeError:
    maker = node if tensor._node is None and "out" in node.keeps else tensor._node
    named = maker.name().removesuffix("0").removesuffix("Backward") if maker is not None and maker.parents else ""
    return RuntimeError(
        "one of the variables needed for gradient computation has been modified by an inplace operation: "
        f"[{graph.Tensor.type(tensor)} {list(tensor._array.shape)}]"
        + (f", which is output 0 of {named}," if named else "")
        + f" is at version {tensor._writes[0]}; expected version {expected} instead (needed by {node.name()}). Hint: enable "
        "anomaly detection to find the operation that failed to compute its gradient, with "
        "torch.autograd.set_detect_anomaly(True, check_nan=False)."
    )


def apart_from_held(found: dict[Any, Any], given: list[Any]) -> dict[Any, Any]:
    """The gradients found, as copies if a gradient that was given to backward is the `.grad` of a leaf, soon written to."""
    leaves = [node.variable for node in found if type(node) is AccumulateGrad]
    held = [leaf._grad._array for leaf in leaves if leaf is not None and leaf._grad is not None]
    if any([np.may_share_memory(a, g) for a in held for g in given]):
        return {node: np.array(g) for node, g in found.items()}
    return found


def refuse_moved(leaf: Any, node: Node) -> None:
    """RuntimeError if a gradient comes to a node that is no more that of its leaf, unless the leaf just asks for none now."""
    if leaf.grad_fn is not None:
        raise RuntimeError("leaf variable has been moved into the graph interior")
    if leaf._leaf_node is not node:
        raise RuntimeError(
            f"the gradient of a leaf has shape {list(node.shape)} and dtype {node.dtype}, but the leaf has shape "
            f"{list(leaf._array.shape)} and dtype {leaf._array.dtype} since the graph was recorded; compute the result again before "
            "backward"
        )


def run_hooks(extra: Any, g: Any, traced: bool) -> Any:
    """The gradient as the hooks leave it; retained by the tensor that asked for it."""
    if extra.hooks:
        tensor = g.clone() if traced else wrap(np.array(g))  # a hook may write to it, and it may be another parent's too
        for hook in list(extra.hooks.values()):
            with recording(traced):
                result = hook(tensor)
            if result is None:
                continue
            if not isinstance(result, graph.Tensor):
                raise TypeError(f"expected Variable, but hook returned '{type(result).__name__}'")
            if result.shape != tensor.shape:
                raise RuntimeError(f"hook '{getattr(hook, '__name__', hook)}' has changed the size of value")
            if result.dtype is not tensor.dtype:
                raise RuntimeError(f"hook '{getattr(hook, '__name__', hook)}' has changed the type of value")
            tensor = result
        g = tensor if traced else tensor._array
    keeper = extra.retains and extra.retains()
    if keeper is not None:
        kept = g.clone() if traced else wrap(np.array(g))
        keeper._grad = kept if keeper._grad is None else keeper._grad + kept
    return g


def refuse_nan(node: Node, flow: Any) -> None:
    if not anomaly.check_nan:
        return
    for i, parent in enumerate(node.parents):
        for target, g in flow:
            if target is parent and np.isnan(np.asarray(getattr(g, "_array", g))).any():
                trace = "".join(node.extra.trace) if node.extra and node.extra.trace else "(recorded outside anomaly mode)\n"
                warnings.warn(
                    f"Error detected in {node.name()}. Traceback of forward call that caused the error:\n{trace}", stacklevel=4
                )
                raise RuntimeError(f"Function '{node.name()}' returned nan values in its {i}th output.")
