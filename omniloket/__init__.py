"""The house: command line, settings, ASGI app, identity.

It puts the other rooms together, and may import them all.
"""
