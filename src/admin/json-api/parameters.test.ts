import { describe, expect, test } from "bun:test";
import { FLEET } from "../../../test/support/admin-fixture.ts";
import { MemoryControl } from "../../../test/support/memory-control.ts";
import type { ConfigurationObject } from "../../config/configuration.ts";
import { changedParameters, newParameters, parametersDocument } from "./parameters.ts";

const configuration = new MemoryControl(FLEET).configuration();
const object = (name: string): ConfigurationObject => {
  const { servers, monitors, services, listeners, publishers, sluice } = configuration;
  const found = [servers, monitors, services, listeners, publishers]
    .map((map) => map.get(name))
    .find(Boolean);
  return found ?? sluice;
};
const changed = (name: string, given: Record<string, unknown>) =>
  Object.fromEntries(changedParameters(object(name), given));

describe("what is read", () => {
  test("is typed as MaxScale types it", () => {
    expect(parametersDocument(object("rw"))).toMatchObject({
      type: "service",
      router: "readwritesplit",
      max_slave_connections: 255,
      master_accept_reads: false,
      delayed_retry_timeout: "10000ms",
      transaction_replay_max_size: 1_048_576,
      slave_selection_criteria: "least_current_operations",
      version_string: null,
    });
    expect(parametersDocument(object("m"))).toMatchObject({
      type: "monitor",
      module: "mariadbmon",
      events: "all",
    });
    expect(parametersDocument(object("sluice"))).toMatchObject({ admin_port: 8989, admin_ssl_key: null });
  });

  test("has no password, and no reference that is a relationship", () => {
    const all = ["db1", "m", "rw", "rw-listener", "node-health", "sluice"].map((name) =>
      parametersDocument(object(name)),
    );
    expect(JSON.stringify(all)).not.toContain("topsecret");
    expect(all[0]).toMatchObject({ monitorpw: "*****", monitoruser: null });
    expect(all[4]).toMatchObject({ auth_password: null });
    for (const name of ["servers", "targets", "cluster"]) expect(all[2]).not.toHaveProperty(name);
    expect(all[1]).not.toHaveProperty("servers");
    expect(all[3]).toHaveProperty("service", "rw");
  });

  test("sent back, it changes nothing", () => {
    for (const name of ["db1", "db3", "m", "rw", "ro", "rw-listener", "node-health", "sluice"]) {
      expect([name, changed(name, parametersDocument(object(name)))]).toEqual([name, {}]);
    }
  });
});

describe("what is written", () => {
  test("becomes text of the dialect, under present names", () => {
    const given = {
      passwd: 123,
      max_slave_replication_lag: "5s",
      enable_root_user: true,
      connection_timeout: null,
    };
    expect(
      Object.fromEntries(newParameters("service", { ...given, router_options: ["master", "slave"] })),
    ).toEqual({
      password: "123",
      max_replication_lag: "5s",
      enable_root_user: "true",
      router_options: "master,slave",
    });
  });

  test("is only what differs: null and an empty text take a value back", () => {
    expect(changed("db1", { port: "3306", priority: 2, monitorpw: "*****" })).toEqual({ priority: "2" });
    expect(changed("db1", { monitorpw: null, rise: null })).toEqual({ monitorpw: null });
    expect(changed("m", { monitor_interval: 2000, failcount: "5", script: "" })).toEqual({});
    expect(changed("m", { user: "", slave_conditions: "" })).toEqual({ user: null, slave_conditions: "" });
    expect(
      changed("m", { monitor_interval: "2s", rise: "3", module: "mariadbmon", type: "monitor" }),
    ).toEqual({ rise: "3" });
    expect(changed("db1", { monitorpw: "another" })).toEqual({ monitorpw: "another" });
    expect(changed("db1", { nonsense: 1 })).toEqual({ nonsense: "1" });
  });

  test.each([
    ["another module", "m", { module: "galeramon" }, "REFUSED", "module cannot be changed"],
    ["what takes a restart", "sluice", { threads: 4 }, "REFUSED", "threads cannot be changed while it runs"],
    [
      "nothing for a parameter that is not there",
      "db1",
      { nope: null },
      "REQUEST_INVALID",
      "no such parameter",
    ],
    ["an object", "db1", { port: { a: 1 } }, "REQUEST_INVALID", "parameters.port: expected a text"],
    [
      "a list of lists",
      "db1",
      { disable_files: [["a"]] },
      "REQUEST_INVALID",
      "parameters.disable_files: expected",
    ],
    [
      "old and present name",
      "m",
      { passwd: "a", password: "b" },
      "REQUEST_INVALID",
      "password is there twice",
    ],
  ])("refuses %s", (_what, name, given, code, words) => {
    expect(() => changedParameters(object(name), given)).toThrow(
      expect.objectContaining({ code, message: expect.stringContaining(words) }),
    );
  });

  test("a hidden password is no password", () => {
    expect(() => newParameters("monitor", { password: "*****" })).toThrow(/stands for a password/);
  });
});
