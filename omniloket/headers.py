"""The names of headers that mean something of their own here."""

from resolvers import errors

PURPOSE_HEADER = errors.PURPOSE_HEADER
"""Says what personal data are asked for; a key in connection_init as well."""

COOKIE_HEADER = "Omniloket-Cookie"
"""What a token in a cookie needs beside it. Neither a form nor a link can send one, and a script of another site only
after a preflight, which is never answered here: so nobody else's page asks with a user's cookie."""

LAST_EVENT_ID_HEADER = "Last-Event-ID"
"""Where a client of an event stream was, which comes back (HTML standard, section 9.2.4)."""

REQUEST_HEADER = "Omniloket-Request"
"""Of each answer: the id under which the logs speak of the request."""

RAW_REQUEST_HEADER = REQUEST_HEADER.lower().encode()
"""The same, as it is sent."""
