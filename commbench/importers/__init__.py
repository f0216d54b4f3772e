"""Results of other tools in our store: nccl-tests, OSU micro-benchmarks and PARAM, one module per format.

Text goes in (`read.py` finds the format), `parsed.ParsedRun`s come out, `rows.py` turns them into the store's rows.
A time goes only into the column whose definition it meets; what a tool printed is kept beside it as it was printed.
"""
