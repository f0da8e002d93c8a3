"""lme4's formula language: read, checked, expanded, and written as R writes it."""

from pylme.formula.allow import FUNCTIONS, allow_function, allowed_functions, check_functions
from pylme.formula.bars import STRUCTURES, Bar
from pylme.formula.deparse import deparse, deparse_lines, parseable
from pylme.formula.dot import with_dot
from pylme.formula.expand import expand
from pylme.formula.formula import Formula, parse_formula, require_bars
from pylme.formula.habits import translation
from pylme.formula.level_blocks import LevelBlock, level_block, read_level_block
from pylme.formula.nodes import (
    Argument,
    Binary,
    Call,
    Constant,
    Name,
    Node,
    Number,
    Paren,
    String,
    Unary,
    walk,
)
from pylme.formula.parentheses import without_idle_parentheses
from pylme.formula.parse import parse_tree
from pylme.formula.terms import ModelTerms, Term, model_terms

__all__ = [
    "FUNCTIONS",
    "STRUCTURES",
    "Argument",
    "Bar",
    "Binary",
    "Call",
    "Constant",
    "Formula",
    "LevelBlock",
    "ModelTerms",
    "Name",
    "Node",
    "Number",
    "Paren",
    "String",
    "Term",
    "Unary",
    "allow_function",
    "allowed_functions",
    "check_functions",
    "deparse",
    "deparse_lines",
    "expand",
    "level_block",
    "model_terms",
    "parse_formula",
    "parse_tree",
    "parseable",
    "read_level_block",
    "require_bars",
    "translation",
    "walk",
    "with_dot",
    "without_idle_parentheses",
]
