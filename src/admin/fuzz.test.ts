import { afterAll, beforeAll, expect, test } from "bun:test";
import fc from "fast-check";
import { AdminFixture, type Reply } from "../../test/support/admin-fixture.ts";
import { CATALOGUE } from "../errors/catalogue.ts";
import { createRoutes } from "./routes.ts";

/** Whatever a body holds: it is carried out or refused with a documented error, and the server goes on. */
let fixture: AdminFixture;

beforeAll(async () => {
  fixture = await AdminFixture.started();
});
afterAll(() => fixture.close());

const SECONDS = 2;
const BOUNDED = { numRuns: 2000, interruptAfterTimeLimit: SECONDS * 1000, markInterruptAsFailure: false };
const DEADLINE_MS = 30_000;

/** Accounts are left out: each body that is right would cost a scrypt. */
const WRITES = createRoutes().filter(
  ({ access, path }) => access === "write" && !path.startsWith("/v1/users") && !path.includes("/sessions"),
);
const NAMES = ["db1", "db2", "m", "rw", "ro", "rw-listener", "node-health", "new", "a,b", "x]\n[y", ""];
const SPECIAL = [
  "__proto__",
  "constructor",
  "toString",
  "hasOwnProperty",
  "\u0000",
  "\ud800",
  "§",
  "\r\n[z]",
];
const PARAMETERS = [
  ...["address", "port", "socket", "servers", "targets", "cluster", "service", "user", "password", "script"],
  ...["module", "router", "type", "monitor_interval", "events", "priority", "weight", "server", "passwd"],
];

const text = fc.oneof(
  fc.constantFrom(...NAMES, ...SPECIAL),
  fc.string({ maxLength: 40, unit: "binary" }),
  fc.constantFrom("1", "-1", "10ms", "99999999999999999999", "true", "mariadbmon", "readwritesplit", "*****"),
);
const scalar = fc.oneof(text, fc.integer(), fc.double(), fc.boolean(), fc.constant(null));
const anything = fc.oneof(scalar, fc.jsonValue({ maxDepth: 4 }), fc.array(scalar, { maxLength: 4 }));
/** Or something that is not what belongs there. */
const mostly = (right: fc.Arbitrary<unknown>) =>
  fc.oneof({ weight: 6, arbitrary: right }, { weight: 1, arbitrary: anything });

const parameters = fc.dictionary(fc.oneof(fc.constantFrom(...PARAMETERS, ...SPECIAL), text), anything, {
  maxKeys: 6,
});
const identifiers = mostly(
  fc.array(mostly(fc.record({ id: mostly(text), type: mostly(text) }, { requiredKeys: [] })), {
    maxLength: 4,
  }),
);
const relationships = fc.dictionary(
  fc.constantFrom("servers", "services", "monitors", "filters", "listeners", ...SPECIAL),
  mostly(fc.record({ data: identifiers })),
);
const attributes = fc.record(
  { module: mostly(text), router: mostly(text), parameters: mostly(parameters) },
  { requiredKeys: [] },
);
const object = fc.record(
  {
    id: mostly(text),
    type: mostly(fc.constantFrom("servers", "services", "monitors")),
    attributes: mostly(attributes),
    relationships: mostly(relationships),
  },
  { requiredKeys: [] },
);
const body = mostly(fc.record({ data: fc.oneof(mostly(object), identifiers) }));
const target = fc
  .tuple(fc.constantFrom(...WRITES), text, fc.constantFrom("servers", "services", "__proto__"))
  .map(([{ method, path }, name, type]) => ({
    method,
    path: path.replace(":name", encode(name)).replace(":type", type),
  }));

function encode(name: string): string {
  return encodeURIComponent(name.toWellFormed());
}

/** 5xx would be our fault; everything that is refused says why, with a code of the catalogue. */
function checkAnswer(reply: Reply): void {
  if (reply.status >= 200 && reply.status < 300) return;
  expect(reply.status >= 400 && reply.status < 500, `${reply.status} ${reply.text}`).toBe(true);
  expect(reply.json?.errors?.length).toBeGreaterThan(0);
  for (const { code, detail } of reply.json.errors) {
    expect([typeof detail, Object.hasOwn(CATALOGUE, code)]).toEqual(["string", true]);
    expect(detail).not.toContain("    at ");
  }
}

test(
  "objects of every shape",
  () =>
    fc.assert(
      fc.asyncProperty(target, body, async ({ method, path }, sent) => {
        checkAnswer(await fixture.local(method, path, { body: JSON.stringify(sent) }));
        expect((await fixture.local("GET", "/v1/servers")).status).toBe(200);
      }),
      BOUNDED,
    ),
  DEADLINE_MS,
);

test(
  "bytes that are hardly JSON",
  () =>
    fc.assert(
      fc.asyncProperty(target, fc.string({ unit: "binary", maxLength: 200 }), async (request, sent) => {
        const { method, path } = request;
        checkAnswer(await fixture.local(method, path, { body: sent }));
        checkAnswer(await fixture.local(method, path, { body: `{"data":${sent}` }));
      }),
      BOUNDED,
    ),
  DEADLINE_MS,
);

const deep = (open: string, close: string, depth: number) => open.repeat(depth) + close.repeat(depth);

test.each([
  ["arrays in arrays", deep("[", "]", 100_000)],
  ["objects in objects", `${'{"data":'.repeat(50_000)}1${"}".repeat(50_000)}`],
  ["arrays never closed", "[".repeat(500_000)],
  ["a deep parameter", `{"data":{"attributes":{"parameters":{"port":${deep("[", "]", 5000)}}}}}`],
  ["prototype keys", '{"__proto__":{"data":{"id":"x"}},"constructor":{"prototype":{"data":1}}}'],
  [
    "a prototype as parameters",
    '{"data":{"id":"x","attributes":{"parameters":{"__proto__":{"address":"a"}}}}}',
  ],
  ["a huge number", `{"data":{"id":"x","attributes":{"parameters":{"port":${"9".repeat(10_000)}}}}}`],
  ["a huge text", JSON.stringify({ data: { id: "x".repeat(900_000) } })],
  [
    "very many parameters",
    JSON.stringify({
      data: {
        id: "x",
        attributes: {
          parameters: Object.fromEntries(Array.from({ length: 20_000 }, (_, i) => [`p${i}`, i])),
        },
      },
    }),
  ],
  [
    "very many links",
    JSON.stringify({
      data: {
        id: "x",
        relationships: { monitors: { data: Array.from({ length: 9000 }, (_, i) => ({ id: `m${i}` })) } },
      },
    }),
  ],
  ["more than 1 MiB", `"${"x".repeat(1_100_000)}"`],
])("%s", async (_what, sent) => {
  for (const path of ["/v1/servers", "/v1/services"]) {
    const reply = await fixture.local("POST", path, { body: sent });
    checkAnswer(reply);
    expect(reply.status).toBeGreaterThanOrEqual(400);
    expect(reply.text.length).toBeLessThan(100_000);
  }
  checkAnswer(await fixture.local("PATCH", "/v1/servers/db3", { body: sent }));
  expect((await fixture.local("GET", "/v1/servers")).status).toBe(200);
  expect(Object.hasOwn(Object.prototype, "data")).toBe(false);
});
