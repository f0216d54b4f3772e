"""From a suite file to checked, ordered and costed points.

`load.load` reads and checks the file, `expand.expand` makes the plan, `capacity.check` asks whether this
machine can hold it. Import the modules, not this package: pydantic loads only when a suite does.
"""
