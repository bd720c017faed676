// Follows status changes with a client of choice, and says when each happened, a line each:
//
//   node follow.ts apollo|urql|relay|iterate ws://127.0.0.1:8000/graphql TOKEN CURSOR
//
// Several tokens, with commas between them, are for one connection after the other; the last is for all others.

import { gql } from "@apollo/client";
import * as relay from "relay-runtime";
import { apolloClient } from "./apollo.ts";
import { relayEnvironment } from "./relay.ts";
import { resumingClient } from "./resuming.ts";
import { urqlClient } from "./urql.ts";

const CHANGES = "subscription Changes($after: String) { reportStatusChanges(after: $after) { cursor change { at } } }";

interface Changes {
  reportStatusChanges: { cursor: string; change: { at: string } };
}

const [kind = "", url = "", tokens = "", after = ""] = process.argv.slice(2);

const left = tokens.split(",");
const token = () => (left.length > 1 ? left.shift()! : left[0]!);

const tell = (data: Changes | null | undefined) => console.log(data?.reportStatusChanges.change.at);
const fail = (error: unknown) => {
  console.error(error);
  process.exit(1);
};

const followed: Record<string, () => unknown> = {
  apollo: () =>
    apolloClient(url, token)
      .subscribe<Changes>({ query: gql(CHANGES), variables: { after } })
      .subscribe({ next: ({ data, error }) => (error ? fail(error) : tell(data)), error: fail }),
  urql: () =>
    urqlClient(url, token)
      .subscription<Changes>(CHANGES, { after })
      .subscribe(({ data, error }) => (error ? fail(error) : tell(data))),
  relay: () =>
    relay.requestSubscription(
      relayEnvironment(url, token),
      { subscription: compiled(), variables: { after }, onNext: (data) => tell(data as Changes), onError: fail },
    ),
  iterate: () => iterate().catch(fail),
};

/** The client that is under all of them, by itself. */
async function iterate(): Promise<void> {
  const client = resumingClient({
    url,
    connectionParams: () => ({ Authorization: `Bearer ${token()}`, "Omniloket-Purpose": "intake" }),
  });
  for await (const { data, errors } of client.iterate<Changes>({ query: CHANGES, variables: { after } })) {
    errors ? fail(errors) : tell(data);
  }
}

/** What Relay's compiler makes of the document. */
function compiled(): relay.ConcreteRequest {
  const field = (name: string) => ({ kind: "ScalarField", name, args: null, alias: null, storageKey: null });
  const linked = (name: string, concreteType: string, selections: object[], args: object[] | null) => ({
    kind: "LinkedField", name, concreteType, selections, args, alias: null, storageKey: null, plural: false,
  });
  const change = linked("change", "StatusChange", [field("at")], null);
  const after = { kind: "Variable", name: "after", variableName: "after" };
  const selections = [linked("reportStatusChanges", "ReportStatusEvent", [field("cursor"), change], [after])];
  const argumentDefinitions = [{ kind: "LocalArgument", name: "after", defaultValue: null }];
  return {
    kind: "Request",
    fragment: { kind: "Fragment", name: "Changes", type: "Subscription", argumentDefinitions, selections },
    operation: { kind: "Operation", name: "Changes", argumentDefinitions, selections },
    params: { id: null, cacheID: "changes", name: "Changes", operationKind: "subscription", text: CHANGES, metadata: {} },
  } as unknown as relay.ConcreteRequest;
}

followed[kind]?.();
