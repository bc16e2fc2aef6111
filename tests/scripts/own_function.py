"""Derivatives of one's own: a ReLU, a product of three and a rounding that lets gradients through, checked."""

import torch
from torch.autograd import Function, gradcheck


class MyReLU(Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.clamp(min=0)

    @staticmethod
    def backward(ctx, grad_output):
        (x,) = ctx.saved_tensors
        return grad_output * (x > 0)


class Weighted(Function):
    @staticmethod
    def forward(ctx, x, w, scale):
        ctx.save_for_backward(x, w)
        ctx.scale = scale
        return x * w * scale

    @staticmethod
    def backward(ctx, grad_output):
        x, w = ctx.saved_tensors
        print("needs", ctx.needs_input_grad)
        grad_x = grad_output * w * ctx.scale if ctx.needs_input_grad[0] else None
        return grad_x, grad_output * x * ctx.scale, None


class Round(Function):
    forward = staticmethod(lambda ctx, x: x.round())
    backward = staticmethod(lambda ctx, grad_output: grad_output)  # as if it were the identity


torch.manual_seed(4)
x = torch.randn(6, requires_grad=True)
y = MyReLU.apply(x)
y.pow(2).sum().backward()
print(y, x.grad, y.grad_fn.name(), sep="\n")
print("gradcheck", gradcheck(MyReLU.apply, torch.randn(5, dtype=torch.float64, requires_grad=True)))

w = torch.tensor([0.5, -1.0, 2.0], requires_grad=True)
out = Weighted.apply(torch.tensor([1.0, 2.0, 3.0]), w, 10.0)
out.sum().backward()
print(out, w.grad)

latent = torch.tensor([0.2, 1.7, -0.6, 2.4], requires_grad=True)
for step in range(20):
    loss = (Round.apply(latent) - torch.tensor([1.0, 1.0, 1.0, 1.0])).pow(2).sum()
    (gradient,) = torch.autograd.grad(loss, latent)
    latent.data -= 0.1 * gradient
    if step % 5 == 0:
        print(f"step {step:2d}  loss {loss.item():.4f}  latent {[f'{v:.4f}' for v in latent.tolist()]}")
