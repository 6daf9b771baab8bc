// Imports point up this list only (docs/architecture.md): a folder may import from itself and from those before it.
const ORDER = [
  "wire",
  "sql",
  "topology",
  "errors",
  "verdict",
  "system",
  "telemetry",
  "probe",
  "proxy",
  "monitor",
  "publish",
  "failover",
  "config",
  "admin",
  "render",
  "client",
  "cli",
  "main",
];
// Pure data and functions: nothing but their own kind, and no node: module that touches the world.
const PURE = ["wire", "sql", "topology", "errors", "verdict"];
// The data path: see hot-path below.
const HOT = ["wire", "sql", "proxy"];
const under = (folders) => `^(src|test/boundaries)/(${folders.join("|")})/`;

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    ...ORDER.slice(0, -1).map((folder, i) => ({
      name: "leaf-first",
      severity: "error",
      comment: `${folder}/ may import only from itself and the folders before it`,
      from: { path: under([folder]) },
      to: { path: under(ORDER.slice(i + 1)) },
    })),
    {
      name: "pure",
      severity: "error",
      comment: "pure folders touch nothing of the outside world; hashing and signing are arithmetic",
      from: { path: under(PURE), pathNot: "\\.test\\.ts$" },
      to: { dependencyTypes: ["core", "npm"], pathNot: "^(node:)?crypto$" },
    },
    {
      name: "hot-path",
      severity: "error",
      comment: "the data path knows no configuration, telemetry, schema or logging",
      from: { path: under(HOT), pathNot: "\\.test\\.ts$" },
      to: { path: `${under(["config", "telemetry"])}|node_modules/(pino|zod|prom-client)` },
    },
    {
      name: "proxy-and-monitor-apart",
      severity: "error",
      comment: "only the routing table passes between proxy/ and monitor/",
      from: { path: under(["proxy"]) },
      to: { path: under(["monitor"]) },
    },
    {
      name: "proxy-and-monitor-apart",
      severity: "error",
      comment: "only the routing table passes between proxy/ and monitor/",
      from: { path: under(["monitor"]) },
      to: { path: under(["proxy"]) },
    },
    { name: "no-cycles", severity: "error", from: {}, to: { circular: true } },
    {
      name: "source-knows-no-tests",
      severity: "error",
      from: { path: "^src/", pathNot: "\\.test\\.ts$" },
      to: { path: "^(test|bench|scripts)/" },
    },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    builtInModules: { add: ["bun", "bun:ffi", "bun:test"] },
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["import", "require", "node", "default", "types"],
    },
  },
};
