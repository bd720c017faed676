// The status changes that an agent may see, as they happen. A reload in the middle loses none and repeats none: until
// the browser's tab closes, the page remembers what it has shown and the cursor of the last, always both at once.

import "./page.css";

import { resumingClient } from "../docs/front-ends/resuming";
import { takeTokens } from "./ready_queries";

interface Change {
  status: string;
  at: string;
  number: string;
}

interface Remembered {
  token: string;
  after: string;
  count: number;
  shown: Change[];
}

interface Event {
  reportStatusChanges: { cursor: string; change: { label: string; at: string }; report: { number: string } | null };
}

const KEY = "live";
const MOST_SHOWN = 200;
const CHANGES = `subscription Live($after: String) {
  reportStatusChanges(after: $after) { cursor change { label at } report { number } }
}`;

const state = document.getElementById("state")!;
const list = document.getElementById("changes") as HTMLOListElement;

addEventListener("hashchange", () => location.reload()); // another link, in this tab

const token = takeTokens().agent;
if (token) {
  sessionStorage.removeItem(KEY);
}
const kept = sessionStorage.getItem(KEY);
const remembered: Remembered = kept ? JSON.parse(kept) : { token: token ?? "", after: "", count: 0, shown: [] };
if (remembered.token) {
  await follow().catch(fail);
} else {
  state.textContent = "An agent's token goes into the address, after #agent=. `omniloket token --role agent` makes one.";
}

async function follow(): Promise<void> {
  const client = resumingClient({
    url: new URL("/graphql", location.href).href.replace(/^http/, "ws"),
    connectionParams: { Authorization: `Bearer ${remembered.token}`, "Omniloket-Purpose": "intake" },
    on: {
      closed: () => (state.textContent = "The connection is away. It comes back, and so does what was missed."),
    },
  });

  if (!remembered.after) {
    const { value } = await client.iterate<{ liveCursor: string }>({ query: "{ liveCursor }" }).next();
    keep({ after: value.data.liveCursor });
  }
  show();
  client.on("connected", show);
  client.subscribe<Event>({ query: CHANGES, variables: { after: remembered.after } }, {
    next: ({ data }) => data && take(data.reportStatusChanges),
    error: fail,
    complete: () => {},
  });
}

function take({ cursor, change, report }: Event["reportStatusChanges"]): void {
  const taken = { status: change.label, at: change.at, number: report?.number ?? "" };
  const shown = [...remembered.shown, taken].slice(-MOST_SHOWN);
  keep({ after: cursor, count: remembered.count + 1, shown });
  show();
}

/** In one writing: a reload finds either the change and its cursor, or neither. */
function keep(changed: Partial<Remembered>): void {
  sessionStorage.setItem(KEY, JSON.stringify(Object.assign(remembered, changed)));
}

function show(): void {
  state.textContent = `${remembered.count} changes since this tab was opened. Reload: none is lost, none comes twice.`;
  list.start = remembered.count - remembered.shown.length + 1;
  list.replaceChildren(...remembered.shown.map(row));
}

function row({ status, at, number }: Change): HTMLLIElement {
  const item = document.createElement("li");
  const time = document.createElement("time");
  time.dateTime = at;
  time.textContent = new Date(at).toLocaleString();
  item.append(time, ` ${number} ${status}`);
  return item;
}

function fail(cause: unknown): void {
  const [error]: any[] = Array.isArray(cause) ? cause : [];
  if (error?.extensions?.code === "UNAUTHENTICATED") {
    state.textContent = "The token does not hold. A link with another one goes on from here.";
    return;
  }
  const told = cause instanceof CloseEvent ? `${cause.code} ${cause.reason}` : (error?.message ?? String(cause));
  state.textContent = `The server ended it: ${told}`;
}
