"""Functions of statistics and angles with their gradients; PyTorch's names, and symbols, lead to what is here."""

import numpy as np
import pytest
import tilewright as tw
from tilewright.layers import Dense, Lambda

from .test_tensor_ops import test_values_are_numpys_and_gradients_central_differences as check

EXPRESSIONS = {
    "sin and cos": lambda x, z: np.sin(x) * np.cos(z),
    "var": lambda x, z: x.var(1, keepdims=True) + np.var(z) + x.var((0, 2), keepdims=True, ddof=1),
    "std": lambda x, z: x.std() * np.std(z, axis=-1, ddof=1),
    "cumsum": lambda x, z: np.cumsum(x, axis=1) * z.cumsum(-1),
    "cumsum of all": lambda x, z: x.cumsum()[:12] + np.cumsum(z),
}


@pytest.mark.parametrize("expression", EXPRESSIONS.values(), ids=EXPRESSIONS)
def test_functions_and_their_gradients(expression):
    check(expression)


def test_a_mask_stays_under_cumsum():
    x = tw.Tensor(np.ones((2, 3, 1)))
    x.mask = np.ones((2, 3), bool)
    assert x.cumsum(1).mask is not None and x.cumsum().mask is None


x, p, model = tw.Tensor([1.0]), tw.Parameter([1.0]), tw.Sequential([Dense(2)])
NAMES = (
    (lambda: x.view(1), r"'Tensor' object has no attribute 'view'; here it is x.reshape\(...\)"),
    (lambda: x.unsqueeze(0), "here it is x.expand_dims"),
    (lambda: x.clamp(0, 1), "here it is x.clip"),
    (lambda: x.size(), "here it is x.shape, and x.value.size"),
    (lambda: p.data, "'Parameter' object has no attribute 'data'; here it is x.value"),
    (lambda: model.state_dict(), "'Sequential' object has no attribute 'state_dict'; here it is named_parameters"),
    (lambda: Dense(2).load_state_dict({}), "'Dense' object .* here it is set_weights"),
    (lambda: tw.cat, r"module 'tilewright' has no attribute 'cat'; here it is tw.concatenate\(tensors, axis\)"),
    (lambda: tw.exp, r"module 'tilewright' has no attribute 'exp'; tensors have it: x.exp\(...\)"),
)


@pytest.mark.parametrize("call, message", NAMES, ids=[message for _, message in NAMES])
def test_names_of_pytorch_lead_to_ours(call, message):
    with pytest.raises(AttributeError, match=message):
        call()


def test_a_class_of_ones_own_may_have_such_a_name():
    class Own(tw.Model):
        def state_dict(self):
            return "mine"

    own = Own()
    own.load_state_dict = "mine too"
    assert own.state_dict() == "mine" and own.load_state_dict == "mine too" and not hasattr(x, "view")


NUMBERS = {
    "i * 2": lambda i: i * 2,
    "i + 1": lambda i: i + 1,
    "i - array": lambda i: i - np.ones(6),
    "i *= 2": lambda i: i.__imul__(2),
    "2 * i": lambda i: 2 * i,
    "-i": lambda i: -i,
    "np.sin": np.sin,
    "np.floor": np.floor,
    "np.linalg.norm": np.linalg.norm,
    "numpy": lambda i: i.numpy(),
    "item": lambda i: i.item(),
    "bool": bool,
    "len": len,
}


@pytest.mark.parametrize("f", NUMBERS.values(), ids=NUMBERS)
def test_a_symbol_that_is_computed_with_names_lambda(f):
    with pytest.raises(TypeError, match=r"no numbers yet; call layers on it.* Lambda\(lambda x: x\[:, 0\] \* 2\)\(x\)"):
        f(tw.Input((6,)))


def test_what_it_says_works():
    assert Lambda(lambda x: x[:, 0] * 2)(tw.Input((6,))).shape == (None,)
