"""A live stream before its group takes over: the changes that it looks at alone, from where its cursor stands.

A stream that cannot be in a group gets everything alone. One that can is alone only with what it missed, and until all
has come that an answer has shown before its cursor: that is for this stream not to be told, and for its group it is.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Generator, Sequence
from contextlib import aclosing, contextmanager
from dataclasses import replace
from functools import partial
from typing import Any

from resolvers.context import Context
from resolvers.errors import CursorExpired, SlowConsumer
from resolvers.live_cursors import StreamKind
from sources.errors import MarkExpired
from subscriptions.hub import Event, Standing, StreamOverflowed
from subscriptions.sharing import Following

MOST_TOGETHER = 100
"""Changes that a stream alone looks at together. Those behind the first wait until the client has taken it, and are
what they were then: the fewer, the less old.
"""

CHANGE_POINTS = 5
"""What a change costs a stream that looks at it alone: some 25 microseconds, whoever and whatever it is about."""


async def events_of(context: Context, kind: StreamKind, following: Following, after: str | None) -> AsyncIterator[Any]:
    """What a stream gets alone, as events with their cursors: everything, or what it missed before it is in a group.

    `after` is its cursor; None for one that begins now. What it gets in a group, the group hands over by itself.
    """
    stream = _Alone(context, kind, following, kind.opened(context.sealer, after))
    async with aclosing(_stages(stream, context, after)) as stages:
        async for stage in stages:
            async with aclosing(stage) as changes:
                async for event in changes:
                    if event is not None:
                        yield event


async def _stages(stream: "_Alone", context: Context, after: str | None) -> AsyncGenerator[AsyncGenerator[Any]]:
    """The parts of a stream's time alone, one after another."""
    membership = context.membership
    if membership is None:
        yield stream.always()
        return
    if stream.standing.shown_is_left:
        yield stream.until_shown()
        if stream.standing.shown_is_left:
            return  # there is nothing more to follow
    with _expiry():
        await membership.join(stream.following, partial(_reach, context, stream.kind, stream.standing, after))
    if after is None:
        return
    yield stream.until_now()
    while not membership.has_caught_up():
        yield stream.until_now()


class _Alone:
    """A stream that looks at changes by itself. `standing`: where it stands, after the last one that it has looked at.

    Each of its generators goes on from there, and gives for each change the stream's event, or None where it gets none.
    They raise what ends the stream: CursorExpired, SlowConsumer, or what a change has become to it.
    """

    def __init__(self, context: Context, kind: StreamKind, following: Following, standing: Standing) -> None:
        self.kind = kind
        self.following = following
        self.standing = standing
        self._context = context

    def always(self) -> AsyncGenerator[Any]:
        """All changes, those to come as well."""
        return self._changes(until_now=False)

    def until_now(self) -> AsyncGenerator[Any]:
        """The changes that there are already."""
        return self._changes(until_now=True)

    async def until_shown(self) -> AsyncGenerator[Any]:
        """Up to the last of the changes that an answer has shown before the stream began."""
        async with aclosing(self.always()) as changes:
            async for event in changes:
                yield event
                if not self.standing.shown_is_left:
                    return

    async def _changes(self, *, until_now: bool) -> AsyncGenerator[Any]:
        followed = _followed(self._context, self.kind, self.standing, until_now=until_now)
        async with aclosing(followed), aclosing(_found(self.following, followed, self._context)) as changes:
            async for change, found in changes:
                yield self._event(change, found)

    def _event(self, change: Event, found: Any) -> Any:
        """What is told of a change, by what it was found to be. The stream stands after it then."""
        is_shown = self.standing.has_shown(change)
        self.standing = self.standing.after(change)
        if is_shown or found is None:
            return None
        if isinstance(found, Exception):
            raise found
        return replace(found, cursor=self.kind.sealed(self._context.sealer, self.standing))


async def _reach(context: Context, kind: StreamKind, standing: Standing, after: str | None) -> str:
    """Has the log read to where the stream stands, for whoever follows it. Gives the cursor of that place."""
    hub = context.services.hub
    if after is None:
        return kind.sealed(context.sealer, Standing({kind.log: hub.mark(kind.log)}))
    async with hub.follow(standing.positions, until_now=True):
        return after


async def _followed(
    context: Context, kind: StreamKind, standing: Standing, *, until_now: bool
) -> AsyncGenerator[Event]:
    # Rows that were shown already are waited for whatever they are about.
    subject = None if standing.shown_is_left else kind.subject
    hub = context.services.hub
    with _expiry():
        try:
            async with hub.follow(standing.positions, until_now=until_now, subject=subject) as events:
                async for event in events:
                    yield event
        except StreamOverflowed as overflow:
            cursor = kind.sealed(context.sealer, replace(standing, positions=overflow.positions))
            raise SlowConsumer(cursor) from overflow


@contextmanager
def _expiry() -> Generator[None]:
    """A position that a log can no longer honour is, to the client, its cursor."""
    try:
        yield
    except MarkExpired as error:
        raise CursorExpired from error


async def _found(
    following: Following, events: AsyncIterator[Event], context: Context
) -> AsyncGenerator[tuple[Event, Any]]:
    """Each change with what it is to one stream. Those that are there at the same time are looked at together."""
    together: list[Event] = []
    async for event in events:
        together.append(event)
        if not event.more or len(together) == MOST_TOGETHER:
            for each in zip(together, await _each_found(following, together, context), strict=True):
                yield each
            together = []


async def _each_found(following: Following, events: Sequence[Event], context: Context) -> Sequence[Any]:
    subject, subject_of = following.subject, following.subject_of
    wanted = [event for event in events if subject_of is None or subject_of(event.record) == subject]
    await context.services.pay(context, CHANGE_POINTS * len(events))
    if not wanted:
        return [None] * len(events)
    found = await following.events([(event, subject) for event in wanted], context.fresh())
    of_event = dict(zip(map(id, wanted), found, strict=True))
    return [of_event.get(id(event)) for event in events]
