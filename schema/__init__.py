"""What may be asked: types, roots, and who may see each field.

Imports `resolvers` and the rooms below it.
"""
