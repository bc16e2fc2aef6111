"""Schedules of the learning rate: what they give epoch by epoch, and what they do to a noisy descent."""

import math

import torch
from torch.optim.lr_scheduler import CosineAnnealingLR, ExponentialLR, LambdaLR, MultiStepLR, ReduceLROnPlateau, StepLR

schedules = {
    "step": lambda o: StepLR(o, step_size=4, gamma=0.3),
    "multi-step": lambda o: MultiStepLR(o, milestones=[3, 9], gamma=0.1),
    "exponential": lambda o: ExponentialLR(o, gamma=0.8),
    "cosine": lambda o: CosineAnnealingLR(o, T_max=12, eta_min=0.01),
    "warm-up": lambda o: LambdaLR(o, lambda epoch: min(1, (epoch + 1) / 4) * 0.9**epoch),
}
torch.manual_seed(10)
x = torch.randn(120, 2)
y = x @ torch.tensor([1.5, -0.7]) + 0.5 * torch.randn(120)


def train(name, make_scheduler):
    torch.manual_seed(0)  # every schedule sees the same batches
    w = torch.zeros(2, requires_grad=True)
    optimizer = torch.optim.SGD([w], lr=0.5)
    scheduler = make_scheduler(optimizer)
    rates = []
    for epoch in range(12):
        for batch in torch.randperm(120).split(10):
            optimizer.zero_grad()
            loss = ((x[batch] @ w - y[batch]) ** 2).mean()
            loss.backward()
            optimizer.step()
        rates.append(optimizer.param_groups[0]["lr"])
        scheduler.step()
    print(f"{name}: w = ({w[0].item():.4f}, {w[1].item():.4f})", *[f"{r:.4f}" for r in rates])


train("constant", lambda o: LambdaLR(o, lambda epoch: 1))
for name, make_scheduler in schedules.items():
    train(name, make_scheduler)

parameter = torch.nn.Parameter(torch.tensor(3.0))
optimizer = torch.optim.SGD([parameter], lr=0.9)
scheduler = ReduceLROnPlateau(optimizer, factor=0.5, patience=1)
for epoch in range(10):
    optimizer.zero_grad()
    loss = parameter.abs() + 0.1 * math.sin(epoch)
    loss.backward()
    optimizer.step()
    scheduler.step(loss.item())
    print(f"epoch {epoch}  loss {loss.item():.4f}  lr {optimizer.param_groups[0]['lr']:.4f}")
