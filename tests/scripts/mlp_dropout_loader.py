"""A small classifier with dropout, trained for three epochs from a loader that shuffles: every draw of torch in one
place."""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split

torch.manual_seed(2024)
points = torch.randn(260, 2)
labels = ((points**2).sum(1) > 1.4).long()
train, test = random_split(TensorDataset(points, labels), [200, 60])
model = nn.Sequential(
    nn.Linear(2, 32), nn.ReLU(), nn.Dropout(0.2), nn.Linear(32, 16), nn.Tanh(), nn.Dropout(0.1), nn.Linear(16, 2)
)
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)

for epoch in range(3):
    model.train()
    total = 0.0
    for x, y in DataLoader(train, batch_size=32, shuffle=True):
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()
        total += loss.item() * len(x)
        print(f"  batch loss {loss.item():.4f}")
    model.eval()
    with torch.no_grad():
        right = sum((model(x).argmax(1) == y).sum().item() for x, y in DataLoader(test, batch_size=60))
    print(f"epoch {epoch + 1}: loss {total / 200:.4f}, {right} of 60 right")
