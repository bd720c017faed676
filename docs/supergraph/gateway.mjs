// A small gateway: asks each subgraph for its SDL, composes them, and answers GraphQL over HTTP on loopback.
//
//   node gateway.mjs omniloket=http://127.0.0.1:8000/graphql appointments=http://127.0.0.1:8001/graphql
//
// PORT is the TCP port; 0, the default, takes a free one.

import { createServer } from "node:http";
import { json } from "node:stream/consumers";
import { getStitchedSchemaFromSupergraphSdl } from "@graphql-tools/federation";
import { composeServices } from "@theguild/federation-composition";
import { execute, GraphQLError, parse, validate } from "graphql";

const asked = await Promise.allSettled(process.argv.slice(2).map(described));
const away = asked.filter(({ status }) => status === "rejected");
if (away.length) stop(away.map(({ reason }) => reason));

const { supergraphSdl, errors } = composeServices(asked.map(({ value }) => value));
if (errors?.length) stop(errors);

const schema = getStitchedSchemaFromSupergraphSdl({
  supergraphSdl,
  batch: true,
  // The viewer's own token goes on to every subgraph: each decides for itself what the viewer may see.
  httpExecutorOpts: { headers: (request) => forwarded(request?.context) },
});

const server = createServer(async (request, response) => {
  const answer = await answered(request).catch((error) => ({ errors: [new GraphQLError(error.message)] }));
  response.writeHead(200, { "content-type": "application/json; charset=utf-8" }).end(JSON.stringify(answer));
});
server.listen(Number(process.env.PORT ?? 0), "127.0.0.1", () => {
  console.log(`The gateway is running on http://127.0.0.1:${server.address().port}`);
});

async function described(argument) {
  const [name, url] = [argument.slice(0, argument.indexOf("=")), argument.slice(argument.indexOf("=") + 1)];
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json", accept: "application/json" },
      body: JSON.stringify({ query: "{ _service { sdl } }" }),
    });
    const { data } = await response.json();
    return { name, url, typeDefs: parse(data._service.sdl) };
  } catch (error) {
    throw new Error(`The subgraph ${name} does not tell its SDL at ${url}: ${error.cause?.message ?? error.message}`);
  }
}

// Before there is anything to serve: without all subgraphs there is no graph.
function stop(errors) {
  console.error(errors.map((error) => error.message).join("\n"));
  process.exit(1);
}

async function answered(request) {
  const { query, variables, operationName } = await json(request);
  const document = parse(query);
  const invalid = validate(schema, document);
  if (invalid.length) return { errors: invalid };
  const contextValue = forwarded(request.headers);
  return execute({ schema, document, variableValues: variables, operationName, contextValue });
}

// Who asks, and what for: handed on unchanged.
function forwarded(headers) {
  const names = ["authorization", "omniloket-purpose"];
  return Object.fromEntries(names.filter((name) => headers?.[name]).map((name) => [name, headers[name]]));
}
