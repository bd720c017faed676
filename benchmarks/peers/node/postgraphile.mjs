// The main queries on PostGraphile 5, over one database that holds everything: its schema is generated from views and
// functions there (benchmarks/comparing/exposing.py), and each request becomes one statement.
//
//     NODE_ENV=production node benchmarks/peers/node/postgraphile.mjs postgresql://... exposed
//
// Its fields have names of their own, so it takes documents of its own (documents/). It has no back-ends to federate,
// no rules and no identity: whose portal it shows, a variable says. What takes time and is not asked for is off.

import { createServer } from "node:http";
import { postgraphile } from "postgraphile";
import { makePgService } from "postgraphile/adaptors/pg";
import { grafserv } from "postgraphile/grafserv/node";
import { PostGraphileAmberPreset } from "postgraphile/presets/amber";

const CONNECTIONS = 8; // twice what each server has to each of its databases: this one has all in one

const instance = postgraphile({
  extends: [PostGraphileAmberPreset],
  disablePlugins: [
    "NodePlugin",
    "QueryQueryPlugin",
    "MutationPlugin",
    "PgMutationCreatePlugin",
    "PgMutationUpdateDeletePlugin",
    "SubscriptionPlugin",
  ],
  pgServices: [
    makePgService({
      connectionString: process.argv[2],
      schemas: [process.argv[3]],
      poolConfig: { max: CONNECTIONS },
      pubsub: false,
    }),
  ],
  schema: { defaultBehavior: "list -connection" }, // rows without edges: a step less for each list
  grafast: { explain: false },
  grafserv: { graphiql: false, websockets: false, outputDataAsString: true },
});

const server = createServer();
const service = instance.createServ(grafserv);
await service.addTo(server);
await service.ready();
server.listen(0, "127.0.0.1", () => console.log(`running on http://127.0.0.1:${server.address().port}`));
process.on("SIGTERM", () => process.exit(0));
