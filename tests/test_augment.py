"""Augmentation: what each step does, against NumPy and SciPy; the same numbers give the same images."""

import warnings

import numpy as np
import pytest
import scipy.ndimage
import tilewright as tw
from tilewright.layers._moves import resample
from tilewright.train import Augment, augment
from tilewright.train.augment import (
    CutOut,
    MixUp,
    RandomBrightness,
    RandomColorJitter,
    RandomContrast,
    RandomCrop,
    RandomFlip,
    RandomHue,
    RandomNoise,
    RandomRotation,
    RandomSaturation,
    RandomTranslation,
    RandomZoom,
)

rng = np.random.default_rng(0)
X = rng.random((40, 7, 6, 3)).astype(np.float32)
BYTES = rng.integers(0, 256, X.shape).astype(np.uint8)
Y = np.eye(4, dtype=np.float32)[rng.integers(0, 4, len(X))]
STEPS = [
    RandomFlip(),
    RandomCrop(5, 4),
    RandomCrop(7, 6, padding=2),
    RandomRotation(0.1),
    RandomZoom(0.2),
    RandomZoom(0.2, 0.3, fill_mode="nearest"),
    RandomTranslation(0.3, 0.2, fill_mode="constant"),
    RandomBrightness(0.2),
    RandomContrast(0.3),
    RandomSaturation(0.5),
    RandomHue(0.1),
    RandomNoise(0.1),
    RandomColorJitter(),
    MixUp(),
    CutOut(3),
]
EACH_STEP = pytest.mark.parametrize("step", STEPS, ids=repr)


@EACH_STEP
@pytest.mark.parametrize("x", (X, BYTES, X.astype(np.float64)), ids=("float32", "uint8", "float64"))
def test_the_same_numbers_give_the_same_images(step, x):
    before = x.copy()
    first, y = step(x, Y, 1)
    np.testing.assert_array_equal(x, before)  # a new array
    assert first.dtype == x.dtype and first.flags.c_contiguous and not np.shares_memory(first, x)
    assert first.shape == ((40, 5, 4, 3) if "RandomCrop(height=5" in repr(step) else x.shape)
    second, y_again = step(x, Y, np.random.Generator(np.random.Philox(np.random.SeedSequence(1))))
    np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(y, y_again)
    assert not np.array_equal(first, step(x, Y, 2)[0])
    if not isinstance(step, MixUp):
        assert y is Y
    assert step(x[:0], Y[:0], 0)[0].shape == (0, *first.shape[1:])


@EACH_STEP
def test_images_are_changed_each_by_its_own_numbers(step):
    same = np.repeat(X[:1], 40, 0)
    y = np.linspace(0, 1, 40)
    changed, _ = step(np.concatenate([same[:-1], X[1:2]]) if isinstance(step, MixUp) else same, y, 0)
    kinds = len(np.unique(changed.reshape(40, -1), axis=0))
    assert kinds >= {RandomFlip: 4, CutOut: 10, RandomCrop: 8, MixUp: 2}.get(type(step), 40)


def test_batches_are_the_same_in_any_order():
    step = Augment(STEPS[2:])
    batches = [(X[i : i + 8], Y[i : i + 8]) for i in range(0, 40, 8)]
    forwards = [step(x, y, (7, 3, i)) for i, (x, y) in enumerate(batches)]
    for i in (3, 0, 4, 1, 2):
        for one, other in zip(step(*batches[i], (7, 3, i)), forwards[i]):
            np.testing.assert_array_equal(one, other)


def test_without_numbers_the_seed_of_everything_decides():
    tw.set_seed(5)
    first, _ = RandomNoise(1)(X)
    tw.set_seed(5)
    np.testing.assert_array_equal(first, RandomNoise(1)(X)[0])


def test_flip():
    for mode, flips in (
        ("horizontal", (np.s_[:, ::1], np.s_[:, ::-1])),
        ("vertical", (np.s_[::1], np.s_[::-1])),
        ("horizontal_and_vertical", (np.s_[:], np.s_[::-1], np.s_[:, ::-1], np.s_[::-1, ::-1])),
    ):
        found = [0] * len(flips)
        for before, after in zip(X, RandomFlip(mode)(X, rng=0)[0]):
            which = [i for i, flip in enumerate(flips) if np.array_equal(before[flip], after)]
            assert len(which) == 1
            found[which[0]] += 1
        assert min(found) > 4


def test_crop_takes_parts_from_everywhere():
    step = RandomCrop(5, 4, padding=1, fill_value=-1)
    padded = np.pad(X, ((0, 0), (1, 1), (1, 1), (0, 0)), constant_values=-1)
    places = set()
    for seed in range(5):
        for image, part in zip(padded, step(X, rng=seed)[0]):
            found = [
                (i, j) for i in range(5) for j in range(5) if np.array_equal(image[i : i + 5, j : j + 4], part)
            ]  # fmt: skip
            assert len(found) == 1
            places.add(found[0])
    assert len(places) == 25


@pytest.mark.parametrize("fill_mode", ("constant", "nearest", "reflect", "wrap"))
@pytest.mark.parametrize("interpolation", ("bilinear", "nearest"))
def test_moved_images_equal_scipys(fill_mode, interpolation):
    x = X.astype(np.float64)
    matrices = np.concatenate([rng.normal(0, 1, (40, 2, 2)), rng.normal(0, 9, (40, 2, 1))], 2)
    ours = resample(x, matrices, fill_mode, interpolation, 0.25)
    mode = {"wrap": "grid-wrap", "constant": "grid-constant"}.get(fill_mode, fill_mode)
    order = {"bilinear": 1, "nearest": 0}[interpolation]
    centre = np.array([3, 2.5])
    for n in range(40):
        offset = centre - matrices[n, :, :2] @ centre + matrices[n, :, 2]
        for c in range(3):
            expected = scipy.ndimage.affine_transform(
                x[n, ..., c], matrices[n, :, :2], offset, order=order, mode=mode, cval=0.25
            )
            np.testing.assert_allclose(ours[n, ..., c], expected, atol=1e-12)


def test_rotation_zoom_and_shift_go_where_they_should():
    square = X[:, :6]
    quarter, _ = RandomRotation((0.25, 0.25))(square, rng=0)
    np.testing.assert_allclose(quarter, np.rot90(square, 1, (1, 2)), atol=1e-6)
    down, _ = RandomTranslation((1 / 7, 1 / 7), (-1 / 6, -1 / 6), "constant", fill_value=9)(X, rng=0)
    np.testing.assert_allclose(down[:, 1:, :-1], X[:, :-1, 1:], atol=1e-5)
    assert (down[:, 0] == 9).all() and (down[:, :, -1] == 9).all()
    half = np.zeros((1, 8, 8, 1), np.float32)
    half[:, 2:6, 2:6] = 1
    larger, _ = RandomZoom((-0.5, -0.5))(half, rng=0)
    assert larger.mean() > 0.8
    smaller, _ = RandomZoom((1, 1), (0, 0), "constant")(half, rng=0)
    assert (smaller[0, :, :, 0] > 0.4).any(1).sum() == 2 and (smaller[0, :, :, 0] > 0.4).any(0).sum() == 4


def test_values():
    x = X.astype(np.float64)
    light, _ = RandomBrightness((0.1, 0.3))(x, rng=0)
    steps = light - x
    assert np.ptp(steps, (1, 2, 3)).max() < 1e-12 and 0.1 <= steps.min() and steps.max() <= 0.3 and np.ptp(steps) > 0.1
    contrast, _ = RandomContrast(0.5)(x, rng=0)
    np.testing.assert_allclose(contrast.mean((1, 2)), x.mean((1, 2)))
    scale = contrast.std((1, 2)) / x.std((1, 2))
    assert 0.5 <= scale.min() < 0.7 and 1.3 < scale.max() <= 1.5
    grey, _ = RandomSaturation((-1, -1))(x, rng=0)
    np.testing.assert_allclose(grey, np.repeat((x @ [0.299, 0.587, 0.114])[..., None], 3, -1))
    hue, _ = RandomHue(0.5)(x, rng=0)
    np.testing.assert_allclose(hue @ [0.299, 0.587, 0.114], x @ [0.299, 0.587, 0.114])
    np.testing.assert_allclose(RandomHue((1, 1))(x, rng=0)[0], x)  # a full turn
    noise = RandomNoise(0.2)(np.zeros((40, 20, 20, 3)), rng=0)[0]
    assert noise.std() == pytest.approx(0.2, rel=0.02) and abs(noise.mean()) < 0.01


def test_values_are_cut_to_their_range():
    wild = RandomColorJitter(0.9, 0.9, 0.9, 0.5)
    assert wild(X, rng=0)[0].min() < 0  # of floats nothing is known
    limited, _ = RandomColorJitter(0.9, 0.9, 0.9, 0.5, value_range=(0, 1))(X, rng=0)
    assert limited.min() == 0 and limited.max() == 1
    light, _ = RandomBrightness((0.5, 0.5))(BYTES, rng=0)
    np.testing.assert_array_equal(light, np.minimum(np.rint(BYTES + 127.5), 255))


def test_mixup():
    step = MixUp(alpha=1.0)
    y = np.eye(40)
    mixed, shares = step(X.astype(np.float64), y, 0)
    np.testing.assert_allclose(shares.sum(1), 1)
    np.testing.assert_allclose(mixed, np.tensordot(shares, X, 1), atol=1e-7)
    assert ((shares > 0).sum(1) <= 2).all() and np.ptp(np.diag(shares)) > 0.8
    assert step(X, None, 0)[1] is None
    assert step(X, np.eye(40, dtype=int), 0)[1].dtype == np.float32


def test_cutout():
    step = CutOut((3, 2), fill_value=5)
    cut = (step(X, rng=0)[0] == 5).all(-1)
    np.testing.assert_array_equal(step(X, rng=0)[0][~cut], X[~cut])
    heights, widths = cut.any(2).sum(1), cut.any(1).sum(1)
    np.testing.assert_array_equal(cut.sum((1, 2)), heights * widths)
    assert set(heights) == {2, 3} and set(widths) == {1, 2}
    assert sum((step(X, rng=seed)[0] == 5).any((0, 3)) for seed in range(5)).all()  # everywhere


@pytest.mark.parametrize(
    "call, message",
    (
        (lambda: RandomFlip("horizontally"), "mode is 'horizontally', .*did you mean 'horizontal'"),
        (lambda: RandomFlip()(X[0]), r"RandomFlip: x has shape \(7, 6, 3\), expected \(N, H, W, C\).* x\[None\]"),
        (lambda: RandomCrop(8, 6)(X), r"x has shape \(40, 7, 6, 3\) and padding is 0, expected at least 8 x 6"),
        (lambda: RandomRotation((0.2, 0.1)), r"factor is \(0.2, 0.1\), expected the least number first"),
        (lambda: RandomRotation(-0.1), "factor is -0.1, expected the least number first, or a number from 0"),
        (lambda: RandomRotation(30), "RandomRotation: factor is 30, expected parts of a full turn, .* are 30 / 360"),
        (lambda: RandomRotation((-90, 0)), "expected parts of a full turn, from -1 to 1; so many degrees are 90 / 360"),
        (lambda: RandomRotation((1, 2, 3)), r"factor is \(1, 2, 3\), expected a number, or a pair"),
        (lambda: RandomZoom(1.5), "height_factor is -1.5, expected a number from -0.999"),
        (lambda: RandomHue(0.1)(X[..., :1]), "expected 3 channels, red, green and blue"),
        (lambda: RandomNoise(1, value_range=(1, 1)), "value_range is .*, expected a low number, then a high one"),
        (lambda: MixUp()(X, np.arange(40)), r"MixUp: y is int64 of shape \(40,\), labels, .* tw\.train\.one_hot\(y\)"),
        (lambda: MixUp()(X, Y[:3]), "MixUp: x has 40 samples and y has 3"),
        (lambda: Augment([RandomFlip]), r"Augment: steps holds <class .*; make one, RandomFlip\(...\)"),
        (lambda: Augment([lambda x, y, rng: x])(X), "returned ndarray, expected a pair"),
        (lambda: RandomFlip()(X, rng=-1), "rng is -1, expected at least 0"),
    ),
)
def test_bad_calls_say_what_is_wrong(call, message):
    with pytest.raises((TypeError, ValueError), match=message):
        call()


def test_all_steps_are_tested_and_at_hand():
    tested = {type(step).__name__ for step in STEPS}
    assert tested | {"Augment", "Step"} == set(augment.__all__)
    assert all(getattr(tw.train, name) is getattr(augment, name) for name in tested)


@pytest.mark.parametrize("step", [RandomFlip(), RandomRotation(0.1), RandomCrop(3, 3)])
def test_masks_are_not_moved_and_that_is_said(step):
    masks = np.ones(X.shape[:3])
    with pytest.warns(
        RuntimeWarning, match=rf"{type(step).__name__}: y has shape .* and stays where it is; to move both"
    ):
        assert step(X, masks, 0)[1] is masks
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        step(X, np.ones((len(X), 10)), 0)
        step(X, None, 0)
