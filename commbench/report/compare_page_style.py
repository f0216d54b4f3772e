"""The looks of a comparison's page, and how one of several charts is chosen with the keyboard and without a script."""

from collections.abc import Sequence

from commbench.report.markup import Markup, safe
from commbench.report.style import CSS as COMMON

MOST_PANES = 7
_SHOWN = ", ".join(
    f".pick input:nth-of-type({place}):checked ~ .panes > :nth-child({place})" for place in range(1, MOST_PANES + 1)
)

CSS = f"""{COMMON}
.verdict {{ font-size: 1.25rem; font-weight: 600; color: var(--ink); margin: 0.75rem 0; }}
header p {{ color: var(--ink); }}
figure svg {{ max-width: 100%; height: auto; }}
.pick {{ border: 0; padding: 0; margin: 0; min-width: 0; }}
.pick legend {{ color: var(--faint); padding: 0; }}
.pick label {{ margin-right: 1rem; cursor: pointer; }}
.pick .panes > * {{ display: none; }}
{_SHOWN} {{ display: block; }}
@media print {{ .pick .panes > * {{ display: block; }} .pick input, .pick label {{ display: none; }} }}
"""


def pick(group: str, legend: str, panes: Sequence[tuple[str, Markup]]) -> Markup:
    """Return panes of which one is shown at a time, chosen by radio buttons; paper shows all.

    `group` is an id that no other choice of the page has. There are at most MOST_PANES.
    """
    buttons = "".join(
        f'<input type="radio" name="{safe(group)}" id="{safe(group)}-{place}"{" checked" if place == 0 else ""}>'
        f'<label for="{safe(group)}-{place}">{safe(name)}</label>'
        for place, (name, _) in enumerate(panes)
    )
    shown = "".join(
        f'<div role="group" aria-label="{safe(name)}"><h3>{safe(name)}</h3>{drawn}</div>' for name, drawn in panes
    )
    return Markup(
        f'<fieldset class="pick"><legend>{safe(legend)}</legend>{buttons}<div class="panes">{shown}</div></fieldset>'
    )
