"""Codings as users give them, and what is refused with which remedy."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import pylme
from pylme.errors import OptionError

CAKE = pylme.datasets.load("cake")
FORMULA = "angle ~ recipe + (recipe | replicate)"
TABLE = pd.DataFrame({"AB": [1.0, -1.0, 0.0], "C": [0.5, 0.5, -1.0]}, index=["A", "B", "C"])


def design(coding, **arguments):
    return pylme.design(FORMULA, CAKE, contrasts={"recipe": coding}, **arguments)


def test_the_order_of_rows_is_of_no_account():
    expected = design(TABLE.to_numpy())
    for table in (TABLE, TABLE.iloc[::-1], TABLE.iloc[[2, 0, 1]]):
        found = design(table)
        np.testing.assert_array_equal(found.X, expected.X)
        assert found.x_names == ("(Intercept)", "recipeAB", "recipeC")


def test_columns_without_names_are_numbered_as_in_r():
    table = pd.DataFrame(TABLE.to_numpy(), index=list("ABC"))
    assert design(table).x_names == design(TABLE.to_numpy()).x_names
    assert design(table).x_names[1:] == ("recipe1", "recipe2")


def test_numbers_as_levels_are_found_by_their_texts():
    data = CAKE.assign(batch=(CAKE["replicate"].cat.codes % 3 + 9).astype("category"))
    table = pd.DataFrame({"late": [1.0, 0.0, 0.0]}, index=[11, 9, 10])
    found = pylme.design("angle ~ batch + (1 | replicate)", data, contrasts={"batch": table})
    assert found.x_names == ("(Intercept)", "batchlate")
    np.testing.assert_array_equal(found.X[:, 1], (data["batch"] == 11).astype(float))


def test_a_table_of_pyarrow_has_its_labels_in_the_first_column():
    table = pa.table({"recipe": ["C", "A", "B"], "AB": [0.0, 1.0, -1.0], "C": [-1.0, 0.5, 0.5]})
    np.testing.assert_array_equal(design(table).X, design(TABLE).X)


def test_new_rows_keep_the_coding():
    matrices = design(TABLE, contrasts_for="both")
    again = matrices.on(CAKE.iloc[::-1].head(7))
    np.testing.assert_array_equal(again.X, matrices.X[::-1][:7])
    np.testing.assert_array_equal(again.terms[0].columns, matrices.terms[0].columns[::-1][:7])


@pytest.mark.parametrize("contrasts_for", ["fixed", "both"])
def test_what_the_coding_reaches(contrasts_for):
    names = dict(design(TABLE, contrasts_for=contrasts_for).cnms)["replicate"]
    own = ("recipeAB", "recipeC") if contrasts_for == "both" else ("recipeB", "recipeC")
    assert names == ("(Intercept)", *own)


def test_explain_knows_the_coding():
    said = pylme.explain(FORMULA, CAKE, contrasts={"recipe": TABLE}, contrasts_for="both")
    assert "recipeAB" in str(said)


@pytest.mark.parametrize(
    ("coding", "said"),
    [
        (TABLE.iloc[:2], "without a row for 'C'"),
        (TABLE.rename(index={"C": "D"}), "without a row for 'C' and with rows for 'D'"),
        (pd.concat([TABLE, TABLE.iloc[:1]]), "two rows of one label"),
        (TABLE.set_axis(["x", "x"], axis=1), "different names"),
        (TABLE.assign(C="x"), "finite numbers"),
        (TABLE * np.nan, "finite numbers"),
        (TABLE.iloc[:, :0], "finite numbers"),
        (TABLE.to_numpy()[:2], "a matrix with 3 rows"),
        (TABLE.to_numpy()[0], "finite numbers"),
        (5, "finite numbers"),
        ("summ", "sum"),
    ],
)
@pytest.mark.parametrize("engine", ["lme4", "numpy"])
def test_what_is_no_coding_is_refused(coding, said, engine):
    with pytest.raises(OptionError, match=said):
        pylme.lmer(FORMULA, CAKE, engine=engine, contrasts={"recipe": coding})


def test_the_part_to_code_is_one_of_two():
    with pytest.raises(OptionError, match="contrasts_for"):
        design(TABLE, contrasts_for="random")
