"""torch.nn.utils: limiting the size of gradients before an optimizer's step."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from ..tensor import Tensor, wrap

__all__ = ["clip_grad_norm_", "clip_grad_value_"]


def clip_grad_norm_(
    parameters: Tensor | Iterable[Tensor],
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """Scale all gradients in place so that the norm of all of them together is at most max_norm; returns their norm before.

    norm_type is the p of the norm, or inf for the largest absolute value. RuntimeError if the norm is nan or inf and
    `error_if_nonfinite` (Pascanu et al., 2013).
    """
    grads = [p.grad for p in ([parameters] if isinstance(parameters, Tensor) else parameters) if p.grad is not None]
    norms = [np.linalg.norm(g._array.reshape(-1), norm_type) for g in grads]
    total = np.asarray(np.linalg.norm(np.array(norms), norm_type) if norms else 0.0, norms[0].dtype if norms else np.float32)
    if error_if_nonfinite and not np.isfinite(total):
        raise RuntimeError(
            f"The total norm of order {norm_type} for gradients from `parameters` is non-finite, so it cannot be clipped. To "
            "disable this error and scale the gradients by the non-finite norm anyway, set `error_if_nonfinite=False`"
        )
    factor = np.minimum(max_norm / (total + 1e-6), 1.0)
    for grad in grads:
        with grad.detach()._write() as array:
            array *= factor
    return wrap(total)  # type: ignore[no-any-return]


def clip_grad_value_(parameters: Tensor | Iterable[Tensor], clip_value: float, foreach: bool | None = None) -> None:
    """Clamp every gradient in place to [-clip_value, clip_value]."""
    for parameter in [parameters] if isinstance(parameters, Tensor) else parameters:
        if parameter.grad is not None:
            with parameter.grad.detach()._write() as array:
                np.clip(array, -clip_value, clip_value, out=array)
