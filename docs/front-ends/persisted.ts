import { ApolloClient, HttpLink, InMemoryCache } from "@apollo/client";
import { PersistedQueryLink } from "@apollo/client/link/persisted-queries";

/** Asks by the hash of a document, and sends its text only when the server does not know the hash. */
export function persistedClient(url: string, token: () => string, ask: typeof fetch = fetch): ApolloClient {
  const http = new HttpLink({
    uri: url,
    fetch: (address, options) =>
      ask(address, {
        ...options,
        headers: { ...options?.headers, Authorization: `Bearer ${token()}`, "Omniloket-Purpose": "intake" },
      }),
  });
  return new ApolloClient({ cache: new InMemoryCache(), link: new PersistedQueryLink({ sha256 }).concat(http) });
}

async function sha256(text: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
