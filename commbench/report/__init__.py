"""Views of what was measured: text for terminals, one page for browsers, files for other tools. No statistics."""
