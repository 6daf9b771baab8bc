import { describe, expect, test } from "bun:test";
import { fixtureFiles } from "../../test/support/fixture-files.ts";
import { memoryFiles } from "../../test/support/memory-files.ts";
import type { Configuration, ConfigurationResult } from "./configuration.ts";
import { loadConfiguration } from "./load-configuration.ts";
import { formatProblem, formatWarning } from "./problem.ts";

function load(texts: Readonly<Record<string, string>>, main: string, env = {}): ConfigurationResult {
  return loadConfiguration(main, memoryFiles(texts), env);
}

function valid(result: ConfigurationResult): Configuration {
  if (!result.ok) throw new Error(result.problems.map(formatProblem).join("\n"));
  return result.configuration;
}

describe("the files of the source text load as they stand", () => {
  const files = fixtureFiles("config/source-001");

  test("static file and persisted objects together, each old name told once", () => {
    const result = load(files, "sluice.cnf");
    const { servers, services, listeners, monitors } = valid(result);
    expect([...servers.keys()]).toEqual(["prod_mariadb01", "prod_mariadb02", "prod_mariadb03"]);
    expect([...services.keys()]).toEqual(["rwsplit-service"]);
    expect([...listeners.keys()]).toEqual(["rwsplit-listener"]);
    expect(monitors.get("cluster-monitor")).toMatchObject({
      module: "mariadbmon",
      parameters: { monitor_interval: 10_000 },
    });
    expect(servers.get("prod_mariadb01")?.parameters).toMatchObject({
      address: "192.168.50.11",
      ssl: true,
      ssl_ca: "/etc/my.cnf.d/certs/ca-cert.pem",
      ssl_version: [],
    });
    expect(services.get("rwsplit-service")?.parameters.password?.reveal()).toBe(
      "AF76BE841B5B4692D820A49298C00272",
    );
    expect(result.warnings.map(formatWarning)).toEqual((files["warnings.txt"] ?? "").trim().split("\n"));
  });

  test("the [maxscale] of the keepalived text, with its trailing comments", () => {
    const { sluice } = valid(load(files, "globals.cnf"));
    expect(sluice.parameters).toMatchObject({ admin_host: "0.0.0.0", admin_port: 8989, threads: "auto" });
  });
});

describe("whole files", () => {
  const files = fixtureFiles("config/good");

  test("one of MaxScale 24.02", () => {
    const { servers, monitors, services, listeners } = valid(load(files, "maxscale-24.cnf"));
    expect(servers.get("node2")?.parameters.proxy_protocol).toBe("v1");
    expect(monitors.get("Galera-Monitor")?.parameters).toMatchObject({
      servers: ["node1", "node2"],
      available_when_donor: "nonblocking",
    });
    expect(services.get("Read-Write-Service")).toMatchObject({
      module: "readwritesplit",
      parameters: {
        user: "service_user",
        transaction_replay_max_size: 10 * 1024 ** 2,
        connection_keepalive: 300_000,
      },
    });
    expect(listeners.get("Read-Write-Listener")?.parameters.ssl_version).toEqual(["TLSv1.2", "TLSv1.3"]);
  });

  test("one of Sluice, with every kind of publisher", () => {
    const result = load(files, "sluice.cnf");
    const { publishers, servers, monitors } = valid(result);
    expect(result.warnings).toEqual([]);
    expect([...publishers.values()].map(({ module }) => module)).toEqual([
      "http",
      "agent-check",
      "port-gate",
      "track-file",
      "haproxy-socket",
      "notify",
    ]);
    expect(servers.get("db2")?.parameters).toMatchObject({ check_timeout: 300, rise: undefined });
    expect(monitors.get("cluster")?.parameters.password?.reveal()).toBe("quoted # password");
    expect(Object.isFrozen(servers.get("db1")?.parameters)).toBe(true);
    expect(Bun.inspect(result) + JSON.stringify([...monitors.values()])).not.toContain("quoted # password");
  });

  test("an empty file is a daemon with defaults; a missing one is a mistake", () => {
    expect(valid(load({ "x.cnf": "" }, "x.cnf")).sluice.parameters.admin_port).toBe(8989);
    const result = load({}, "x.cnf");
    expect(result.ok ? [] : result.problems.map(formatProblem)).toEqual([
      "x.cnf does not exist; name an existing file",
    ]);
  });

  test("the directory next to the file is read, all the way down, *.cnf only", () => {
    const server = (name: string, n: number) => `[${name}]\ntype=server\naddress=10.0.0.${n}\n`;
    const { servers } = valid(
      load(
        {
          "m.cnf": server("a", 1),
          "m.cnf.d/z.cnf": server("z", 2),
          "m.cnf.d/deep/er/b.cnf": server("b", 3),
          "m.cnf.d/c.cnf.bak": "nonsense",
        },
        "m.cnf",
      ),
    );
    expect([...servers.keys()]).toEqual(["a", "b", "z"]);
  });
});

describe("environment", () => {
  const text = "[db1]\ntype=server\naddress=$DB\nmonitoruser='$DB'\n[maxscale]\nsubstitute_variables=true\n";

  test("a whole value is replaced, but not in quotes", () => {
    const { servers } = valid(load({ "x.cnf": text }, "x.cnf", { DB: "10.0.0.7" }));
    expect(servers.get("db1")?.parameters).toMatchObject({ address: "10.0.0.7", monitoruser: "$DB" });
    expect(servers.get("db1")?.given.get("address")).toMatchObject({ text: "10.0.0.7", variable: "DB" });
  });

  test("nothing is replaced unless asked for", () => {
    const plain = "[db1]\ntype=server\naddress=a\nmonitoruser=$DB\n";
    expect(valid(load({ "x.cnf": plain }, "x.cnf")).servers.get("db1")?.parameters.monitoruser).toBe("$DB");
  });
});
