"""Words of other packages: an AttributeError that gives pylme's."""

import copy
import pickle

import pytest

import pylme
from pylme.fit.other_words import OTHER_WORDS


@pytest.fixture(scope="module")
def fit():
    dyestuff = pylme.datasets.load("dyestuff")
    return pylme.lmer("Yield ~ 1 + (1 | Batch)", dyestuff, engine="numpy")


@pytest.mark.parametrize("word", OTHER_WORDS)
def test_each_word_is_translated(fit, word):
    with pytest.raises(AttributeError) as caught:
        getattr(fit, word)
    assert OTHER_WORDS[word] in str(caught.value)
    assert caught.value.name == word
    assert not hasattr(fit, word)


@pytest.mark.parametrize(
    "word", ["params", "pvalues", "conf_int", "coefs", "bse", "tvalues", "resid", "fittedvalues",
             "llf", "cov_params"],
)  # fmt: skip
def test_common_habits_are_among_them(word):
    assert word in OTHER_WORDS


def test_what_is_written_instead_works(fit):
    for word, ours in OTHER_WORDS.items():
        if "(" in ours or "[" in ours or " " in ours:
            continue
        assert eval(ours, {"fit": fit, "pylme": pylme}) is not None, word  # noqa: S307


def test_a_near_name_is_proposed(fit):
    with pytest.raises(AttributeError, match="'fixef'"):
        fit.fixxef  # noqa: B018


def test_copies_and_pickles_do_not_mind(fit):
    assert copy.copy(fit).criterion == fit.criterion
    assert pickle.loads(pickle.dumps(fit)).criterion == fit.criterion
