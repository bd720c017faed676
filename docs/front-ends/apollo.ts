import { ApolloClient, InMemoryCache } from "@apollo/client";
import { GraphQLWsLink } from "@apollo/client/link/subscriptions";
import { resumingClient } from "./resuming.ts";

export function apolloClient(url: string, token: () => string): ApolloClient {
  const socket = resumingClient({
    url,
    connectionParams: () => ({ Authorization: `Bearer ${token()}`, "Omniloket-Purpose": "intake" }),
  });
  return new ApolloClient({ cache: new InMemoryCache(), link: new GraphQLWsLink(socket) });
}
