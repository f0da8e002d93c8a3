"""Any data frame as typed columns of complete rows."""

from pylme.frame.columns import (
    Column,
    Computed,
    Date,
    Factor,
    Integer,
    Logical,
    Numeric,
    Timestamp,
)
from pylme.frame.frame import Frame, Rows
from pylme.frame.read import NaAction, read_frame
from pylme.frame.table import column_names, open_table
from pylme.frame.to_frame import frame_of_given, frame_of_used
from pylme.frame.to_native import Library, label_index, to_native, to_pandas

__all__ = [
    "Column",
    "Computed",
    "Date",
    "Factor",
    "Frame",
    "Integer",
    "Library",
    "Logical",
    "NaAction",
    "Numeric",
    "Rows",
    "Timestamp",
    "column_names",
    "frame_of_given",
    "frame_of_used",
    "label_index",
    "open_table",
    "read_frame",
    "to_native",
    "to_pandas",
]
