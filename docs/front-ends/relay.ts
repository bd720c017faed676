import type { Sink } from "graphql-ws";
import * as relay from "relay-runtime";
import { resumingClient } from "./resuming.ts";

export function relayEnvironment(url: string, token: () => string): relay.Environment {
  const socket = resumingClient({
    url,
    connectionParams: () => ({ Authorization: `Bearer ${token()}`, "Omniloket-Purpose": "intake" }),
  });
  const overSocket = ({ text, name }: relay.RequestParameters, variables: relay.Variables) =>
    relay.Observable.create<relay.GraphQLResponse>((sink) =>
      socket.subscribe({ query: text!, operationName: name, variables }, sink as Sink<any>),
    );
  const store = new relay.Store(new relay.RecordSource());
  return new relay.Environment({ network: relay.Network.create(overSocket, overSocket), store });
}
