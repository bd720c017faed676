import { type Client, type ClientOptions, createClient, type Sink } from "graphql-ws";

const FORBIDDEN = 4403;

/** As over HTTP. */
const REFUSED = [{ message: "The token does not hold.", extensions: { code: "UNAUTHENTICATED" } }];

/** A client that comes back for ever, and goes on after the last `cursor` that it has heard in each subscription. */
export function resumingClient(options: ClientOptions): Client {
  let said = "";
  let refused = "";
  let isInVain = false;
  const client = createClient({
    retryAttempts: Infinity,
    retryWait: aWhile,
    shouldRetry: () => !isInVain,
    ...options,
    connectionParams: async () => {
      const { connectionParams: given } = options;
      const params = typeof given === "function" ? await given() : given;
      said = JSON.stringify(params);
      return params;
    },
  });
  // A token that is refused a second time holds no more: whatever is subscribed ends with an error.
  client.on("closed", (cause: any) => {
    isInVain = isRefused(cause) && said === refused;
    refused = isRefused(cause) ? said : refused;
  });
  const subscribe: Client["subscribe"] = (payload, sink) => {
    const asked = { ...payload, variables: { ...payload.variables } };
    let stop = () => {};
    const start = () => {
      stop = client.subscribe<Record<string, any>>(asked, {
        complete: () => sink.complete(),
        error: (cause) => (isSlow(cause) ? start() : sink.error(isRefused(cause) ? REFUSED : cause)),
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
  return { ...client, subscribe, iterate: (payload) => iterated<any>((sink) => subscribe(payload, sink)) };
}

/** What a sink would get, for `for await`: graphql-ws's own `iterate` would begin again at its first position. */
function iterated<T>(subscribe: (sink: Sink<T>) => () => void): AsyncIterableIterator<T> {
  const heard: T[] = [];
  let ended: { cause?: unknown } | undefined;
  let wake = () => {};
  const stop = subscribe({
    next: (result) => {
      heard.push(result);
      wake();
    },
    error: (cause) => {
      ended = { cause };
      wake();
    },
    complete: () => {
      ended = {};
      wake();
    },
  });
  const results = (async function* () {
    while (heard.length || !ended) {
      if (heard.length) yield heard.shift()!;
      else await new Promise<void>((woken) => (wake = woken));
    }
    if ("cause" in ended) throw ended.cause;
  })();
  // Not when it next hears something, as a generator would by itself: at once.
  results.return = async () => {
    stop();
    ended = {};
    wake();
    return { done: true, value: undefined };
  };
  return results;
}

/** Longer each time, but never so long that a tunnel's end goes unnoticed: graphql-ws's own way doubles for ever. */
const aWhile = (tries: number) =>
  new Promise<void>((again) => setTimeout(again, Math.random() * Math.min(1000 * 2 ** tries, 15_000)));

/** The server ended the stream because we did not read it in time: everything since comes again. */
const isSlow = (cause: any) => cause?.[0]?.extensions?.code === "SLOW_CONSUMER";

const isRefused = (cause: any) => cause?.code === FORBIDDEN;
