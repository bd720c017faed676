"""How a change arrives: watch tails a source, hub fans out, sharing serves streams together, sockets and SSE speak.

Imports `sources` and `engine`.
"""
