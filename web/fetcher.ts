// How the page asks: queries by POST, subscriptions over a WebSocket, both with the headers of the headers editor.

import type { Fetcher, FetcherParams, Observable } from "@graphiql/toolkit";
import {
  type ExecutionResult,
  type FormattedExecutionResult,
  getOperationAST,
  type OperationDefinitionNode,
  parse,
} from "graphql";
import { createClient } from "graphql-ws";

type Headers = Record<string, string>;

/** Where GraphiQL takes events; the library's type has other forms, which it does not use. */
interface Sink {
  next: (result: FormattedExecutionResult) => void;
  error: (errors: unknown) => void;
  complete: () => void;
}

const ADDRESS = new URL("/graphql", window.location.href);

export const fetcher: Fetcher = (given, options) => {
  // The schema is the same for everybody; a token that has ended must not cost the documentation.
  const headers: Headers = given.operationName === "IntrospectionQuery" ? {} : (options?.headers ?? {});
  const operation = operationOf(given);
  const asked = { ...given, operationName: (operation ? operation.name?.value : given.operationName) ?? null };
  return operation?.operation === "subscription" ? follow(asked, headers) : post(asked, headers);
};

/** The operation that is meant. The name that GraphiQL gives lags behind its editor; a single operation needs none. */
function operationOf({ query, operationName }: FetcherParams): OperationDefinitionNode | null | undefined {
  try {
    const document = parse(query);
    return getOperationAST(document, operationName) ?? getOperationAST(document);
  } catch {
    return null; // not a document: the server says why
  }
}

export async function post(asked: FetcherParams, headers: Headers): Promise<ExecutionResult> {
  try {
    const response = await fetch(ADDRESS, {
      method: "POST",
      headers: { accept: "application/graphql-response+json", "content-type": "application/json", ...headers },
      body: JSON.stringify(asked),
    });
    return await response.json();
  } catch (problem) {
    throw [{ message: `The server gave no answer that can be read. ${problem}` }];
  }
}

/** A socket of its own for each subscription, since each tab may have another token. */
function follow(asked: FetcherParams, headers: Headers): Observable<object> {
  const url = ADDRESS.href.replace(/^http/, "ws");
  // No retries: they would begin anew without the cursor, and hide a gap.
  const client = createClient({ url, connectionParams: headers, retryAttempts: 0 });
  const subscribe = ({ next, error, complete }: Sink) => ({
    unsubscribe: client.subscribe(asked, { next, complete, error: (cause) => error(readable(cause)) }),
  });
  return { subscribe } as Observable<object>;
}

/** What ended a subscription, as GraphQL errors: the server's own, or why the socket closed. */
function readable(cause: unknown): unknown {
  if (!(cause instanceof CloseEvent)) {
    return Array.isArray(cause) ? cause : [{ message: String(cause) }];
  }
  const hint = cause.code === 4403 ? " Is the token in the headers still good?" : "";
  const message = `The socket was closed: ${cause.code} ${cause.reason || "without a reason"}.${hint}`;
  return [{ message, extensions: { code: cause.code === 4403 ? "UNAUTHENTICATED" : "SOCKET_CLOSED" } }];
}
