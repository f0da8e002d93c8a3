"""A page for a browser that needs nothing else: its styles inside, light and dark."""

from __future__ import annotations

from html import escape
from typing import Final

from pylme._version import __version__

__all__ = ["page"]

_STYLE: Final = """
:root { color-scheme: light dark; --ink: #1c2024; --dim: #5f6b76; --paper: #fff; --line: #d9dee3;
  --shade: #f5f7f9; --link: #1f5fa8; --good: #176f3c; --bad: #b3261e; --unsure: #8a5a00; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e4e8ec; --dim: #9aa6b2; --paper: #14171a; --line: #333a41; --shade: #1d2226;
    --link: #7db4f0; --good: #63c98c; --bad: #ff8a80; --unsure: #f0b95b; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 2rem 1.25rem 3rem; max-width: 64rem; color: var(--ink);
  background: var(--paper); font: 16px/1.55 system-ui, "Segoe UI", Roboto, sans-serif; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0 0 .75rem; overflow-wrap: anywhere; }
h2 { font-size: 1.2rem; margin: 2.25rem 0 .5rem; padding-bottom: .25rem;
  border-bottom: 1px solid var(--line); }
section > div, .pylme { overflow-x: auto; }
.pylme { max-width: 100%; }
code, pre { font-family: ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; }
pre { font-size: .85rem; line-height: 1.45; overflow-x: auto; background: var(--shade);
  border-radius: 6px; padding: .75rem 1rem; margin: .6rem 0; }
.formula { display: block; overflow-x: auto; background: var(--shade); border-radius: 6px;
  padding: .6rem .9rem; white-space: pre; }
table { border-collapse: collapse !important; border-spacing: 0 !important; font-size: .92rem; }
th, td { padding: .25rem .7rem !important; white-space: nowrap;
  border-bottom: 1px solid var(--line); }
thead th { border-bottom: 2px solid var(--line); color: var(--dim); font-weight: 600; }
tbody th { font-weight: 500; }
caption { padding: .25rem 0; white-space: nowrap; }
small, footer { color: var(--dim); }
.verdict { border-left: 5px solid var(--unsure); background: var(--shade); border-radius: 4px;
  padding: .7rem 1rem; }
details { margin: .75rem 0; }
summary { cursor: pointer; color: var(--link); }
.verdict p, .verdict ul { margin: .5rem 0; }
.verdict ul { padding-left: 1.3rem; }
.verdict strong { color: var(--unsure); }
.verdict.good { border-color: var(--good); } .verdict.good strong { color: var(--good); }
.verdict.bad { border-color: var(--bad); } .verdict.bad strong { color: var(--bad); }
.facts { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1.25rem;
  margin: 1rem 0; }
.facts dt { color: var(--dim); } .facts dd { margin: 0; overflow-wrap: anywhere; }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 26rem), 1fr));
  gap: 1rem; align-items: start; }
figure { margin: 0; border: 1px solid var(--line); border-radius: 6px; background: #fff;
  padding: .4rem; color: #1c2024; }
figure img { display: block; width: 100%; height: auto; }
figcaption { font-size: .88rem; padding: .3rem .4rem; color: #46505a; }
footer { margin-top: 3rem; font-size: .85rem; padding-top: .6rem;
  border-top: 1px solid var(--line); }
@media print { body { max-width: none; } figure { break-inside: avoid; } }
"""


def page(title: str, body: str) -> str:
    """A page of HTML that needs nothing else.

    Parameters
    ----------
    title : str
        Also the heading.
    body : str
        HTML.
    """
    title = escape(title)
    return (
        '<!doctype html>\n<html lang="en">\n<head><meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}</title>\n<style>{_STYLE}</style></head>\n"
        f"<body>\n<h1>{title}</h1>\n{body}\n"
        f"<footer>Made by pylme {escape(__version__)}.</footer>\n</body>\n</html>\n"
    )
