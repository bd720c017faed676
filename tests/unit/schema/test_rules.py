"""The rules of who sees what fit together, and a build with rules that do not is refused."""

from typing import Any

import pytest
import strawberry
from graphql import GraphQLSchema

from engine.guards import guard_of
from resolvers.context import Context, Services, Viewer
from resolvers.errors import Forbidden
from schema.access import CITIZENS, COLLEAGUES, EVERYBODY, HOMES, Claim, Sight
from schema.building import executable
from schema.fields import batched, field, guarded
from schema.rules import Rule, RulesBroken, by_id, check, rules
from sources.records import Role
from subscriptions.hub import Hub
from support.back_ends import SEALER
from support.memory_sources import Facts, memory_sources

PERSONAL_ROLES = {Role.CITIZEN, Role.AGENT, Role.SUPERVISOR}


def rule(coordinate: str, **more: Any) -> Rule:
    return next(each for each in rules(executable(), **more) if each.coordinate == coordinate)


def made(query: type) -> GraphQLSchema:
    schema: Any = strawberry.Schema(query=query)
    return schema._schema


def test_every_field_of_every_type_has_a_rule() -> None:
    schema = executable()
    told = {each.coordinate for each in rules(schema)}
    for name, type_ in schema.type_map.items():
        if getattr(type_, "fields", None) and type_.__class__.__name__ == "GraphQLObjectType" and name[:2] != "__":
            assert {f"{name}.{each}" for each in type_.fields} < told  # type: ignore[attr-defined]


def test_a_field_is_seen_as_its_type_unless_it_says_otherwise() -> None:
    assert rule("Contact.body").sights.keys() == PERSONAL_ROLES
    assert rule("Agent.name").sights.keys() == {Role.AGENT, Role.SUPERVISOR}
    assert rule("Channel.name").sights.keys() == set(Role)


def test_a_field_is_decided_by_all_that_its_type_and_what_it_leads_to_are_decided_by() -> None:
    assert rule("StatusChange.note").claims == {
        Claim.ROLE, Claim.PURPOSE, Claim.BSN, Claim.CLEARANCE, Claim.UNIT
    }  # fmt: skip
    assert Claim.CLEARANCE in rule("Contact.reports").claims
    assert Claim.CLEARANCE not in rule("Contact.body").claims
    assert rule("Channel.name").claims == frozenset()


def test_a_page_is_seen_as_its_items_are() -> None:
    assert rule("ReportConnection.totalCount").sights[Role.AGENT] == {Sight.UNLESS_CONFIDENTIAL}
    assert Claim.CLEARANCE in rule("TimelineConnection.incompleteSources").claims


def test_only_fields_that_are_narrower_than_their_type_are_guarded() -> None:
    types: Any = executable().type_map
    assert guard_of(types["Query"].fields["citizen"]) is not None
    assert guard_of(types["Agent"].fields["name"]) is not None
    assert guard_of(types["Subscription"].fields["contactRegistered"]) is not None
    assert guard_of(types["Citizen"].fields["fullName"]) is None
    assert guard_of(types["Query"].fields["channels"]) is None


@strawberry.type(directives=[CITIZENS])
class Person:
    name: str = field("A name.")


@strawberry.type
class Bare:
    name: str = field("A name.")


def _nothing(_roots: object, _context: object) -> Any:
    raise AssertionError


def test_a_field_without_a_rule_fails_the_build() -> None:
    @strawberry.type(directives=[EVERYBODY])
    class Query:
        bare: Bare | None = batched(_nothing, "A bare one.")

    with pytest.raises(RulesBroken, match=r"Bare\.name: has no rule"):
        check(made(Query))


def test_a_field_that_must_be_there_for_a_role_that_may_not_see_it_fails_the_build() -> None:
    @strawberry.type(directives=[EVERYBODY])
    class Query:
        secret: str = batched(_nothing, "For colleagues.", access=COLLEAGUES)

    with pytest.raises(RulesBroken, match=r"Query\.secret: must be nullable"):
        check(made(Query))


def test_a_field_that_must_be_there_for_records_of_which_it_may_not_be_seen_fails_the_build() -> None:
    @strawberry.type(directives=[CITIZENS])
    class Home:
        place: str = guarded("place", "Where.", access=HOMES)

    @strawberry.type(directives=[EVERYBODY])
    class Query:
        home: Home | None = batched(_nothing, "A home.", access=CITIZENS)

    with pytest.raises(RulesBroken, match=r"Home\.place: must be nullable"):
        check(made(Query))


def test_a_field_that_leads_further_than_a_role_may_see_fails_the_build() -> None:
    @strawberry.type(directives=[EVERYBODY])
    class Query:
        person: Person | None = batched(_nothing, "Anybody.")

    with pytest.raises(RulesBroken) as caught:
        check(made(Query))
    assert "Query.person: leads to Person, which may not be seen by: ANONYMOUS, CHANNEL, DEVELOPER." in str(
        caught.value
    )
    assert "Query.person: leads without a purpose to Person, which needs one." in str(caught.value)


def test_a_rule_that_differs_from_record_to_record_needs_a_guarded_field() -> None:
    with pytest.raises(ValueError, match="declare the field as guarded"):
        field("Where.", HOMES)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("Contact.nothing", "there is no such type or field"),
        ("Contact.direction", "must be nullable"),
        ("StatusChange", "must be nullable"),
        ("Handover", "cannot be hidden from AGENT, since TimelineEntry leads to it"),
        ("Contact", "cannot be hidden from AGENT, since TimelineEntry leads to it"),
    ],
)
def test_what_is_not_there_or_must_be_there_cannot_be_hidden(name: str, why: str) -> None:
    with pytest.raises(RulesBroken, match=why):
        executable({Role.AGENT: frozenset({name})})


def test_a_hidden_type_is_hidden_wherever_it_stands_and_by_its_id() -> None:
    hidden = {Role.CITIZEN: frozenset({"Attachment"})}
    assert Role.CITIZEN not in rule("Contact.attachments", hidden=hidden).sights
    assert Role.AGENT in rule("Contact.attachments", hidden=hidden).sights
    refuse = by_id(executable(hidden), hidden)["Attachment"]
    services = Services(memory_sources(Facts(), SEALER), SEALER, Hub({}))
    citizens, agents = (Context(services=services, viewer=Viewer(role, "x")) for role in (Role.CITIZEN, Role.AGENT))
    assert isinstance(refuse(citizens), Forbidden)
    assert refuse(agents) is None
