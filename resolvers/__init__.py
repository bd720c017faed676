"""How an answer is found: one batched function a field.

Resolvers take and give records, never GraphQL types. Imports `subscriptions`, `sources` and `engine`.
"""
