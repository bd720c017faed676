"""Executes documents; knows GraphQL and Strawberry, nothing of the police.

Imports none of the other rooms.
"""
