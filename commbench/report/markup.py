"""Small pieces of HTML; whatever comes in is escaped, unless it is a `Markup` that was made here."""

from collections.abc import Iterable, Sequence
from html import escape


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


def safe(value: object) -> Markup:
    """Return the value as HTML text, untouched if it is HTML already."""
    return value if isinstance(value, Markup) else Markup(escape(str(value)))


def element(tag: str, *content: object, css: str = "") -> Markup:
    """Return an element with the contents, one after the other."""
    attribute = f' class="{escape(css)}"' if css else ""
    return Markup(f"<{tag}{attribute}>{join(content)}</{tag}>")


def join(parts: Iterable[object]) -> Markup:
    """Return all parts as one piece."""
    return Markup("".join(safe(part) for part in parts))


def table(titles: Sequence[str], rows: Iterable[Sequence[object]], right: Iterable[str] = ()) -> Markup:
    """Return a table that scrolls sideways where it is too wide; `right` names the columns of numbers."""
    numbers = set(right)
    head = element("tr", *(_title(title, "n" if title in numbers else "") for title in titles))
    body = join(
        element(
            "tr", *(element("td", cell, css="n" if title in numbers else "") for title, cell in _named(titles, row))
        )
        for row in rows
    )
    inner = element("table", element("thead", head), element("tbody", body))
    return Markup(f'<div class="scroll" tabindex="0" role="region" aria-label="table">{inner}</div>')


def _named(titles: Sequence[str], row: Sequence[object]) -> Iterable[tuple[str, object]]:
    return zip(titles, row, strict=True)


def _title(title: str, css: str) -> Markup:
    return Markup(f'<th scope="col" class="{css}">{escape(title)}</th>')


def details(summary: str, *content: object) -> Markup:
    """Return contents that stay folded until asked for, by mouse or keyboard."""
    return element("details", element("summary", summary), *content)


def section(title: str, *content: object) -> Markup:
    """Return a titled section."""
    return element("section", element("h2", title), *content)


def document(title: str, style: str, policy: str, body: Markup, scripts: str = "") -> str:
    """Return a whole page that asks for nothing from outside.

    `style`, `policy` (its Content-Security-Policy) and `scripts`, the finished elements behind the content, are ours
    and are put in as they are.
    """
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{safe(title)}</title>
<style>{style}</style>
</head>
<body>
<main>
{body}
</main>
{scripts}</body>
</html>
"""
