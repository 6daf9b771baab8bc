import { afterAll, afterEach, expect, test } from "bun:test";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runFleet } from "../../../test/support/fleet-command.ts";
import { answerJson, RestServer } from "../../../test/support/rest-server.ts";
import { FLEET_COMMANDS } from "./fleet-commands.ts";

const folder = mkdtempSync(join(tmpdir(), "sluice-login-"));
const closing: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});
afterAll(() => rmSync(folder, { recursive: true }));

/** A daemon that knows admin with the password `right`, and the token `tok`. */
async function daemon(path?: string): Promise<RestServer> {
  const known = [`Basic ${Buffer.from("admin:right").toString("base64")}`, "Bearer tok"];
  const rest = await RestServer.start(
    ({ headers }, response) =>
      path !== undefined || known.includes(headers.authorization ?? "")
        ? answerJson(response, 200, { data: [] })
        : answerJson(response, 401, undefined),
    path === undefined ? {} : { path },
  );
  closing.push(() => rest.stop());
  return rest;
}

function file(name: string, text: string, mode = 0o600): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  chmodSync(path, mode);
  closing.push(() => rmSync(path, { force: true }));
  return path;
}

const list = async (args: readonly string[], changes: Parameters<typeof runFleet>[2] = {}) =>
  await runFleet(await FLEET_COMMANDS.list(), ["users", "--quiet", ...args], changes);

test("--user asks for the password once, whatever the number of requests", async () => {
  const hosts = (await daemon()).host;
  const told = await list(["--hosts", hosts, "-u", "admin"], { answers: ["right"] });
  expect(told).toMatchObject({ code: 0, asked: ["Password of admin"] });
});

test("a wrong password, and no account at all, are 4 and say what to do", async () => {
  const hosts = (await daemon()).host;
  const wrong = await list(["--hosts", hosts, "-u", "admin"], { answers: ["wr0ng"] });
  expect(wrong).toMatchObject({ code: 4 });
  expect(wrong.error).toContain("check user and password");
  expect(wrong.error).not.toContain("wr0ng");
  const nobody = await list(["--hosts", hosts]);
  expect(nobody).toMatchObject({ code: 4 });
  expect(nobody.error).toContain("--user NAME");
  const silent = await list(["--hosts", hosts, "-u", "admin"]);
  expect(silent).toMatchObject({ code: 4 });
  expect(silent.error).toContain("--password-file FILE");
});

test("from a file that only its owner may read: a password or a token", async () => {
  const hosts = (await daemon()).host;
  const password = file("password", "right\n");
  expect(await list(["--hosts", hosts, "--password-file", password])).toMatchObject({ code: 0, asked: [] });
  expect(await list(["--hosts", hosts, "--token-file", file("token", "tok\n")])).toMatchObject({ code: 0 });
  chmodSync(password, 0o644);
  const open = await list(["--hosts", hosts, "--password-file", password]);
  expect(open).toMatchObject({ code: 2 });
  expect(open.error).toContain(`chmod 600 ${password}`);
});

test("from ~/.sluice.cnf, else maxctrl's file; the command line wins", async () => {
  const rest = await daemon();
  const env = { HOME: folder };
  file(".maxctrl.cnf", `[maxctrl]\nh = ${rest.host}\nu = admin\np = right\n`);
  expect(await list([], { env })).toMatchObject({ code: 0, asked: [] });
  file(".sluice.cnf", `[sluice]\nhosts = ${rest.host}\nuser = admin\npassword = wrong\n`);
  expect(await list([], { env })).toMatchObject({ code: 4 });
  expect(await list(["--password-file", file("password", "right")], { env })).toMatchObject({ code: 0 });
});

test("an option file with a mistake names its line", async () => {
  const path = file("options", "[sluice]\nhosst = a:1\n");
  const { code, error } = await list(["--config", path]);
  expect(code).toBe(2);
  expect(error).toContain(`${path}:2: there is no option hosst: did you mean hosts?`);
});

test("the socket of this host needs no account, and nobody is asked", async () => {
  const rest = await daemon(join(folder, "admin.sock"));
  const told = await list(["--user", "admin"], { env: { SLUICE_RUNTIME_DIR: folder } });
  expect(told).toMatchObject({ code: 0, asked: [] });
  expect(rest.requests[0]?.headers.authorization).toBeUndefined();
});
