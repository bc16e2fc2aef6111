"""torch.nn.utils: limiting the size of gradients before an optimizer's step; all parameters as one vector."""

# mypy: disable-error-code="no-any-return"
from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from ..autograd.graph import wrap
from ..ops.shapes import cat
from ..tensor import Tensor
from .module import typename

__all__ = ["clip_grad_norm_", "clip_grad_value_", "parameters_to_vector", "vector_to_parameters"]


def clip_grad_norm_(parameters: Tensor | Iterable[Tensor], max_norm: float, norm_type: float = 2.0,
                    error_if_nonfinite: bool = False, foreach: bool | None = None) -> Tensor:  # fmt: skip
    """Scale all gradients in place so that the norm of all together is at most max_norm; returns their norm before.

    norm_type is the p of the norm, or inf for the largest absolute value. RuntimeError if the norm is nan or inf and
    `error_if_nonfinite` (Pascanu et al., 2013).
    """
    grads, max_norm, norm_type = _gradients(parameters), float(max_norm), float(norm_type)
    if not grads:
        return wrap(np.zeros((), np.float32))
    norms = np.array([np.linalg.norm(g._array.reshape(-1), norm_type) for g in grads])
    total = np.asarray(np.linalg.norm(norms, norm_type), norms.dtype)
    if error_if_nonfinite and not np.isfinite(total):
        raise RuntimeError(
            f"The total norm of order {norm_type} for gradients from `parameters` is non-finite, so it cannot be "
            "clipped. To disable this error and scale the gradients by the non-finite norm anyway, set "
            "`error_if_nonfinite=False`"
        )
    factor = np.minimum(max_norm / (total + 1e-6), 1.0)
    for grad in grads:
        with grad.detach()._write() as array:
            array *= factor
    return wrap(total)


def clip_grad_value_(parameters: Tensor | Iterable[Tensor], clip_value: float, foreach: bool | None = None) -> None:
    """Limit every element of the gradients, in place, to between -clip_value and clip_value."""
    clip_value = float(clip_value)
    for grad in _gradients(parameters):
        with grad.detach()._write() as array:
            np.clip(array, -clip_value, clip_value, array)


def _gradients(parameters: Tensor | Iterable[Tensor]) -> list[Tensor]:
    return [p.grad for p in ([parameters] if isinstance(parameters, Tensor) else parameters) if p.grad is not None]


def parameters_to_vector(parameters: Iterable[Tensor]) -> Tensor:
    """One vector of the elements of all parameters, in their order."""
    return cat([parameter.view(-1) for parameter in parameters])


def vector_to_parameters(vec: Tensor, parameters: Iterable[Tensor]) -> None:
    """Make the parameters views of parts of `vec`, in their order."""
    if not isinstance(vec, Tensor):
        raise TypeError(f"expected torch.Tensor, but got: {typename(vec)}")
    start = 0
    for parameter in parameters:
        parameter.data = vec[start : (start := start + parameter.numel())].view_as(parameter).data
