"""The outputs of a model for data in any form."""

import numpy as np

from ..layers._device import to_host
from ..layers._tape import no_grad
from . import data
from .callbacks import hooks
from .door import tensors, values
from .feeds import StreamFeed, is_stream
from .forms import each, form_of, formed, listed
from .measuring import listed_callbacks
from .mode import mode


def predict(model, x, batch_size, verbose=0, steps=None, callbacks=None):
    """See Model.predict."""
    op = "predict"
    batch_size = data.batch_size(op, batch_size)
    data.expect_steps(op, steps=steps)
    callbacks = listed_callbacks(op, callbacks)
    model.settle()
    if is_stream(x):
        batches, count = (x for x, *_ in StreamFeed(op, "x", x, steps).epoch(0)), steps
    else:
        x = data.all_inputs(op, "x", x, model)
        samples = len(listed(x)[0])
        starts = range(0, samples, batch_size)[:steps]
        batches, count = (data.cut_out(x, slice(start, start + batch_size)) for start in starts), len(starts)
        if model.input_shape is None:
            model.probe(x, op)
    before, after = hooks(callbacks, "on_predict_batch_begin"), hooks(callbacks, "on_predict_batch_end")
    for callback in callbacks:
        callback.model, callback.batches = model, count
        callback.on_predict_begin({})
    form, found = None, []
    with mode(model, False), no_grad():
        for batch, one in enumerate(batches):
            for call in before:
                call(batch, {})
            output = _outputs(model, data.all_inputs(op, "x", one, model))
            form = form_of(output)
            found.append(listed(output))
            for call in after:
                call(batch, {"outputs": formed(form, found[-1])})
    for callback in callbacks:
        callback.on_predict_end({})
    results = formed(form, [ys[0] if len(ys) == 1 else np.concatenate(ys) for ys in zip(*found)])
    if verbose:
        print(f"Predicted {len(listed(results)[0])} samples")
    return results


def predict_on_batch(model, x):
    """See Model.predict_on_batch."""
    op = "predict_on_batch"
    model.settle()
    x = data.all_inputs(op, "x", x, model)
    with mode(model, False), no_grad():
        return _outputs(model, x)


def _outputs(model, x):
    """The outputs for x on the host, arrays of their own: what only reshapes x gives views of it."""
    inputs = listed(x)

    def own(y):
        y = to_host(y)
        return y.copy() if any(np.may_share_memory(y, one) for one in inputs if isinstance(one, np.ndarray)) else y

    return each(own, values(model(tensors(x))))
