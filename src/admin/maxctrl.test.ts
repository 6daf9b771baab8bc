import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { AdminFixture, type Reply } from "../../test/support/admin-fixture.ts";
import { channel, facts } from "../../test/support/facts.ts";

/**
 * What maxctrl 24.02 sends for each command, and which fields it reads out of the answers. maxctrl itself cannot be installed
 * here, so this is written down from MaxScale's documentation of its client and of its REST API.
 */
let fixture: AdminFixture;
const HEADERS = { accept: "application/json, text/plain, */*", host: "localhost:8989" };

beforeEach(async () => {
  fixture = await AdminFixture.started();
});
afterEach(() => fixture.close());

async function get(resource: string): Promise<Reply["json"]> {
  const reply = await fixture.local("GET", `/v1/${resource}`, { headers: HEADERS });
  expect([resource, reply.status]).toEqual([resource, 200]);
  return reply.json;
}

async function write(method: string, resource: string, body?: unknown): Promise<void> {
  const reply = await fixture.local(method, `/v1/${resource}`, { headers: HEADERS, body });
  expect([resource, reply.status, reply.text]).toEqual([resource, 204, ""]);
}

/** `attributes.parameters.port`, `relationships.servers.data[].id`, `attributes.queries[0].statement` */
function read(value: Reply["json"], path: string): unknown {
  const [first = "", ...rest] = path.split(".");
  const [, name = "", index] = /^([^[]+)(?:\[(\d*)\])?$/.exec(first) ?? [];
  const found = value?.[name];
  if (index === "")
    return (found ?? []).map((item: unknown) => (rest.length ? read(item, rest.join(".")) : item));
  const inner = index === undefined ? found : found?.[Number(index)];
  return rest.length === 0 ? inner : inner === undefined ? undefined : read(inner, rest.join("."));
}

/** One row of a `list` table, as it is printed: arrays joined, nothing where there is no value. */
function row(resource: Reply["json"], paths: readonly string[]): readonly unknown[] {
  return paths.map((path) => {
    const value = read(resource, path) ?? "";
    return Array.isArray(value) ? value.join(", ") : value;
  });
}

const table = (document: Reply["json"], paths: readonly string[]) =>
  document.data.map((resource: Reply["json"]) => row(resource, paths));

describe("list", () => {
  test("servers", async () => {
    const found = facts({ serverId: 3000, gtid: { ...facts().gtid, currentPos: "0-3000-5" } });
    fixture.control.states.set("db1", { state: "Master, Running", facts: found });
    fixture.control.states.set("db2", {
      state: "Slave, Running",
      connections: { current: 2, total: 9, max: 3 },
    });
    const document = await get("servers");
    for (const { attributes } of document.data) {
      // The client shows the socket where there is no address, and puts state_details behind the state.
      if (!attributes.parameters.address && attributes.parameters.socket) {
        attributes.parameters.address = attributes.parameters.socket;
        attributes.parameters.port = "";
      }
      if (attributes.state_details) attributes.state += `, ${attributes.state_details}`;
    }
    const paths = ["id", "attributes.parameters.address", "attributes.parameters.port"];
    const more = ["attributes.statistics.connections", "attributes.state", "attributes.gtid_current_pos"];
    expect(table(document, [...paths, ...more])).toEqual([
      ["db1", "10.0.0.1", 3306, 0, "Master, Running", "0-3000-5"],
      ["db2", "10.0.0.2", 3307, 2, "Slave, Running", ""],
      ["db3", "/run/mysqld/db3.sock", "", 0, "Running", ""],
    ]);
  });

  test("services, listeners, monitors, filters, sessions", async () => {
    const connections = ["attributes.statistics.connections", "attributes.statistics.total_connections"];
    const services = ["id", "attributes.router", ...connections, "relationships.servers.data[].id"];
    expect(table(await get("services"), services)).toEqual([
      ["rw", "readwritesplit", 0, 0, "db1, db2"],
      ["ro", "readconnroute", 0, 0, "db1, db2"],
    ]);
    const listeners = [
      "id",
      "attributes.parameters.port",
      "attributes.parameters.address",
      "attributes.state",
    ];
    expect(table(await get("listeners"), [...listeners, "relationships.services.data[].id"])).toEqual([
      ["rw-listener", 4006, "::", "Not started", "rw"],
    ]);
    const ofService = read((await get("services/rw")).data, "attributes.listeners[]");
    expect(table({ data: ofService }, listeners)).toEqual([["rw-listener", 4006, "::", "Not started"]]);
    const monitors = ["id", "attributes.state", "relationships.servers.data[].id"];
    expect(table(await get("monitors"), monitors)).toEqual([["m", "Running", "db1, db2"]]);
    expect((await get("filters")).data).toEqual([]);
    expect((await get("sessions?rdns=true")).data).toEqual([]);
  });

  test("sessions and queries", async () => {
    fixture.control.clientSessions.push({
      id: "7",
      service: "rw",
      user: "app",
      remote: "10.1.1.1",
      connectedAt: Date.UTC(2026, 0, 2),
      idleSeconds: 1.5,
      state: "Session started",
      database: "shop",
      memoryBytes: 1200,
      ioActivity: 4,
      connections: [{ server: "db1", connectionId: 99 }],
    });
    const document = await get("sessions");
    const who = ["id", "attributes.user", "attributes.remote", "attributes.connected", "attributes.idle"];
    const how = ["attributes.memory.total", "attributes.io_activity", "relationships.services.data[].id"];
    expect(table(document, [...who, ...how])).toEqual([
      ["7", "app", "10.1.1.1", "Fri, 02 Jan 2026 00:00:00 GMT", 1.5, 1200, 4, "rw"],
    ]);
    // `list queries` looks at retain_last_statements, and at the first query of every session.
    expect(read((await get("maxscale")).data, "attributes.parameters.retain_last_statements")).toBe(0);
    expect(document.data[0].attributes.queries).toEqual([]);
    const shown = ["attributes.connections[].server", "attributes.connections[].connection_id"];
    const rest = [
      "attributes.database",
      "attributes.queries[].statement",
      "attributes.log",
      "attributes.client.cipher",
    ];
    expect(row((await get("sessions/7")).data, [...shown, ...rest])).toEqual([
      "db1",
      "99",
      "shop",
      "",
      "",
      "",
    ]);
  });

  test("modules, threads, users, commands", async () => {
    const modules = table(await get("maxscale/modules"), [
      "id",
      "attributes.module_type",
      "attributes.version",
    ]);
    expect(modules).toContainEqual(["readwritesplit", "Router", "0.1.0"]);
    expect(modules).toContainEqual(["galeramon", "Monitor", "0.1.0"]);
    const load = ["last_second", "last_minute", "last_hour"].map((span) => `attributes.stats.load.${span}`);
    const descriptors = ["attributes.stats.current_descriptors", "attributes.stats.total_descriptors"];
    expect(table(await get("maxscale/threads"), ["id", ...descriptors, ...load])).toEqual([
      ["0", 5, 9, 2, 1, 0],
    ]);
    const users = ["id", "type", "attributes.account", "attributes.last_login"];
    expect(table(await get("users"), users)).toEqual([["admin", "inet", "admin", ""]]);
    const commands = table(await get("maxscale/modules"), ["id", "attributes.commands[].id"]);
    expect(commands).toContainEqual(["mariadbmon", "switchover"]);
  });
});

describe("show", () => {
  test("server", async () => {
    const found = facts({
      serverId: 3001,
      uptimeSeconds: 60,
      channels: [channel({ sourceHost: "10.0.0.1", sourceServerId: 3000, lagSeconds: 2 })],
    });
    fixture.control.states.set("db2", { state: "Slave, Running", facts: found, lagSeconds: 2 });
    const { data } = await get("servers/db2");
    const paths = [
      "id",
      "attributes.state",
      "attributes.version_string",
      "attributes.uptime",
      "attributes.last_event",
      "attributes.triggered_at",
      "relationships.services.data[].id",
      "relationships.monitors.data[].id",
      "attributes.master_id",
      "attributes.node_id",
      "attributes.slaves",
      "attributes.statistics.connections",
      "attributes.statistics.total_connections",
      "attributes.statistics.max_connections",
      "attributes.replication_lag",
      "attributes.source.file",
    ];
    expect(row(data, paths)).toEqual([
      "db2",
      "Slave, Running",
      "10.11.19-MariaDB",
      60,
      "server_up",
      "Fri, 02 Jan 2026 03:00:00 GMT",
      "rw, ro",
      "m",
      3000,
      3001,
      "",
      0,
      0,
      0,
      2,
      "/etc/sluice.cnf",
    ]);
    expect(data.attributes.slave_connections[0]).toMatchObject({
      master_server_id: 3000,
      master_server_name: "db1",
      slave_io_running: "Yes",
      seconds_behind_master: 2,
    });
  });

  test("service, monitor, listener, module, commands", async () => {
    const service = (await get("services/rw")).data;
    const paths = [
      "id",
      "attributes.router",
      "attributes.state",
      "attributes.started",
      "attributes.users_last_update",
    ];
    const links = ["monitors", "servers", "services", "filters"].map(
      (type) => `relationships.${type}.data[].id`,
    );
    expect(row(service, [...paths, "attributes.statistics.max_connections", ...links])).toEqual([
      "rw",
      "readwritesplit",
      "Stopped",
      "",
      "",
      0,
      "m",
      "db1, db2",
      "",
      "",
    ]);
    expect([service.attributes.router_diagnostics, service.attributes.users]).toEqual([{}, []]);
    expect(service.attributes.parameters).toMatchObject({
      router: "readwritesplit",
      max_slave_connections: 255,
    });

    const monitor = (await get("monitors/m")).data;
    expect(monitor.attributes).toMatchObject({ module: "mariadbmon", state: "Running" });
    expect(monitor.attributes.parameters).toMatchObject({ monitor_interval: "2000ms", password: "*****" });
    expect(read(monitor, "attributes.monitor_diagnostics.server_info[].name")).toEqual(["db1", "db2"]);
    expect(read(monitor, "attributes.monitor_diagnostics.server_info[].slave_connections")).toEqual([[], []]);

    const listener = (await get("listeners/rw-listener")).data;
    expect(listener.attributes.parameters).toMatchObject({
      service: "rw",
      port: 4006,
      socket: null,
      ssl: false,
    });

    const module = (await get("maxscale/modules/mariadbmon")).data;
    const about = ["id", "attributes.module_type", "attributes.version", "attributes.maturity"];
    expect(row(module, about)).toEqual(["mariadbmon", "Monitor", "0.1.0", "GA"]);
    const [command] = module.attributes.commands;
    const form = ["id", "attributes.parameters[].type", "attributes.parameters[].description"];
    expect(row(command, form)).toEqual([
      "switchover",
      "MONITOR, [SERVER], [SERVER]",
      "The monitor, A server, A server",
    ]);
  });

  test("collections are found with a trailing slash", async () => {
    for (const resource of ["servers/", "services/", "monitors/", "listeners/", "sessions/", "filters/"])
      await get(resource);
    await get("maxscale/modules/");
    await get("maxscale/modules/mariadbmon/");
  });

  test("maxscale, logging, threads, query classifier, dbusers", async () => {
    const { data } = await get("maxscale");
    const paths = ["version", "commit", "started_at", "activated_at", "config_sync"].map(
      (p) => `attributes.${p}`,
    );
    const started = "Fri, 02 Jan 2026 03:00:00 GMT";
    expect(row(data, paths)).toEqual(["0.1.0", "abc1234", started, started, ""]);
    expect(data.attributes.uptime).toBeGreaterThan(0);
    expect(data.attributes.parameters).toMatchObject({ passive: false, admin_port: 8989, threads: 0 });
    expect(read(data, "attributes.system.os.sysname")).toBe("Linux");

    const logging = (await get("maxscale/logs")).data;
    expect(row(logging, ["attributes.log_file", "attributes.log_priorities"])).toEqual([
      "",
      "alert, error, warning, notice",
    ]);
    const stats = ["reads", "max_exec_time", "query_classifier_cache.size"].map(
      (p) => `attributes.stats.${p}`,
    );
    expect(row((await get("maxscale/threads/0")).data, ["id", ...stats])).toEqual(["0", 0, 0, 0]);
    expect((await get("maxscale/query_classifier/cache")).data).toEqual([]);
    expect(read((await get("services/rw")).data, "attributes.users[]")).toEqual([]);
  });

  test("create report", async () => {
    const parts = [
      "maxscale",
      "servers",
      "services",
      "monitors",
      "listeners",
      "filters",
      "sessions",
      "users",
    ];
    for (const resource of parts) await get(resource);
    const more = [
      "modules",
      "query_classifier",
      "threads",
      "logs/data?page[size]=1000",
      "debug/server_diagnostics",
    ];
    for (const resource of more) await get(`maxscale/${resource}`);
  });
});

describe("create, link, alter, unlink, destroy", () => {
  const relation = (type: string, ...ids: readonly string[]) => ({
    [type]: { data: ids.map((id) => ({ id, type })) },
  });
  const servers = (...ids: readonly string[]) => relation("servers", ...ids);

  test("server", async () => {
    await write("POST", "servers", {
      data: {
        id: "db4",
        type: "servers",
        attributes: { parameters: { address: "10.0.0.4", port: 3306 } },
        relationships: { ...relation("services", "ro"), ...relation("monitors", "m") },
      },
    });
    const { data } = await get("servers/db4");
    expect(row(data, ["relationships.services.data[].id", "relationships.monitors.data[].id"])).toEqual([
      "rw, ro",
      "m",
    ]);
    expect(data.attributes.source.type).toBe("runtime");

    await write("PATCH", "servers/db4", { data: { attributes: { parameters: { priority: 5, ssl: true } } } });
    expect((await get("servers/db4")).data.attributes.parameters).toMatchObject({ priority: 5, ssl: true });

    const refused = await fixture.local("DELETE", "/v1/servers/db4");
    expect([refused.status, refused.json.errors[0].detail]).toEqual([
      403,
      "the server db4 is linked to monitor m, service ro; unlink it first, or destroy it by force",
    ]);
    await write("DELETE", "servers/db4?force=yes");
    expect((await fixture.local("GET", "/v1/servers/db4")).status).toBe(404);
    expect(read((await get("monitors/m")).data, "relationships.servers.data[].id")).toEqual(["db1", "db2"]);
  });

  test("monitor, without a type in its body", async () => {
    await write("PATCH", "monitors/m", {
      data: { relationships: servers(), attributes: { parameters: {} } },
    });
    await write("POST", "monitors", {
      data: {
        id: "g",
        attributes: { module: "galeramon", parameters: { user: "a", password: 123, monitor_interval: 500 } },
        relationships: servers("db1", "db2"),
      },
    });
    expect(
      row((await get("monitors/g")).data, ["attributes.module", "relationships.servers.data[].id"]),
    ).toEqual(["galeramon", "db1, db2"]);
    expect((await get("monitors/g")).data.attributes.parameters.monitor_interval).toBe("500ms");
    await write("DELETE", "monitors/g?force=yes");
  });

  test("service and listener", async () => {
    const parameters = { user: "u", password: "p", max_replication_lag: "5s" };
    await write("POST", "services", {
      data: {
        id: "new",
        attributes: { router: "readconnroute", parameters },
        relationships: { ...servers("db1"), ...relation("services", "ro") },
      },
    });
    const links = ["relationships.servers.data[].id", "relationships.services.data[].id"];
    expect(row((await get("services/new")).data, links)).toEqual(["db1", "ro"]);
    await write("POST", "listeners", {
      data: {
        id: "new-listener",
        type: "listeners",
        attributes: { parameters: { port: 4010 } },
        relationships: relation("services", "new"),
      },
    });
    await write("PATCH", "listeners/new-listener", { data: { attributes: { parameters: { port: 4011 } } } });
    // `destroy listener new new-listener` makes sure first that it belongs to the service.
    await get("services/new/listeners/new-listener");
    expect((await fixture.local("GET", "/v1/services/rw/listeners/new-listener")).status).toBe(404);
    await write("DELETE", "listeners/new-listener");
    await write("DELETE", "services/new?force=yes");
  });

  test("link and unlink send back the whole object, without its attributes", async () => {
    const link = async (path: string, type: string, target: string) => {
      for (const collection of ["servers", "monitors", "services", "filters"]) await get(collection);
      const document = await get(path);
      for (const other of ["servers", "services", "monitors", "filters"]) {
        const list = document.data.relationships?.[other]?.data ?? [];
        if (other === type) list.push({ id: target, type });
        document.data.relationships[other] = { ...document.data.relationships[other], data: list };
      }
      document.data.attributes = undefined;
      await write("PATCH", path, document);
    };
    const unlink = async (path: string, target: string) => {
      const document = await get(path);
      for (const other of Object.values<Reply["json"]>(document.data.relationships)) {
        other.data = other.data.filter(({ id }: Reply["json"]) => id !== target);
      }
      document.data.attributes = undefined;
      await write("PATCH", path, document);
    };
    const serversOf = async (path: string) => read((await get(path)).data, "relationships.servers.data[].id");

    await link("monitors/m", "servers", "db3");
    expect(await serversOf("monitors/m")).toEqual(["db1", "db2", "db3"]);
    expect(await serversOf("services/rw")).toEqual(["db1", "db2", "db3"]);
    await link("services/ro", "servers", "db3");
    expect(await serversOf("services/ro")).toEqual(["db1", "db2", "db3"]);
    await unlink("services/ro", "db2");
    expect(await serversOf("services/ro")).toEqual(["db1", "db3"]);
    await unlink("services/rw", "m");
    const { data } = await get("services/rw");
    expect(row(data, ["relationships.monitors.data[].id", "relationships.servers.data[].id"])).toEqual([
      "",
      "",
    ]);
    await link("services/rw", "monitors", "m");
    expect(read((await get("services/rw")).data, "relationships.monitors.data[].id")).toEqual(["m"]);
  });

  test("alter turns servers, cluster, targets and filters into relationships", async () => {
    await write("PATCH", "monitors/m", {
      data: { relationships: servers("db2"), attributes: { parameters: { failcount: 3 } } },
    });
    expect((await get("monitors/m")).data.attributes.parameters.failcount).toBe(3);
    await write("PATCH", "services/ro", {
      data: {
        relationships: { ...servers("db2"), ...relation("services") },
        attributes: { parameters: {} },
      },
    });
    await write("PATCH", "services/ro", { data: { relationships: relation("filters") } });
    const refused = await fixture.local("PATCH", "/v1/services/ro", {
      body: { data: { id: "ro", type: "services", relationships: relation("filters", "qla") } },
    });
    expect([refused.status, refused.json.errors[0].detail]).toEqual([
      404,
      "Sluice has no filters, and so not the filter qla",
    ]);
  });

  test("maxscale and logging", async () => {
    await write("PATCH", "maxscale", { data: { attributes: { parameters: { passive: true } } } });
    expect(fixture.control.configuration().sluice.parameters.passive).toBe(true);
    await write("PATCH", "maxscale/logs", { data: { attributes: { parameters: { log_info: true } } } });
    expect(fixture.control.configuration().sluice.parameters.log_info).toBe(true);
  });

  test("users", async () => {
    const attributes = { password: "long enough", account: "basic" };
    await write("POST", "users/inet", { data: { id: "reader", type: "inet", attributes } });
    const changed = { id: "reader", type: "inet", attributes: { password: "longer still" } };
    await write("PATCH", "users/inet/reader", { data: changed });
    expect((await get("users/inet/reader")).data.attributes.last_update).not.toBeNull();
    await write("DELETE", "users/inet/reader");
    expect((await fixture.local("DELETE", "/v1/users/inet/admin")).status).toBe(403);
  });

  test("filters", async () => {
    expect((await fixture.local("POST", "/v1/filters", { body: { data: { id: "f" } } })).status).toBe(404);
    expect((await fixture.local("GET", "/v1/filters/f")).status).toBe(404);
    expect((await fixture.local("DELETE", "/v1/filters/f")).status).toBe(404);
  });
});

describe("set, clear, start, stop, reload, rotate, call", () => {
  test("set and clear server", async () => {
    await write("PUT", "servers/db1/set?state=maintenance");
    await write("PUT", "servers/db1/clear?state=maintenance");
    await write("PUT", "servers/db1/set?state=drain&force=yes");
    expect(fixture.control.calls).toEqual(["db1 maintenance", "db1 none", "db1 drain"]);
    fixture.control.states.set("db1", { state: "Master, Running" });
    const refused = await fixture.local("PUT", "/v1/servers/db1/set?state=maintenance");
    expect([refused.status, refused.json.errors[0].detail]).toEqual([
      403,
      "db1 is the primary; --force puts it away nevertheless",
    ]);
  });

  test("start and stop", async () => {
    await write("PUT", "monitors/m/stop");
    expect((await get("monitors/m")).data.attributes.state).toBe("Stopped");
    await write("PUT", "monitors/m/start");
    await write("PUT", "services/rw/stop?force=yes");
    await write("PUT", "listeners/rw-listener/start");
    expect(fixture.control.calls.slice(2)).toEqual([
      "stop service rw by force",
      "start listener rw-listener",
    ]);
  });

  test("reload, rotate, destroy session", async () => {
    await write("POST", "services/rw/reload");
    await write("POST", "maxscale/tls/reload");
    await write("POST", "maxscale/logs/flush");
    expect((await fixture.local("DELETE", "/v1/sessions/7?ttl=0")).status).toBe(404);
    expect(fixture.control.calls).toEqual(["reload accounts rw", "rotate"]);
  });

  test("call command finds the method, and sends bare arguments in their order", async () => {
    const { data } = await get("maxscale/modules/mariadbmon/");
    const command = data.attributes.commands.find(({ id }: Reply["json"]) => id === "switchover");
    expect(command.attributes.method).toBe("POST");
    const reply = await fixture.local("POST", "/v1/maxscale/modules/mariadbmon/switchover?m&db2&db1");
    expect([reply.status, reply.json.meta]).toEqual([200, { done: ["m", "db2", "db1"] }]);
    await write("POST", "maxscale/modules/mariadbmon/switchover?m");
    const unknown = await fixture.local("GET", "/v1/maxscale/modules/mariadbmon/nonsense?");
    expect(unknown.status).toBe(404);
    const tooMany = await fixture.local("POST", "/v1/maxscale/modules/mariadbmon/switchover?m&a&b&c");
    expect([tooMany.status, tooMany.json.errors[0].detail]).toEqual([
      400,
      "switchover takes: MONITOR [SERVER] [SERVER]; found 4",
    ]);
  });
});

test("several hosts are asked first whether they are there", async () => {
  expect((await fixture.local("GET", "/v1/", { headers: HEADERS })).status).toBe(200);
});
