"""Layers: modules with parameters (Linear, Embedding, BatchNorm1d, LayerNorm), and those that only rearrange or drop.

Parameters are drawn as torch draws them, in its order: weight first, then bias. Next: containers.py, to combine layers.
"""

# mypy: disable-error-code="no-any-return"
from __future__ import annotations

import math
from collections.abc import Sequence
from numbers import Integral
from typing import Any

from ..creation import empty, ones, tensor, zeros
from ..dtypes import dtype as DType
from ..dtypes import int64
from ..ops.shapes import flatten
from ..tensor import Tensor
from . import functional as F
from . import init
from .activations import Applied
from .module import Module, Parameter, UninitializedParameter

__all__ = ["Linear", "LazyLinear", "Identity", "Flatten", "Dropout", "Embedding", "BatchNorm1d", "LayerNorm"]


class Identity(Module):
    """Gives back its input; takes and ignores any arguments."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__()

    def forward(self, input: Tensor) -> Tensor:
        return input


class Linear(Module):
    """input (..., in_features) @ weight.T + bias -> (..., out_features).

    weight (out_features, in_features) and bias (out_features,) start uniform within 1 / sqrt(in_features) of zero.
    """

    _shown = "in_features= out_features= bias="

    def __init__(self, in_features: int, out_features: int, bias: bool = True, device: Any = None,
                 dtype: DType | None = None) -> None:  # fmt: skip
        super().__init__()
        self.in_features, self.out_features = in_features, out_features
        self.weight = Parameter(empty((out_features, in_features), device=device, dtype=dtype))
        self.register_parameter("bias", Parameter(empty(out_features, device=device, dtype=dtype)) if bias else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw weight and bias anew."""
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        if self.bias is not None:
            bound = 1 / math.sqrt(self.in_features) if self.in_features > 0 else 0
            init.uniform_(self.bias, -bound, bound)

    def forward(self, input: Tensor) -> Tensor:
        return F.linear(input, self.weight, self.bias)


class LazyLinear(Linear):
    """A Linear that learns in_features from its first input, draws its parameters then, and becomes a plain Linear."""

    def __init__(self, out_features: int, bias: bool = True, device: Any = None, dtype: DType | None = None) -> None:
        Module.__init__(self)
        self.in_features, self.out_features = 0, out_features
        self.weight = UninitializedParameter(device=device, dtype=dtype)
        self.register_parameter("bias", UninitializedParameter(device=device, dtype=dtype) if bias else None)

    def __call__(self, input: Tensor) -> Any:
        if isinstance(self.weight, UninitializedParameter):  # else a state was loaded
            self.weight.materialize((self.out_features, input.shape[-1]))
            if self.bias is not None:
                self.bias.materialize((self.out_features,))
            self.in_features = input.shape[-1]
            self.reset_parameters()
        self.__class__ = Linear  # type: ignore[assignment]
        self.in_features = self.weight.shape[-1]
        return self(input)


class Flatten(Applied, function=lambda input, start_dim=1, end_dim=-1: flatten(input, start_dim, end_dim)):
    """Joins the dimensions start_dim to end_dim into one: by default all but the batch's."""


class Dropout(Applied, function=F.dropout):
    """In training, an element is zero with probability p and else divided by 1 - p; in evaluation, nothing happens."""

    _shown = "p= inplace="

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        F.dropout(empty(0), self.p)  # ValueError if p is no probability


class Embedding(Module):
    """A table of num_embeddings vectors, looked up by integers: (...) -> (..., embedding_dim).

    weight (num_embeddings, embedding_dim) is drawn from the standard normal distribution; the row padding_idx is zero
    and gets no gradient. NotImplementedError for max_norm, scale_grad_by_freq and sparse.
    """

    _shown = "num_embeddings embedding_dim padding_idx?="

    def __init__(self, num_embeddings: int, embedding_dim: int, padding_idx: int | None = None,
                 max_norm: float | None = None, norm_type: float = 2.0, scale_grad_by_freq: bool = False,
                 sparse: bool = False, _weight: Tensor | None = None, _freeze: bool = False, device: Any = None,
                 dtype: DType | None = None) -> None:  # fmt: skip
        super().__init__()
        self.padding_idx = F.embedding_options(num_embeddings, padding_idx, max_norm, scale_grad_by_freq, sparse)
        self.num_embeddings, self.embedding_dim = shape = num_embeddings, embedding_dim
        if _weight is not None and _weight.shape != shape:
            raise AssertionError("Shape of weight does not match num_embeddings and embedding_dim")
        made = empty(shape, device=device, dtype=dtype) if _weight is None else _weight
        self.weight = Parameter(made, requires_grad=not _freeze)
        if _weight is None:
            self.reset_parameters()

    @classmethod
    def from_pretrained(cls, embeddings: Tensor, freeze: bool = True, padding_idx: int | None = None) -> Embedding:
        """An Embedding with this table (n, d), which is not trained unless `freeze` is False."""
        rows, columns = embeddings.shape
        return cls(rows, columns, padding_idx, _weight=embeddings, _freeze=freeze)

    def reset_parameters(self) -> None:
        """Draw the table anew."""
        init.normal_(self.weight)
        if self.padding_idx is not None:
            self.weight.data[self.padding_idx] = 0

    def forward(self, input: Tensor) -> Tensor:
        return F.embedding(input, self.weight, self.padding_idx)


class _Norm(Module):
    """What normalises, and then multiplies by weight and adds bias, if it has them."""

    def _set_affine(self, shape: Any, weight: bool, bias: bool, **kind: Any) -> None:
        self.register_parameter("weight", Parameter(ones(shape, **kind)) if weight else None)
        self.register_parameter("bias", Parameter(zeros(shape, **kind)) if weight and bias else None)

    def reset_parameters(self) -> None:
        """weight 1 and bias 0."""
        for t, value in ((self.weight, 1), (self.bias, 0)):
            if t is not None:
                init.constant_(t, value)


class BatchNorm1d(_Norm):
    """Normalises each feature of (n, c) or (n, c, length): in training by the batch, in evaluation by running means.

    The running mean and variance move by `momentum` at each batch (None: the plain mean of all batches so far).
    """

    _version = 2  # 1 had no num_batches_tracked
    _shown = "num_features eps= momentum= affine= bias= track_running_stats="

    def __init__(self, num_features: int, eps: float = 1e-5, momentum: float | None = 0.1, affine: bool = True,
                 track_running_stats: bool = True, device: Any = None, dtype: DType | None = None, *,
                 bias: bool = True) -> None:  # fmt: skip
        super().__init__()
        kind = {"device": device, "dtype": dtype}
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self.affine, self.track_running_stats = affine, track_running_stats
        self._set_affine(num_features, affine, bias, **kind)
        self.register_buffer("running_mean", zeros(num_features, **kind) if track_running_stats else None)
        self.register_buffer("running_var", ones(num_features, **kind) if track_running_stats else None)
        self.register_buffer("num_batches_tracked", tensor(0, dtype=int64) if track_running_stats else None)

    def reset_running_stats(self) -> None:
        """Mean 0, variance 1, and no batches seen."""
        if self.track_running_stats:
            self.running_mean.zero_()
            self.running_var.fill_(1)
            self.num_batches_tracked.zero_()

    def reset_parameters(self) -> None:
        """weight 1, bias 0, and no batches seen."""
        self.reset_running_stats()
        super().reset_parameters()

    def _load_from_state_dict(self, state_dict: Any, prefix: str, local_metadata: Any, *rest: Any) -> None:
        key = prefix + "num_batches_tracked"
        if local_metadata.get("version", 1) < 2 and self.track_running_stats and key not in state_dict:
            count = self.num_batches_tracked
            state_dict[key] = tensor(0) if count is None else count
        super()._load_from_state_dict(state_dict, prefix, local_metadata, *rest)

    def forward(self, input: Tensor) -> Tensor:
        if input.ndim not in (2, 3):
            raise ValueError(f"expected 2D or 3D input (got {input.ndim}D input)")
        momentum, mean, var = self.momentum, self.running_mean, self.running_var
        training = self.training or (mean is None and var is None)
        if self.training and self.track_running_stats and self.num_batches_tracked is not None:
            self.num_batches_tracked.add_(1)
            momentum = 1 / self.num_batches_tracked.item() if momentum is None else momentum
        if self.training and not self.track_running_stats:
            mean = var = None
        momentum = 0.0 if momentum is None else momentum
        return F.batch_norm(input, mean, var, self.weight, self.bias, training, momentum, self.eps)


class LayerNorm(_Norm):
    """Normalises each sample over its last dimensions, of shape normalized_shape; then times weight, plus bias."""

    _shown = "normalized_shape eps= elementwise_affine= bias="

    def __init__(self, normalized_shape: int | Sequence[int], eps: float = 1e-5, elementwise_affine: bool = True,
                 bias: bool = True, device: Any = None, dtype: DType | None = None) -> None:  # fmt: skip
        super().__init__()
        self.normalized_shape = (normalized_shape,) if isinstance(normalized_shape, int | Integral) else tuple(normalized_shape)
        self.eps, self.elementwise_affine = eps, elementwise_affine
        self._set_affine(self.normalized_shape, elementwise_affine, bias, device=device, dtype=dtype)

    def forward(self, input: Tensor) -> Tensor:
        return F.layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)
