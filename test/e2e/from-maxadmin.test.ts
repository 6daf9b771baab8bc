import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { copyFileSync, mkdirSync, readFileSync } from "node:fs";
import { eventually } from "../eventually.ts";
import { FleetDaemon } from "../lab/fleet-daemon.ts";
import { Lab } from "../lab/lab.ts";
import { type Replication, startReplication } from "../lab/replication.ts";

// The set-up of docs/from-maxadmin.md, typed on a host with the built executable, for real servers that ask for TLS.

setDefaultTimeout(60_000);

const DOCUMENT = readFileSync(new URL("../../docs/from-maxadmin.md", import.meta.url), "utf8");
const COMMANDS = (DOCUMENT.split("## A whole set-up")[1]?.split(/```(?:sh)?\n/)[1] ?? "").trim().split("\n");
const ACCOUNT = { user: "maxuser_ssl", password: "AF76BE841B5B4692D820A49298C00272" };

let lab: Lab;
let replication: Replication;
let daemon: FleetDaemon;

beforeAll(async () => {
  lab = await Lab.create({ name: "from-maxadmin" });
  const [control] = await Promise.all([
    lab.host("control"),
    startReplication(lab, { prefix: "mariadb", hasTls: true }).then((started) => {
      replication = started;
    }),
  ]);
  const { user, password } = ACCOUNT;
  await replication.primary.sql(
    `CREATE USER ${user}@'%' IDENTIFIED BY '${password}' REQUIRE X509; GRANT SLAVE MONITOR ON *.* TO ${user}@'%'`,
  );
  const client = await lab.certificate("client");
  const certificates = control.path("/etc/my.cnf.d/certs");
  mkdirSync(certificates, { recursive: true });
  copyFileSync(client.certificate, `${certificates}/client-cert.pem`);
  copyFileSync(client.key, `${certificates}/client-key.pem`);
  copyFileSync(client.authority, `${certificates}/ca-cert.pem`);
  daemon = await FleetDaemon.start(
    control,
    `[rwsplit-service]\ntype=service\nrouter=readwritesplit\nuser=${user}\npasswd=${password}\n`,
  );
}, 120_000);

afterAll(async () => {
  await lab.destroy();
});

/** The guide's line, with the addresses that the servers have here. */
function onThisNetwork(line: string): string[] {
  const there = line.replace(/192\.168\.50\.1([123])/g, (_, number: string) => {
    return replication.servers[Number(number) - 1]?.address ?? "";
  });
  return there.split(" ").slice(1);
}

test("the whole sequence ends in the article's table", async () => {
  expect(COMMANDS).toHaveLength(18);
  for (const line of COMMANDS) {
    const { code, stderr } = await daemon.command(...onThisNetwork(line));
    expect({ line, code, stderr }).toEqual({ line, code: 0, stderr: "" });
  }
  await daemon.becomes({
    prod_mariadb01: "Master, Running",
    prod_mariadb02: "Slave, Running",
    prod_mariadb03: "Slave, Running",
  });
  const { stdout } = await daemon.command("list", "servers");
  const rows = stdout.split("\n").filter((line) => line.includes("prod_"));
  const columns = rows.map((row) => row.split("│").map((cell) => cell.trim()));
  expect(columns.map(([, name, , port, , state]) => [name, port, state])).toEqual([
    ["prod_mariadb01", "3306", "Master, Running"],
    ["prod_mariadb02", "3306", "Slave, Running"],
    ["prod_mariadb03", "3306", "Slave, Running"],
  ]);
});

test("all of it is there after a restart", async () => {
  await daemon.restart();
  await daemon.becomes({ prod_mariadb01: "Master, Running", prod_mariadb03: "Slave, Running" });
  const { stdout } = await daemon.command("list", "listeners");
  expect(stdout).toContain("rwsplit-listener");
});

test("no password is told to anybody", async () => {
  const shown = await daemon.command("show", "monitors", "--json");
  expect(shown.stdout).toContain("maxuser_ssl");
  expect(shown.stdout).not.toContain(ACCOUNT.password);
  await eventually(() => daemon.process.output.includes("prod_mariadb01"));
  expect(daemon.process.output).not.toContain(ACCOUNT.password);
});
