"""Two half moons told apart by a network of two layers."""

import torch
from torch import nn

torch.manual_seed(0)


def moons(n, noise=0.1):
    angle = torch.rand(n) * torch.pi
    upper = torch.stack([torch.cos(angle), torch.sin(angle)], dim=1)
    lower = torch.stack([1 - torch.cos(angle), 0.5 - torch.sin(angle)], dim=1)
    points = torch.cat([upper, lower])
    labels = torch.cat([torch.zeros(n), torch.ones(n)])
    return points + noise * torch.randn(2 * n, 2), labels


class MLP(nn.Module):
    def __init__(self, hidden):
        super().__init__()
        self.hidden = nn.Linear(2, hidden)
        self.out = nn.Linear(hidden, 1)

    def forward(self, x):
        return self.out(torch.relu(self.hidden(x))).squeeze(1)


x, y = moons(100)
x_test, y_test = moons(50)
model = MLP(16)
print(model)
print("parameters:", sum(p.numel() for p in model.parameters()))
loss_fn = nn.BCEWithLogitsLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=0.05)

for epoch in range(1, 61):
    loss = loss_fn(model(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if epoch % 10 == 0:
        with torch.no_grad():
            accuracy = ((model(x_test) > 0) == (y_test == 1)).float().mean()
        print(f"epoch {epoch:2d}  loss {loss.item():.4f}  test accuracy {accuracy.item():.4f}")

with torch.no_grad():
    grid_x, grid_y = torch.meshgrid(torch.linspace(-1, 2, 4), torch.linspace(-0.5, 1, 4), indexing="ij")
    corners = torch.stack([grid_x.flatten(), grid_y.flatten()], dim=1)
    print(torch.sigmoid(model(corners)).reshape(4, 4))
