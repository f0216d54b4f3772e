"""The shell of the report: one file that needs nothing else and is allowed to load nothing else."""

import json
from base64 import b64encode
from collections.abc import Mapping
from functools import cache
from hashlib import sha256

from plotly.offline import get_plotlyjs

from commbench.report.curves import Figure
from commbench.report.markup import Markup, document, element, join
from commbench.report.style import CSS, SCRIPT

_NO_SCRIPT = "The charts need JavaScript; every number is also in the tables."


def page(title: str, body: Markup, figures: Mapping[str, Figure]) -> str:
    """Return the whole page; `figures` are drawn into the elements whose ids are their keys."""
    scripts = (
        f'<script type="application/json" id="figures">{_inert_json(figures)}</script>\n'
        f"<script>{_plotly()}</script>\n<script>{SCRIPT}</script>\n"
    )
    return document(title, CSS, _policy(), join([body, element("noscript", element("p", _NO_SCRIPT))]), scripts)


@cache
def _plotly() -> str:
    return str(get_plotlyjs())


@cache
def _policy() -> str:
    """Return the policy that stops every request, and every script but the two that this page was made with.

    plotly adds its styles while it runs and saves pictures through data and blob addresses.
    """
    hashes = " ".join(f"'sha256-{_digest(script)}'" for script in (_plotly(), SCRIPT))
    return f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data: blob:"


def _digest(script: str) -> str:
    return b64encode(sha256(script.encode()).digest()).decode()


def _inert_json(value: object) -> str:
    """Return JSON that cannot end the element it stands in."""
    text = json.dumps(value, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
