"""Weight decay: 20 points, 60 inputs of which one counts; the penalty by hand, of SGD, and apart as in AdamW."""

import torch
from torch import nn

torch.manual_seed(12)
n_train, n_test, n_inputs = 20, 100, 60
true_w = torch.zeros(n_inputs, 1)
true_w[0] = 1.0
x = torch.randn(n_train + n_test, n_inputs)
y = x @ true_w + 0.05 + 0.1 * torch.randn(n_train + n_test, 1)
train_x, test_x = x[:n_train], x[n_train:]
train_y, test_y = y[:n_train], y[n_train:]
start = torch.randn(n_inputs, 1) * 0.3


def report(name, w, b):
    with torch.no_grad():
        train = ((train_x @ w + b - train_y) ** 2).mean().item()
        test = ((test_x @ w + b - test_y) ** 2).mean().item()
    print(f"{name:12s} train {train:.4f}  test {test:.4f}  |w| {w.norm().item():.4f}")


def by_hand(penalty, epochs=100, lr=0.02):
    w, b = start.clone().requires_grad_(), torch.zeros(1, requires_grad=True)
    for _ in range(epochs):
        loss = ((train_x @ w + b - train_y) ** 2).mean() + penalty / 2 * (w**2).sum()
        loss.backward()
        with torch.no_grad():
            for p in (w, b):
                p -= lr * p.grad
                p.grad.zero_()
    report(f"by hand {penalty}", w, b)
    return w.detach()


def with_optimizer(name, optimizer_class, **options):
    net = nn.Linear(n_inputs, 1)
    with torch.no_grad():
        net.weight.copy_(start.T)
        net.bias.zero_()
    decayed, free = {"params": [net.weight], "weight_decay": 1.0}, {"params": [net.bias], "weight_decay": 0.0}
    optimizer = optimizer_class([decayed, free], **options)
    for _ in range(100):
        optimizer.zero_grad()
        nn.functional.mse_loss(net(train_x), train_y).backward()
        optimizer.step()
    report(name, net.weight.T, net.bias)
    return net.weight.detach().T


by_hand(0.0)
difference = by_hand(1.0) - with_optimizer("SGD", torch.optim.SGD, lr=0.02)
print(f"by hand and SGD are {difference.abs().max().item():.4f} apart")
del difference
with_optimizer("Adam", torch.optim.Adam, lr=0.02)
with_optimizer("AdamW", torch.optim.AdamW, lr=0.02)
