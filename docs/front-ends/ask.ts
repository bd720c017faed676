// Asks the same twice by its hash, and says of each request what it was: the hash, the text, or both.
//
//   node ask.ts http://127.0.0.1:8000/graphql TOKEN

import { gql } from "@apollo/client";
import { persistedClient } from "./persisted.ts";

const CHANNELS = gql("query Channels { channels { code } }");

const [url = "", token = ""] = process.argv.slice(2);

const told: typeof fetch = (address, options) => {
  const { query, extensions } = JSON.parse(String(options?.body));
  console.log([extensions?.persistedQuery && "hash", query && "text"].filter(Boolean).join(" and "));
  return fetch(address, options);
};

const client = persistedClient(url, () => token, told);
for (let time = 0; time < 2; time++) {
  const { data } = await client.query<{ channels: object[] }>({ query: CHANNELS, fetchPolicy: "no-cache" });
  console.log(`${data?.channels.length} channels`);
}
