"""The first rows of a frame, and how many more there are."""

from __future__ import annotations

import pandas as pd

from pylme.render import frame_table


def test_each_type_has_its_form():
    frame = pd.DataFrame(
        {"x": [1.0, 20.25, float("nan")], "n": [1, 2000, 3], "ok": [True, False, True],
         "text": ["a", None, "c"]},
        index=["p", "q", "r"],
    )  # fmt: skip
    table = frame_table(frame, caption="Table", labels=True, most=2)
    assert table.columns == ("x", "n", "ok", "text")
    assert table.rows == ((" 1.00", "1", "yes", "a"), ("20.25", "2,000", "no", ""))
    assert table.row_names == ("p", "q")
    assert table.align == ("right", "right", "left", "left")
    assert table.notes == ("… and 1 more row.",)
