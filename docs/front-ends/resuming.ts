import { type Client, type ClientOptions, createClient } from "graphql-ws";

/** A client that comes back for ever, and goes on after the last `cursor` that it has heard in each subscription. */
export function resumingClient(options: ClientOptions): Client {
  const client = createClient({ retryAttempts: Infinity, retryWait: aWhile, shouldRetry: () => true, ...options });
  const subscribe: Client["subscribe"] = (payload, sink) => {
    const asked = { ...payload, variables: { ...payload.variables } };
    let stop = () => {};
    const start = () => {
      stop = client.subscribe<Record<string, any>>(asked, {
        complete: () => sink.complete(),
        error: (cause) => (isSlow(cause) ? start() : sink.error(cause)),
        next: (result) => {
          const [event] = Object.values(result.data ?? {});
          asked.variables["after"] = event?.cursor ?? asked.variables["after"];
          sink.next(result as never);
        },
      });
    };
    start();
    return () => stop();
  };
  return { ...client, subscribe };
}

/** Longer each time, but never so long that a tunnel's end goes unnoticed: graphql-ws's own way doubles for ever. */
const aWhile = (tries: number) =>
  new Promise<void>((again) => setTimeout(again, Math.random() * Math.min(1000 * 2 ** tries, 15_000)));

/** The server ended the stream because we did not read it in time: everything since comes again. */
const isSlow = (cause: any) => cause?.[0]?.extensions?.code === "SLOW_CONSUMER";
