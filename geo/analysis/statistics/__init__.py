"""Statistics of the analyses: numpy and scipy alone, no Django, no clock, no database.

A file each for what is computed; `docs/statistics.md` explains every figure in words, with its formula, its source and when
not to trust it.
"""
