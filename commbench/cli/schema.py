"""`commbench schema`: the JSON Schema of suite files, for editors."""

import click


@click.command(name="schema")
def command() -> None:
    """Print the JSON Schema of suite files."""
    from commbench.plan.schema import schema_text

    click.echo(schema_text(), nl=False)
