/** Who may know whom: docs/architecture.md draws it, this holds it. Arrows only go down. */
const room = (name) => `^src/${name}/`;
const only = (from, rooms) => ({
  name: `${from}-knows-too-much`,
  comment: `${from} may know ${rooms.length === 0 ? "nobody" : rooms.join(", ")}`,
  severity: "error",
  from: { path: room(from) },
  to: { path: "^src/", pathNot: [from, ...rooms].map(room) },
});

module.exports = {
  forbidden: [
    only("message", []),
    only("port", ["message"]),
    only("transaction", ["message", "port"]),
    only("auth", ["message", "port"]),
    only("location", ["message", "port"]),
    only("registrar", ["message", "port", "location", "auth"]),
    only("proxy", ["message", "port", "transaction", "location"]),
    only("extension", ["message", "port", "location", "auth", "registrar", "proxy"]),
    only("storage", ["message", "port", "location", "auth"]),
    only("transport", ["message", "port"]),
    only("testing", ["message", "port", "location", "auth"]),
    only("server", [
      "message", "port", "transaction", "auth", "location", "registrar", "proxy", "extension", "storage", "transport",
    ]),
    only("admin", ["message", "port", "location", "auth", "server"]),
    {
      name: "pure-rooms-name-no-module",
      comment: "what is below storage and transport names no Node module and no package",
      severity: "error",
      from: { path: "^src/(message|port|transaction|auth|location|registrar|proxy|extension)/" },
      to: { dependencyTypes: ["core", "npm", "npm-dev", "npm-optional", "npm-peer"] },
    },
    { name: "no-circular", severity: "error", from: {}, to: { circular: true, viaOnly: { dependencyTypesNot: ["type-only"] } } },
    { name: "no-orphans", severity: "error", from: { orphan: true, path: "^src/", pathNot: "^src/(index|testing/index|cli/main)\\.ts$" }, to: {} },
    { name: "nobody-imports-index", severity: "error", from: { path: "^src/" }, to: { path: "^src/index\\.ts$" } },
  ],
  options: {
    tsConfig: { fileName: "tsconfig.json" },
    tsPreCompilationDeps: true,
    doNotFollow: { path: "node_modules" },
    enhancedResolveOptions: { exportsFields: ["exports"], conditionNames: ["import", "types", "node"] },
  },
};
