"""torch.nn.utils: limiting the size of gradients before an optimizer's step."""

# mypy: disable-error-code="no-any-return"
from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from ..autograd.graph import wrap
from ..tensor import Tensor

__all__ = ["clip_grad_norm_"]


def clip_grad_norm_(parameters: Tensor | Iterable[Tensor], max_norm: float, norm_type: float = 2.0,
                    error_if_nonfinite: bool = False, foreach: bool | None = None) -> Tensor:  # fmt: skip
    """Scale all gradients in place so that the norm of all together is at most max_norm; returns their norm before.

    norm_type is the p of the norm, or inf for the largest absolute value. RuntimeError if the norm is nan or inf and
    `error_if_nonfinite` (Pascanu et al., 2013).
    """
    grads = [p.grad for p in ([parameters] if isinstance(parameters, Tensor) else parameters) if p.grad is not None]
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
