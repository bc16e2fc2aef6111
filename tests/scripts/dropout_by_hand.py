"""Dropout: what it does to numbers, written out as a layer, and what it does to a network that is too large."""

import torch
from torch import nn

torch.manual_seed(3)
drop = nn.Dropout(0.5)
print("train", drop(torch.ones(10)))
drop.eval()
print("eval ", drop(torch.ones(10)))


class MyDropout(nn.Module):
    def __init__(self, p):
        super().__init__()
        self.p = p

    def forward(self, x):
        if not self.training:
            return x
        mask = (torch.rand_like(x) > self.p).float()
        return mask * x / (1 - self.p)


x = torch.ones(2000, requires_grad=True)
y = MyDropout(0.3)(x)
y.sum().backward()
print(f"mean {y.mean().item():.4f}, dropped {(y == 0).float().mean().item():.4f}, same mask: {torch.equal(x.grad, y)}")


def make_data(n):
    x = torch.randn(n, 10)
    return x, x[:, :1] - 2 * x[:, 1:2] + 0.5 * torch.randn(n, 1)


train_x, train_y = make_data(40)
test_x, test_y = make_data(200)


def train_with(layer):
    torch.manual_seed(5)
    net = nn.Sequential(nn.Linear(10, 64), nn.ReLU(), layer, nn.Linear(64, 1))
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
    for step in range(100):
        net.train()
        loss = nn.functional.mse_loss(net(train_x), train_y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    net.eval()
    with torch.no_grad():
        train_loss = nn.functional.mse_loss(net(train_x), train_y).item()
        test_loss = nn.functional.mse_loss(net(test_x), test_y).item()
    print(f"{type(layer).__name__}: train {train_loss:.4f}, test {test_loss:.4f}")


for layer in (nn.Identity(), nn.Dropout(0.5), MyDropout(0.5)):
    train_with(layer)
