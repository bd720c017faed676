import { Client, subscriptionExchange } from "@urql/core";
import { resumingClient } from "./resuming.ts";

export function urqlClient(url: string, token: () => string): Client {
  const socket = resumingClient({
    url,
    connectionParams: () => ({ Authorization: `Bearer ${token()}`, "Omniloket-Purpose": "intake" }),
  });
  const overSocket = subscriptionExchange({
    enableAllOperations: true,
    forwardSubscription: ({ query = "", variables }) => ({
      subscribe: (sink) => ({ unsubscribe: socket.subscribe({ query, variables }, sink) }),
    }),
  });
  return new Client({ url, preferGetMethod: false, exchanges: [overSocket] });
}
