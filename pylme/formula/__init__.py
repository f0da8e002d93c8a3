"""lme4's formula language: read, checked, expanded, and written as R writes it."""

from pylme.formula.allow import FUNCTIONS, allow_function, allowed_functions
from pylme.formula.bars import STRUCTURES, Bar, LevelBlock, level_block, read_level_block
from pylme.formula.check import (
    check_functions,
    model_formula,
    parse_formula,
    translation,
)
from pylme.formula.deparse import deparse, deparse_lines, parseable
from pylme.formula.expand import (
    BarTerms,
    FormulaTerms,
    expand,
    formula_terms,
    group_label,
    group_variables,
)
from pylme.formula.formula import Formula, require_bars
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
    children,
    walk,
)
from pylme.formula.parse import parse_tree
from pylme.formula.rewriting import with_dot, without_idle_parentheses
from pylme.formula.terms import ModelTerms, Term, model_terms
from pylme.formula.update import updated_formula

__all__ = [
    "FUNCTIONS",
    "STRUCTURES",
    "Argument",
    "Bar",
    "BarTerms",
    "Binary",
    "Call",
    "Constant",
    "Formula",
    "FormulaTerms",
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
    "children",
    "deparse",
    "deparse_lines",
    "expand",
    "formula_terms",
    "group_label",
    "group_variables",
    "level_block",
    "model_formula",
    "model_terms",
    "parse_formula",
    "parse_tree",
    "parseable",
    "read_level_block",
    "require_bars",
    "translation",
    "updated_formula",
    "walk",
    "with_dot",
    "without_idle_parentheses",
]
