import { afterEach, beforeEach, expect, mock, spyOn, test } from "bun:test";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { answerJson, RestServer } from "../../../test/support/rest-server.ts";
import * as output from "../output.ts";
import { command } from "./maxping.ts";

const SERVERS = {
  data: [
    { id: "box03", type: "servers", attributes: { state: "Master, Running" } },
    { id: "box04", type: "servers", attributes: { state: "Slave, Running" } },
  ],
};

let folder: string;
let password: string;
let rest: RestServer;
let said: string[];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "sluice-maxping-"));
  password = join(folder, "password");
  writeFileSync(password, "secret\n", { mode: 0o600 });
  rest = await RestServer.start((request, response) => {
    const expected = `Basic ${Buffer.from("ping:secret").toString("base64")}`;
    const isKnown = request.headers.authorization === expected;
    answerJson(response, isKnown ? 200 : 401, isKnown ? SERVERS : { errors: [{ detail: "who are you?" }] });
  });
  said = [];
  spyOn(output, "print").mockImplementation((text) => void said.push(text));
  spyOn(output, "printError").mockImplementation((text) => void said.push(text));
});
afterEach(async () => {
  mock.restore();
  await rest.stop();
  rmSync(folder, { recursive: true });
});

const ping = (hosts: string, ...args: readonly string[]) =>
  command.run(["--hosts", hosts, "--user", "ping", "--password-file", password, "--timeout", "20s", ...args]);

test("0 where all servers are listed, in their states", async () => {
  expect(await ping(rest.host, "box03=Master", "box04")).toBe(0);
  expect(said).toEqual(["All is fine: box03, box04\n"]);
});

test("of several daemons, the first that answers", async () => {
  expect(await ping(`127.0.0.1:1,${rest.host}`, "box03")).toBe(0);
});

test("3 where one is missing, nobody answers, or the account is wrong; the password is not said", async () => {
  expect(await ping(rest.host, "box05")).toBe(3);
  expect(await ping("127.0.0.1:1", "box03")).toBe(3);
  writeFileSync(password, "wrong\n");
  expect(await ping(rest.host, "box03")).toBe(3);
  expect(said[0]).toBe("maxping: box05 is not listed; there is box03, box04\n");
  expect(said.join("")).not.toContain("wrong");
});

test("--quiet says nothing", async () => {
  expect(await ping(rest.host, "--quiet", "box05")).toBe(3);
  expect(said).toEqual([]);
});

test("a password file that others may read is refused", async () => {
  chmodSync(password, 0o644);
  await expect(ping(rest.host, "box03")).rejects.toThrow(`chmod 600 ${password}`);
});
