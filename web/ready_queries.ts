// The queries that the page opens with: those of docs/queries, with the tokens of the link that the demo prints.

import agentsScreen from "../docs/queries/q2-agents-screen.graphql?raw";
import citizenPortal from "../docs/queries/q1-citizen-portal.graphql?raw";
import journeyTimeline from "../docs/queries/journey-timeline.graphql?raw";
import liveStatus from "../docs/queries/live-status.graphql?raw";
import thinChannel from "../docs/queries/q3-thin-channel.graphql?raw";
import { post } from "./fetcher";

export interface Tab {
  query: string;
  variables: string;
  headers: string;
}

export interface Tokens {
  citizen: string | null;
  agent: string | null;
}

/** What is answered without a token. */
const FOR_EVERYBODY = `query Channels {
  channels {
    code
    name
    medium
    open
  }
}
`;

/** What an agent asks personal data for: without it there are none. */
const AGENTS_PURPOSE = { "Omniloket-Purpose": "intake" };

/** The tokens in the address, `#citizen=...&agent=...`: a part that no browser sends. They are taken out of it. */
export function takeTokens(): Tokens {
  const given = new URLSearchParams(window.location.hash.slice(1));
  window.history.replaceState(null, "", window.location.pathname);
  return { citizen: given.get("citizen"), agent: given.get("agent") };
}

/** A tab for each query, ready to run when there are tokens; without any, before these one that needs none. */
export async function readyTabs({ citizen, agent }: Tokens): Promise<Tab[]> {
  const { number, id } = await examples(citizen);
  return [
    ...(citizen || agent ? [] : [tab(FOR_EVERYBODY, null)]),
    tab(citizenPortal, citizen),
    tab(agentsScreen, agent, { channel: "WHATSAPP" }, AGENTS_PURPOSE),
    tab(thinChannel, citizen, { number }),
    tab(liveStatus, citizen, { number }),
    tab(journeyTimeline, citizen, { id }),
  ];
}

function tab(query: string, token: string | null, variables: Record<string, string> = {}, more = {}): Tab {
  const headers = { ...(token && { Authorization: `Bearer ${token}` }), ...more };
  return { query, variables: json(variables), headers: json(headers) };
}

/** The number of the citizen's newest report and the id of their latest journey, or else a word in their place. */
async function examples(token: string | null): Promise<{ number: string; id: string }> {
  const query = `{
    viewer {
      citizen {
        reports(first: 1) { edges { node { number } } }
        journeys(first: 1) { edges { node { id } } }
      }
    }
  }`;
  const found: any = token && (await post({ query }, { Authorization: `Bearer ${token}` }).catch(() => null));
  const citizen = found?.data?.viewer?.citizen;
  return {
    number: citizen?.reports?.edges[0]?.node.number ?? "A-REPORT-S-NUMBER",
    id: citizen?.journeys?.edges[0]?.node.id ?? "A-JOURNEY-S-ID",
  };
}

function json(value: unknown): string {
  return JSON.stringify(value, null, 2);
}
