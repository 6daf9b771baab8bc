import { describe, expect, test } from "bun:test";
import type { ReplicaLink } from "./replica-link.ts";
import { type GraphServer, ReplicationGraph } from "./replication-graph.ts";

const link = (source: string, more: Partial<ReplicaLink> = {}): ReplicaLink => ({
  channel: "",
  sourceHost: source,
  sourcePort: 3306,
  sourceServerId: undefined,
  state: "connected",
  lagSeconds: 0,
  error: undefined,
  ...more,
});

const server = (
  name: string,
  links: readonly ReplicaLink[],
  more: Partial<GraphServer> = {},
): GraphServer => ({
  name,
  addresses: [{ host: name, port: 3306 }],
  serverId: undefined,
  isRunning: true,
  links,
  ...more,
});

const graph = (...servers: readonly GraphServer[]) =>
  new ReplicationGraph(servers, { byAddress: true, withExternal: true });

describe("sources", () => {
  const replica = (more: Partial<ReplicaLink>) => server("db2", [link("10.0.0.1", more)]);
  const sourceOf = (servers: readonly GraphServer[], options = { byAddress: true, withExternal: true }) =>
    new ReplicationGraph(servers, options).edges("db2").map((edge) => edge.source);

  test("are found by address, whatever the case of the host name", () => {
    const db1 = server("db1", [], { addresses: [{ host: "DB1.lan", port: 3306 }] });
    expect(sourceOf([db1, server("db2", [link("db1.LAN")])])).toEqual(["db1"]);
    expect(sourceOf([db1, server("db2", [link("db1.lan", { sourcePort: 3307 })])])).toEqual([undefined]);
  });

  test("are found by server_id where no address fits", () => {
    expect(sourceOf([server("db1", [], { serverId: 7 }), replica({ sourceServerId: 7 })])).toEqual(["db1"]);
  });

  test("are not found by a server_id that two servers share", () => {
    const twins = [server("db1", [], { serverId: 7 }), server("db3", [], { serverId: 7 })];
    expect(sourceOf([...twins, replica({ sourceServerId: 7 })])).toEqual([undefined]);
  });

  test("are found by server_id alone if addresses mean nothing", () => {
    const servers = [server("db1", [], { serverId: 7 }), server("db2", [link("db1")])];
    expect(sourceOf(servers, { byAddress: false, withExternal: true })).toEqual([undefined]);
  });

  test("outside the fleet can be left out, and a server is not its own", () => {
    const options = { byAddress: true, withExternal: false };
    expect(sourceOf([server("db2", [link("elsewhere"), link("db2")])], options)).toEqual([]);
  });
});

describe("followers", () => {
  const chain = (middle: boolean) =>
    graph(
      server("db1", []),
      server("db2", [link("db1")], { isRunning: middle }),
      server("db3", [link("db2", { state: "connecting" })]),
      server("db4", [link("db1", { state: "broken" })]),
    );

  test("are the running servers downstream whose replication is not broken", () => {
    expect(chain(true).followers("db1", { throughDown: false })).toEqual(["db2", "db3"]);
  });

  test("behind a relay that is down count only if asked for", () => {
    expect(chain(false).followers("db1", { throughDown: false })).toEqual([]);
    expect(chain(false).followers("db1", { throughDown: true })).toEqual(["db3"]);
  });

  test("of a ring's members are the others", () => {
    const ring = graph(
      server("db1", [link("db3")]),
      server("db2", [link("db1")]),
      server("db3", [link("db2")]),
      server("db4", [link("db1")]),
    );
    expect(ring.followers("db2", { throughDown: false })).toEqual(["db3", "db1", "db4"]);
    expect(ring.inSameRing("db1", "db2")).toBe(true);
    expect(ring.inSameRing("db1", "db4")).toBe(false);
  });
});
