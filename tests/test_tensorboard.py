"""A training's log is read back by TensorBoard's own reader."""

import numpy as np
import pytest
from tilewright.train import SummaryWriter

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of tensorboard's own dependencies


def test_scalars_come_back(tmp_path):
    reader = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    losses = [1.0, 0.5, 0.25]
    writer = SummaryWriter(str(tmp_path))
    for step, loss in enumerate(losses):
        writer.add_scalar("loss", np.float32(loss), step)
        writer.add_scalar("accuracy", 1 - loss, step)
    writer.close()
    log = reader.EventAccumulator(str(tmp_path))
    log.Reload()
    assert sorted(log.Tags()["scalars"]) == ["accuracy", "loss"]
    assert [(event.step, event.value) for event in log.Scalars("loss")] == list(enumerate(losses))
    assert [event.value for event in log.Scalars("accuracy")] == [0.0, 0.5, 0.75]
