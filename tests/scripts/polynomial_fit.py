"""Polynomials of degree 1, 3 and 12 fitted to a few points of a cubic: too simple, right, too flexible."""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(6)
n_train, n_test = 16, 60
points = 2 * torch.rand(n_train + n_test, 1) - 1
labels = 0.5 - 1.2 * points + 3 * points**3 + 0.3 * torch.randn(n_train + n_test, 1)
features = points ** torch.arange(13)
print(points[:2], features[:2, :5], labels[:2], sep="\n")


def evaluate(net, x, y):
    with torch.no_grad():
        return nn.functional.mse_loss(net(x), y).item()


def fit(degree, epochs=100):
    train_x, test_x = features[:n_train, : degree + 1], features[n_train:, : degree + 1]
    train_y, test_y = labels[:n_train], labels[n_train:]
    net = nn.Linear(degree + 1, 1, bias=False)
    optimizer = torch.optim.Adam(net.parameters(), lr=0.1)
    batches = DataLoader(TensorDataset(train_x, train_y), batch_size=8, shuffle=True)
    for epoch in range(1, epochs + 1):
        for x, y in batches:
            loss = nn.functional.mse_loss(net(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        if epoch in (1, 10, epochs):
            train, test = evaluate(net, train_x, train_y), evaluate(net, test_x, test_y)
            print(f"degree {degree:2d}  epoch {epoch:3d}  train {train:.4f}  test {test:.4f}")
    print("weights", [f"{w:.4f}" for w in net.weight.data.flatten().tolist()])


for degree in (1, 3, 12):
    fit(degree)
