import { describe, expect, test } from "bun:test";
import { memoryFiles } from "../../test/support/memory-files.ts";
import type { Configuration } from "../config/configuration.ts";
import { loadConfiguration } from "../config/load-configuration.ts";
import { type HaproxyOptions, renderHaproxy } from "./haproxy.ts";
import { type KeepalivedOptions, renderKeepalived } from "./keepalived.ts";
import { renderNginx } from "./nginx.ts";
import { fleetOf } from "./rendered-fleet.ts";

function configurationOf(text: string): Configuration {
  const result = loadConfiguration("/s.cnf", memoryFiles({ "/s.cnf": text }), {});
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  return result.configuration;
}

const server = (name: string, more: string) => `[${name}]\ntype=server\n${more}\n`;
const monitor = (name: string, module: string, servers: string) =>
  `[${name}]\ntype=monitor\nmodule=${module}\nservers=${servers}\nuser=m\npassword=p\n`;
const DB1 = server("db1", "address=10.0.0.1");
const DB2 = server("db2", "address=fd00::2\nport=3310");
const GALERA = DB1 + DB2 + monitor("cluster", "galeramon", "db2,db1");

const HAPROXY: HaproxyOptions = {
  topology: "galera",
  writers: "all",
  balance: "leastconn",
  bind: "*",
  port: 3306,
  readPort: 3307,
  checkPort: 9200,
  agentPort: undefined,
  intervalMs: 1000,
  fall: 2,
  rise: 1,
  maxLagMs: undefined,
  maxConnections: 1000,
  connectTimeoutMs: 1500,
  idleTimeoutMs: 28_800_000,
  socket: "/run/haproxy/admin.sock",
  statsPort: undefined,
};

const KEEPALIVED: KeepalivedOptions = {
  role: "master",
  instance: "VI_1",
  interface: "eth0",
  routerId: 51,
  priority: 101,
  addresses: ["10.0.0.100/24"],
  advertSeconds: 1,
  password: undefined,
  unicast: undefined,
  noPreempt: false,
  mail: undefined,
  check: { kind: "track-file", file: "/var/lib/sluice/track", weight: 0 },
  scriptUser: "sluice",
  sluice: "/usr/bin/sluice",
  notify: [],
};

describe("fleetOf", () => {
  test("is the only monitor's servers, in its order, and knows what they are", () => {
    const fleet = fleetOf(configurationOf(GALERA), undefined);
    expect(fleet).toMatchObject({ name: "cluster", topology: "galera" });
    expect(fleet.servers.map(({ name, host, port }) => [name, host, port])).toEqual([
      ["db2", "fd00::2", 3310],
      ["db1", "10.0.0.1", 3306],
    ]);
  });

  test("is a service's by name, and all servers without a monitor", () => {
    const service = "[rw]\ntype=service\nrouter=readconnroute\ncluster=cluster\nuser=u\npassword=p\n";
    expect(fleetOf(configurationOf(GALERA + service), "rw")).toMatchObject({
      name: "rw",
      topology: "galera",
    });
    expect(fleetOf(configurationOf(DB1 + DB2), undefined).servers).toHaveLength(2);
  });

  test("says which names there are where it is not clear, or there is none of that name", () => {
    const two = configurationOf(DB1 + DB2 + monitor("a", "galeramon", "db1") + monitor("b", "auto", "db2"));
    expect(() => fleetOf(two, undefined)).toThrow("whose servers? --of names a monitor or service: a, b");
    expect(() => fleetOf(two, "c")).toThrow("no monitor or service is called so: a, b");
  });

  test("refuses what cannot stand in another program's file", () => {
    const socket = configurationOf(server("db1", "socket=/run/s.sock"));
    expect(() => fleetOf(socket, undefined)).toThrow("[db1] has a unix socket only");
    const blank = configurationOf(server("db 1", "address=10.0.0.1"));
    expect(() => fleetOf(blank, undefined)).toThrow("[db 1] cannot be a name");
  });
});

describe("renderHaproxy", () => {
  const fleet = fleetOf(configurationOf(GALERA), undefined);
  const lines = (changes: Partial<HaproxyOptions>) =>
    renderHaproxy(fleet, { ...HAPROXY, ...changes }).split("\n");

  test("the same gives the same", () => {
    expect(renderHaproxy(fleet, HAPROXY)).toBe(renderHaproxy(fleet, HAPROXY));
  });

  test("Galera: all nodes on one port", () => {
    const text = lines({});
    expect(text.filter((line) => line.startsWith("listen"))).toEqual(["listen cluster"]);
    expect(text).toContain("    balance leastconn");
    expect(text).toContain("    server db2 [fd00::2]:3310");
    expect(text).toContain("    timeout connect 1500ms");
  });

  test("one writer: the others are backups, and reads have their own port", () => {
    const text = lines({ writers: "one" });
    expect(text.filter((line) => line.startsWith("listen"))).toEqual([
      "listen cluster-write",
      "listen cluster-read",
    ]);
    expect(text).toContain("    server db2 [fd00::2]:3310");
    expect(text).toContain("    server db1 10.0.0.1:3306 backup");
    expect(text).toContain("    default-server on-marked-up shutdown-backup-sessions");
  });

  test("replication: the agents tell who is primary and who is replica; the primary reads where no replica does", () => {
    const text = lines({ topology: "replication", maxLagMs: 5000 });
    expect(text).toContain("    http-check send meth GET uri /primary");
    expect(text).toContain("    http-check send meth GET uri /replica?lag=5s");
    expect(text).toContain("    use_backend cluster-write if { nbsrv(cluster-read) eq 0 }");
  });

  test("weights keep their proportions in HAProxy's range, and only 0 is 0", () => {
    const heavy = server("db1", "address=10.0.0.1\nweight=1000");
    const rest = server("db2", "address=10.0.0.2\nweight=0.5") + server("db3", "address=10.0.0.3\nweight=0");
    const text = renderHaproxy(fleetOf(configurationOf(heavy + rest), undefined), HAPROXY);
    expect(text).toContain("server db1 10.0.0.1:3306 weight 100\n");
    expect(text).toContain("server db2 10.0.0.2:3306 weight 1\n");
    expect(text).toContain("server db3 10.0.0.3:3306 weight 0\n");
  });

  test("a server known by name keeps HAProxy from starting nowhere", () => {
    const named = fleetOf(configurationOf(server("db1", "address=db1.example")), undefined);
    expect(renderHaproxy(named, HAPROXY)).toContain(
      "default-server resolvers system init-addr last,libc,none",
    );
    expect(lines({}).join()).not.toContain("resolvers");
  });
});

describe("renderKeepalived", () => {
  test("the pair differs in state, priority and nothing else but the comment on top", () => {
    const master = renderKeepalived(KEEPALIVED).split("\n");
    const backup = renderKeepalived({ ...KEEPALIVED, role: "backup", priority: 100 }).split("\n");
    const differing = master.flatMap((line, index) =>
      line === backup[index] || line.startsWith("#") ? [] : [[line.trim(), backup[index]?.trim()]],
    );
    expect(differing).toEqual([
      ["state MASTER", "state BACKUP"],
      ["priority 101", "priority 100"],
    ]);
  });

  test("an address of the other family moves along, unannounced", () => {
    const text = renderKeepalived({ ...KEEPALIVED, addresses: ["10.0.0.100/24", "fd00::64/64"] });
    expect(text).toMatch(/virtual_ipaddress \{\s+10\.0\.0\.100\/24\s+\}/);
    expect(text).toMatch(/virtual_ipaddress_excluded \{\s+fd00::64\/64\s+\}/);
  });

  test("changes of state come to maxify in order", () => {
    const text = renderKeepalived({ ...KEEPALIVED, notify: ["--hosts", "127.0.0.1:8989"] });
    expect(text).toContain(
      'vrrp_notify_fifo_script "/usr/bin/sluice maxify --hosts 127.0.0.1:8989 --fifo" sluice',
    );
    expect(renderKeepalived({ ...KEEPALIVED, notify: undefined })).not.toContain("maxify");
  });
});

test("renderNginx goes to the mirror ports, and leaves a server of weight 0 out", () => {
  const fleet = fleetOf(configurationOf(DB2 + server("db1", "address=10.0.0.1\nweight=0")), undefined);
  const text = renderNginx(fleet, {
    balance: "least_conn",
    bind: "10.0.0.9",
    port: 3306,
    mirrorPort: 3308,
    connectTimeoutMs: 1000,
    idleTimeoutMs: 28_800_000,
    failTimeoutMs: 1000,
  });
  expect(text).toContain("server [fd00::2]:3308 max_fails=1 fail_timeout=1s; # db2");
  expect(text).toContain("server 10.0.0.1:3308  max_fails=1 fail_timeout=1s down; # db1");
  expect(text).toContain("listen 10.0.0.9:3306 so_keepalive=on;");
});
