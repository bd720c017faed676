"""The demo back-ends: made-up people, what they told the police, and how it is loaded.

Nobody here exists. BSNs pass the eleven-test but start above those that are given out.
"""
