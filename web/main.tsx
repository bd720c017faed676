// The page: GraphiQL over this server's own schema.

import "graphiql/setup-workers/vite";
import "graphiql/style.css";
import "./page.css";

import { GraphiQL } from "graphiql";
import { createRoot } from "react-dom/client";

import { fetcher } from "./fetcher";
import { readyTabs, takeTokens, type Tab } from "./ready_queries";

const TABS_KEY = "graphiql:tabState";

// Everything that is typed here, tokens and citizens' data among it, is forgotten when the browser's tab closes.
const storage = window.sessionStorage;

function Page({ tabs }: { tabs: Tab[] | null }) {
  return (
    <GraphiQL
      fetcher={fetcher}
      storage={storage}
      shouldPersistHeaders
      showPersistHeadersSettings={false}
      defaultEditorToolsVisibility="headers"
      {...(tabs?.[0] && {
        defaultTabs: tabs,
        initialQuery: tabs[0].query,
        initialVariables: tabs[0].variables,
        initialHeaders: tabs[0].headers,
      })}
    >
      <GraphiQL.Logo>
        <span className="logo">Omniloket</span>
      </GraphiQL.Logo>
      <GraphiQL.Footer>
        <div className="tokens">
          A token goes into the headers, as <code>"Authorization": "Bearer …"</code>. In development,{" "}
          <code>make run</code> prints a link that fills it in, and <code>omniloket token --role agent</code> makes one.
        </div>
      </GraphiQL.Footer>
    </GraphiQL>
  );
}

// Another link in the same tab of the browser does not load the page by itself.
window.addEventListener("hashchange", () => window.location.reload());

const tokens = takeTokens();
if (tokens.citizen || tokens.agent) {
  storage.clear();
}
// After a reload the tabs are as they were left.
const tabs = storage.getItem(TABS_KEY) === null ? await readyTabs(tokens) : null;
createRoot(document.getElementById("graphiql")!).render(<Page tabs={tabs} />);
