"""A learner's engine in sixty lines, as an example of what the checker can drive (see `parity.engines`).

    python -m parity ops --engine tests.parity.toy

Only `Tensor(array)`, a few operators, `sum`, `backward()` and `.grad`: what it lacks is reported as not offered.
"""

import numpy as np


class Tensor:
    def __init__(self, data, parents=()):
        self.data, self.parents, self.grad = np.asarray(data), parents, None

    def __add__(self, other):
        other = lift(other, self)
        return Tensor(self.data + other.data, ((self, lambda g: g), (other, lambda g: g)))

    def __mul__(self, other):
        other = lift(other, self)
        return Tensor(self.data * other.data, ((self, lambda g: g * other.data), (other, lambda g: g * self.data)))

    def __matmul__(self, other):
        if self.data.ndim != 2 or other.data.ndim != 2:
            raise NotImplementedError("only matrices")
        return Tensor(self.data @ other.data, ((self, lambda g: g @ other.data.T), (other, lambda g: self.data.T @ g)))

    def sum(self):
        return Tensor(self.data.sum(), ((self, lambda g: np.broadcast_to(g, self.data.shape)),))

    __radd__, __rmul__ = __add__, __mul__

    def backward(self):
        order, seen, stack = [], set(), [(self, False)]
        while stack:
            node, done = stack.pop()
            if done:
                order.append(node)
            elif id(node) not in seen:
                seen.add(id(node))
                stack.append((node, True))
                stack.extend((parent, False) for parent, _ in node.parents)
        grads = {id(self): np.ones_like(self.data)}
        for node in reversed(order):
            g = grads.pop(id(node))
            if not node.parents:
                node.grad = Tensor(g if node.grad is None else node.grad.data + g)
            for parent, rule in node.parents:
                arriving = fold(rule(g), parent.data)
                grads[id(parent)] = grads[id(parent)] + arriving if id(parent) in grads else arriving


def lift(value, like):
    return value if isinstance(value, Tensor) else Tensor(np.asarray(value, like.data.dtype))


def fold(g, like):
    """Sums a gradient down to the shape that was broadcast."""
    g = np.asarray(g)
    g = g.sum(axis=tuple(range(g.ndim - like.ndim)))
    g = g.sum(axis=tuple(i for i, n in enumerate(like.shape) if n == 1 and g.shape[i] != 1), keepdims=True)
    return g.astype(like.dtype)
