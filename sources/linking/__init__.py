"""Which journey a contact or report belongs to: the rules, the facts that they look at, and what is to be stored.

Nothing here waits, listens or writes: `subscriptions.linker` does.
"""
