"""A rule of validation that graphql-core 3.3 overlooks."""

from typing import Any, cast

from graphql import (
    GraphQLError,
    GraphQLInputObjectType,
    GraphQLNonNull,
    NonNullTypeNode,
    OperationDefinitionNode,
    ValidationRule,
)


class OneOfVariables(ValidationRule):
    """A variable for the one field of a OneOf input must be non-null (GraphQL specification, section 5.8.5).

    graphql-core checks that where the input itself may be null, and misses it where it may not.
    """

    def leave_operation_definition(self, node: OperationDefinitionNode, *_: Any) -> None:
        definitions = {each.variable.name.value: each for each in node.variable_definitions or ()}
        for usage in self.context.get_recursive_variable_usages(node):
            name = usage.node.name.value
            definition = definitions.get(name)
            if definition is None or isinstance(definition.type, NonNullTypeNode):
                continue
            if _is_missed(cast("Any", usage).parent_type):
                message = f"Variable '${name}' must be non-null: it is for the one field of an input."
                self.report_error(GraphQLError(message, [definition, usage.node]))


def _is_missed(parent: Any) -> bool:
    if not isinstance(parent, GraphQLNonNull):
        return False
    of = cast("Any", parent).of_type
    return isinstance(of, GraphQLInputObjectType) and of.is_one_of
