import { defineConfig } from "vite";

// The bundle lies inside the Python package, so that an installation has it.
export default defineConfig({
  base: "/graphiql/",
  // What docs/front-ends offers to copy is bundled with this folder's own packages.
  resolve: { dedupe: ["graphql-ws"] },
  build: {
    outDir: "../omniloket/bundle",
    emptyOutDir: true,
    target: "es2022",
    modulePreload: { polyfill: false },
    rolldownOptions: {
      input: ["index.html", "live.html"],
      // "use client" means something to servers that render React; there is none here.
      onwarn: (warning, warn) => warning.code === "MODULE_LEVEL_DIRECTIVE" || warn(warning),
    },
    chunkSizeWarningLimit: 5000, // kB: the editor is that large
  },
});
