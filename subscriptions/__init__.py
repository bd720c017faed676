"""How a change arrives: watch tails a source, hub shares and fans out, socket speaks to clients.

Imports `sources` and `engine`.
"""
