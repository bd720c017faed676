// The main queries on Mercurius, over one database that holds everything: loaders, compiled queries (graphql-jit).
//
//     node benchmarks/peers/node/mercurius.mjs postgresql://... '{"ONTV": "RECEIVED", ...}'
//
// It takes the documents that Omniloket takes, and gives the same answers. It has no back-ends to federate, no rules
// and no identity: whose portal it shows, a header says. PostgreSQL writes instants, ids and statuses as answers want
// them, so that nothing is left to do in JavaScript but to put rows where they belong.

import Fastify from "fastify";
import mercurius from "mercurius";
import pg from "pg";

const CONNECTIONS = 16; // as many as Omniloket has to its four databases
const STATUSES = JSON.parse(process.argv[3]);

const at = (column) => `to_char(least(${column} AT TIME ZONE 'Europe/Amsterdam',
  (${column} - interval '1 hour') AT TIME ZONE 'Europe/Amsterdam' + interval '1 hour')
  AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')`;
const status = (column) =>
  `CASE ${column} ${Object.entries(STATUSES).map(([code, name]) => `WHEN '${code}' THEN '${name}'`).join(" ")}
  ELSE 'OTHER' END`;
const id = (kind, column) => `rtrim(encode(convert_to('${kind}:' || ${column}, 'UTF8'), 'base64'), '=')`;

const CONTACT = `k.nummer::text AS key, ${id("Contact", "k.nummer")} AS id, k.kanaal_cd AS code,
  ${at("k.tijdstip")} AS "occurredAt", k.onderwerp AS subject, k.bsn`;
const STATEMENTS = {
  persons: `SELECT bsn, voornamen AS "givenNames", geslachtsnaam AS "familyName", voorvoegsel, titel_predicaat AS title,
    titel_soort AS sort FROM persoon WHERE bsn = ANY($1::text[])`,
  newest: `SELECT ${CONTACT} FROM klantcontact AS k WHERE k.kanaal_cd = ANY($1::text[])
    ORDER BY k.tijdstip DESC, k.nummer DESC LIMIT $2`,
  reportsOf: `SELECT wanted.bsn, each.* FROM unnest($1::text[]) AS wanted (bsn) CROSS JOIN LATERAL (
    SELECT i.nummer AS number, i.titel AS title, ${status("i.status_cd")} AS status,
      ${at("i.aangemaakt_op")} AS "filedAt" FROM betrokkene AS b JOIN incident AS i ON i.nummer = b.incident_nummer
    WHERE b.bsn = wanted.bsn AND b.rol_cd = 'AAN' ORDER BY i.aangemaakt_op DESC, i.nummer DESC LIMIT $2) AS each`,
  histories: `SELECT incident_nummer AS number, ${status("status_cd")} AS status, ${at("tijdstip")} AS at
    FROM incident_status WHERE incident_nummer = ANY($1::text[]) ORDER BY tijdstip, volgnummer`,
  report: `SELECT nummer AS number, ${status("status_cd")} AS status, ${at("gewijzigd_op")} AS "updatedAt"
    FROM incident WHERE nummer = $1`,
  journeys: `SELECT e.key AS contact, j.id::text AS key, ${id("Journey", "j.id")} AS id, j.state
    FROM journey_entry AS e JOIN journey AS j ON j.id = e.journey_id WHERE e.kind = 'C' AND e.key = ANY($1::text[])`,
  contactsOf: `SELECT wanted.id::text AS journey, each.* FROM unnest($1::bigint[]) AS wanted (id) CROSS JOIN LATERAL (
    SELECT ${CONTACT} FROM (SELECT key, at, position FROM journey_entry WHERE journey_id = wanted.id AND kind = 'C'
      ORDER BY at DESC, position DESC LIMIT $2) AS e JOIN klantcontact AS k ON k.nummer = e.key::bigint
    ORDER BY e.at DESC, e.position DESC) AS each`,
  reportsIn: `SELECT wanted.id::text AS journey, each.* FROM unnest($1::bigint[]) AS wanted (id) CROSS JOIN LATERAL (
    SELECT i.nummer AS number, ${status("i.status_cd")} AS status FROM (
      SELECT key, at, position FROM journey_entry WHERE journey_id = wanted.id AND kind = 'R'
      ORDER BY at DESC, position DESC LIMIT $2) AS e JOIN incident AS i ON i.nummer = e.key COLLATE "default"
    ORDER BY e.at DESC, e.position DESC) AS each`,
};

const schema = `
  type Query { viewer: Viewer!, contacts(first: Int, filter: ContactFilter): Contacts!, report(by: ReportBy!): Report }
  input ContactFilter { channel: [String!] }
  input ReportBy { number: String }
  type Viewer { citizen: Citizen }
  type Citizen { fullName: String!, givenNames: String, familyName: String, reports(first: Int): Reports! }
  type Reports { edges: [ReportEdge!]! }
  type ReportEdge { node: Report! }
  type Report {
    number: String!, title: String!, status: String!, filedAt: String!, updatedAt: String!,
    statusHistory: [StatusChange!]!
  }
  type StatusChange { status: String!, at: String! }
  type Contacts { edges: [ContactEdge!]! }
  type ContactEdge { node: Contact! }
  type Channel { code: String! }
  type Contact {
    id: ID!, channel: Channel, occurredAt: String!, subject: String, citizen: Citizen, journey: Journey
  }
  type Journey { id: ID!, state: String!, contacts(first: Int): Contacts!, reports(first: Int): Reports! }
`;

const pool = new pg.Pool({ connectionString: process.argv[2], max: CONNECTIONS });

async function fetch(name, ...values) {
  return (await pool.query({ name, text: STATEMENTS[name], values })).rows;
}

const edges = (rows) => ({ edges: rows.map((node) => ({ node })) });

function withChannel(row) {
  row.channel = row.code === null ? null : { code: row.code };
  return row;
}

function grouped(rows, key) {
  const groups = new Map();
  for (const row of rows) {
    const group = groups.get(row[key]);
    if (group === undefined) groups.set(row[key], [row]);
    else group.push(row);
  }
  return groups;
}

function person(row) {
  const { title, sort, givenNames, familyName, voorvoegsel } = row;
  const name = `${voorvoegsel ?? ""}${voorvoegsel?.endsWith("'") ? "" : " "}${familyName ?? ""}`;
  const parts = sort === "predicaat" ? [title, givenNames, name] : [givenNames, title, name];
  row.fullName = parts.filter(Boolean).join(" ").split(/\s+/).filter(Boolean).join(" ");
  return row;
}

async function citizens(bsns) {
  const found = new Map((await fetch("persons", [...new Set(bsns)])).map((row) => [row.bsn, person(row)]));
  return bsns.map((bsn) => found.get(bsn) ?? null);
}

/** A loader of what hangs on each parent: one statement for all, and a page for each. */
function paged(statement, parent, made = (rows) => rows) {
  return {
    async loader(queries) {
      const keys = queries.map(({ obj }) => obj[parent === "journey" ? "key" : parent]);
      const rows = grouped(made(await fetch(statement, [...new Set(keys)], queries[0].params.first)), parent);
      return keys.map((key) => edges(rows.get(key) ?? []));
    },
    opts: { cache: false },
  };
}

const once = (loader) => ({ loader, opts: { cache: false } });

const resolvers = {
  Query: {
    viewer: () => ({}),
    contacts: async (_, { first, filter }) => edges((await fetch("newest", filter.channel, first)).map(withChannel)),
    report: async (_, { by }) => (await fetch("report", by.number))[0] ?? null,
  },
};

const loaders = {
  Viewer: { citizen: once((queries, { bsn }) => citizens(queries.map(() => bsn))) },
  Citizen: { reports: paged("reportsOf", "bsn") },
  Report: {
    statusHistory: once(async (queries) => {
      const numbers = queries.map(({ obj }) => obj.number);
      const rows = grouped(await fetch("histories", numbers), "number");
      return numbers.map((number) => rows.get(number) ?? []);
    }),
  },
  Contact: {
    citizen: once((queries) => citizens(queries.map(({ obj }) => obj.bsn))),
    journey: once(async (queries) => {
      const rows = await fetch("journeys", queries.map(({ obj }) => obj.key));
      const found = new Map(rows.map((row) => [row.contact, row]));
      return queries.map(({ obj }) => found.get(obj.key) ?? null);
    }),
  },
  Journey: {
    contacts: paged("contactsOf", "journey", (rows) => rows.map(withChannel)),
    reports: paged("reportsIn", "journey"),
  },
};

const app = Fastify();
app.register(mercurius, { schema, resolvers, loaders, jit: 1, context: ({ headers }) => ({ bsn: headers.bsn }) });
console.log(`running on ${await app.listen({ port: 0, host: "127.0.0.1" })}`);
process.on("SIGTERM", () => process.exit(0));
