import { afterEach, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { AdminFixture } from "../../../test/support/admin-fixture.ts";
import { runFleet } from "../../../test/support/fleet-command.ts";
import { FLEET_COMMANDS, isFleetCommand } from "./fleet-commands.ts";

const SERVICE = `
[maxscale]
threads=1
[rwsplit-service]
type=service
router=readwritesplit
user=maxuser_ssl
passwd=AF76BE841B5B4692D820A49298C00272
`;
const DOCUMENT = readFileSync(join(import.meta.dir, "../../../docs/from-maxadmin.md"), "utf8");
const [, section = ""] = DOCUMENT.split("## A whole set-up");
const [, lines = "", , table = ""] = section.split(/```(?:sh)?\n/);

let fixture: AdminFixture | undefined;
afterEach(async () => {
  await fixture?.close();
});

async function sluice(line: string): Promise<string> {
  const [program, name = "", ...args] = line.split(" ");
  if (program !== "sluice" || !isFleetCommand(name)) throw new Error(`no command of the fleet: ${line}`);
  const told = await runFleet(await FLEET_COMMANDS[name](), ["--hosts", fixture?.socketPath ?? "", ...args]);
  expect({ line, error: told.error }).toEqual({ line, error: "" });
  return told.out;
}

test("the guide's whole set-up runs as it stands, and ends in its table", async () => {
  fixture = await AdminFixture.started({ fleet: SERVICE });
  const commands = lines.trim().split("\n");
  expect(commands).toHaveLength(18);
  for (const [name, state] of [
    ["prod_mariadb01", "Master, Running"],
    ["prod_mariadb02", "Slave, Running"],
    ["prod_mariadb03", "Slave, Running"],
  ] as const) {
    fixture.control.states.set(name, { state });
  }
  let last = "";
  for (const command of commands) last = await sluice(command);
  expect(last).toBe(table);
  const { monitors, services, listeners, servers } = fixture.control.configuration();
  const names = ["prod_mariadb01", "prod_mariadb02", "prod_mariadb03"];
  expect(monitors.get("cluster-monitor")?.parameters.servers).toEqual(names);
  expect(monitors.get("cluster-monitor")?.parameters.monitor_interval).toBe(10_000);
  expect(services.get("rwsplit-service")?.parameters.servers).toEqual(names);
  expect(listeners.get("rwsplit-listener")?.parameters).toMatchObject({ address: "0.0.0.0", port: 4006 });
  expect(servers.get("prod_mariadb02")?.parameters).toMatchObject({
    address: "192.168.50.12",
    ssl: true,
    ssl_ca: "/etc/my.cnf.d/certs/ca-cert.pem",
  });
});
