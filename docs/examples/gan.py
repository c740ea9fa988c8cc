"""A generative adversarial network (Goodfellow et al. 2014, arXiv:1406.2661) that draws digits, trained by hand.

Generator and discriminator have an optimizer each, and take turns. How good the drawings are is said by their
distance to the nearest real digit (of 64 pixels from 0 to 1), beside that of real digits among each other, and by
how many of the ten digits are among them. `--quick` trains for fewer steps.
"""

import argparse

import numpy as np
import tilewright as tw
from sklearn.datasets import load_digits
from sklearn.neighbors import KNeighborsClassifier
from tilewright.layers import Dense, Dropout, LeakyReLU
from tilewright.train import Adam, BinaryCrossentropy

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--quick", action="store_true", help="fewer steps")
steps, batch, noise = (400 if parser.parse_args().quick else 8000), 64, 16

tw.set_seed(0)
rng = np.random.default_rng(0)
real, labels = load_digits(return_X_y=True)
real = (real / 16).astype(np.float32)


def network(sizes, activation):
    """Dense layers of the given sizes, from the first to the last."""
    model = tw.Sequential([tw.Input((sizes[0],))])
    for size in sizes[1:-1]:
        model.add(Dense(size, kernel_initializer="he_normal"))
        model.add(LeakyReLU(0.2))
        model.add(Dropout(0.2))
    model.add(Dense(sizes[-1], activation=activation))
    return model


generator, discriminator = network([noise, 128, 128, 64], "sigmoid"), network([64, 128, 64, 1], None)
loss = BinaryCrossentropy(from_logits=True)
learn = {model: Adam(model.parameters(), learning_rate=5e-4, beta_1=0.5) for model in (generator, discriminator)}
yes, no = np.full((batch, 1), 0.9, np.float32), np.zeros((batch, 1), np.float32)


def drawn(count):
    return generator(rng.standard_normal((count, noise), np.float32))


def judged():
    """(mean distance to the nearest real digit, how many digits there are) of 500 drawings."""
    with tw.no_grad():
        drawings = generator.eval()(rng.standard_normal((500, noise), np.float32)).numpy()
    generator.train()
    nearest = KNeighborsClassifier(1).fit(real, labels)
    return nearest.kneighbors(drawings)[0].mean(), len(np.unique(nearest.predict(drawings)))


before = judged()[0]
for step in range(steps):
    discriminator.zero_grad()
    seen = real[rng.integers(0, len(real), batch)]
    with tw.no_grad():
        fake = drawn(batch)
    wrong = loss(discriminator(seen), yes) + loss(discriminator(fake), no)
    wrong.backward()
    learn[discriminator].step()

    generator.zero_grad()
    caught = loss(discriminator(drawn(batch)), yes)
    caught.backward()
    learn[generator].step()
    if step % (steps // 10) == 0:
        print(f"step {step:5}: discriminator {float(wrong):.3f}, generator {float(caught):.3f}")

distance, digits = judged()
among = KNeighborsClassifier(2).fit(real, labels).kneighbors(real)[0][:, 1].mean()
print(
    f"{digits} of 10 digits, distance to the nearest {distance:.2f} (untrained: {before:.2f}, among real: {among:.2f})"
)
