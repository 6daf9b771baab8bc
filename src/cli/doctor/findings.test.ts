import { describe, expect, test } from "bun:test";
import { createServer } from "node:net";
import { facts } from "../../../test/support/facts.ts";
import { memoryFiles } from "../../../test/support/memory-files.ts";
import type { FileAccess } from "../../config/file-access.ts";
import { listeningInodes, tcpListeners } from "../../system/tcp-listeners.ts";
import { judgeConnectErrors, judgeGrants, judgeObservation } from "./account.ts";
import { judgeListener } from "./port.ts";
import { judgeSecrets, watchingSecrets } from "./secret-files.ts";

describe("account", () => {
  test("a failed login carries the remedy of its code", () => {
    const failure = { code: "PROBE_AUTH_DENIED", detail: "refused", errno: 1045 } as const;
    expect(judgeObservation({ reached: false, at: 0, tookMs: 1, failure }, "auto", "x")).toEqual([
      {
        subject: "account",
        severity: "error",
        sentence: "PROBE_AUTH_DENIED: refused",
        remedy: "`sluice grants` prints the SQL for the account; check user and password.",
      },
    ]);
  });

  test.each([
    ["replica", "error"],
    ["auto", "warning"],
  ] as const)("an account that may not ask for replication, profile %s", (profile, severity) => {
    const denied = { reached: true, at: 0, tookMs: 1, facts: facts({ channels: "denied" }) } as const;
    expect(judgeObservation(denied, profile, "x").map((finding) => finding.severity)).toEqual([
      "ok",
      severity,
    ]);
  });

  test.each([
    ["100", "warning"],
    ["10", "warning"],
    ["1000000", "ok"],
  ])("max_connect_errors = %s", (value, severity) => {
    const rows = [{ Variable_name: "max_connect_errors", Value: value }];
    expect(judgeConnectErrors(rows)).toMatchObject([{ severity }]);
  });

  test.each([
    ["GRANT ALL PRIVILEGES ON *.* TO `root`@`localhost` WITH GRANT OPTION", "warning"],
    ["GRANT SELECT, SUPER ON *.* TO `x`@`%`", "warning"],
    ["GRANT USAGE ON *.* TO `super`@`%`", "ok"],
    ["GRANT SLAVE MONITOR ON *.* TO `x`@`%`", "ok"],
    ["GRANT ALL PRIVILEGES ON `test`.* TO `x`@`%`", "ok"],
  ])("%s", (grant, severity) => {
    expect(judgeGrants([{ "Grants for x": grant }])).toMatchObject([{ severity }]);
  });
});

describe("port", () => {
  test("the programs that listen are found", async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as { readonly port: number };
    expect(tcpListeners(port)).toEqual([{ pid: process.pid, program: expect.any(String) }]);
    await new Promise((resolve) => server.close(resolve));
    expect(tcpListeners(port)).toEqual([]);
  });

  test("only sockets in state LISTEN on that very port count", () => {
    const text = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000:23F0 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4242 1 0
   1: 0100007F:23F0 0100007F:A000 01 00000000:00000000 00:00000000 00000000     0        0 4243 1 0
   2: 00000000:123F 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4244 1 0
`;
    expect(listeningInodes(text, 9200)).toEqual(["4242"]);
  });

  test.each([
    ["sluice", "ok", ""],
    ["xinetd", "error", "put `disable = yes`"],
    ["systemd", "error", "`systemctl list-sockets`"],
    ["nginx", "error", "stop it, or give"],
    [undefined, "error", "run this as root"],
  ])("%s on the port", (program, severity, remedy) => {
    const finding = judgeListener(9200, { pid: 7, program });
    expect(finding.severity).toBe(severity as "ok");
    expect(finding.remedy).toStartWith(remedy);
  });
});

describe("passwords", () => {
  const see = (entries: Parameters<typeof memoryFiles>[0]) => {
    const { files, open } = watchingSecrets(memoryFiles(entries));
    for (const path of Object.keys(entries)) files.read(path);
    return judgeSecrets(open);
  };

  test.each([
    ["[client]\npassword=x", 0o644, "warning"],
    ["[client]\nuser = u\n password = 'x'", 0o644, "warning"],
    ["MYSQL_PASSWORD=x", 0o644, "warning"],
    ["export MYSQL_PASSWORD='x'", 0o604, "warning"],
    ["[client]\npassword=x", 0o640, "ok"],
    ["[client]\npassword=", 0o644, "ok"],
    ["[client]\npassword", 0o644, "ok"],
    ["[client]\n# password=x\nuser=y", 0o644, "ok"],
  ])("%j, mode %o", (text, mode, severity) => {
    expect(see({ "/x.cnf": [text, mode] })).toMatchObject([{ severity }]);
  });

  test("lists directories as before", () => {
    const files: FileAccess = memoryFiles({ "/a/b": "" });
    expect(watchingSecrets(files).files.list("/a")).toEqual([{ name: "b", directory: false }]);
  });
});
