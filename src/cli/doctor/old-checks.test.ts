import { describe, expect, test } from "bun:test";
import { memoryFiles } from "../../../test/support/memory-files.ts";
import { examineOldChecks, judgeSocketUnit, judgeXinetd } from "./old-checks.ts";

const service = (lines: string): string =>
  `# default: on\nservice mysqlchk\n{\n  flags = REUSE\n${lines}\n}\n`;
const isOurs = (path: string): boolean => path === "/usr/bin/clustercheck-of-sluice";

describe("xinetd", () => {
  test.each([
    ["  port = 9200\n  server = /opt/mysqlchk", ["error"]],
    ["  port = 9201\n  server = /opt/mysqlchk", ["warning"]],
    ["  server = /opt/continuent/share/connectorchk.sh", ["warning"]],
    ["  port = 9200\n  server = /bin/other", ["error"]],
    ["  port = 9201\n  server = /bin/other", []],
    ["  port = 9200\n  server = /opt/mysqlchk\n  disable = yes", []],
    ["  port = 9200\n  server = /usr/bin/clustercheck-of-sluice", []],
    ["#  port = 9200\n  server = /bin/other # 9200", []],
  ])("%j", (lines, severities) => {
    const findings = judgeXinetd("/etc/xinetd.d/mysqlchk", service(lines), 9200, isOurs);
    expect(findings.map(({ severity }) => severity as string)).toEqual(severities);
  });

  test("names file, service, port and program", () => {
    const [finding] = judgeXinetd(
      "/etc/xinetd.d/m",
      service("  port = 9200\n  server = /opt/mysqlchk"),
      9200,
      isOurs,
    );
    expect(finding?.sentence).toBe("/etc/xinetd.d/m: service mysqlchk has port 9200 run /opt/mysqlchk");
  });
});

test.each([
  ["mysqlchk.socket", "ListenStream=9200", 1],
  ["mysqlchk.socket", "ListenStream=[::]:9200", 1],
  ["mysqlchk.socket", "ListenStream=19200\nListenStream=/run/9200.sock", 0],
  ["sluice-check.socket", "ListenStream=9200", 0],
])("%s with %j", (unit, lines, count) => {
  expect(
    judgeSocketUnit(`/etc/systemd/system/${unit}`, `[Socket]\n${lines}\nAccept=yes\n`, 9200),
  ).toHaveLength(count);
});

test("looks where these things are put", () => {
  const files = memoryFiles({
    "/etc/xinetd.d/mysqlchk": service("  port = 9200\n  server = /opt/mysqlchk"),
    "/usr/bin/clustercheck": "#!/bin/bash\n",
    "/usr/bin/mysqlchk": "\x7fELF",
    "/usr/bin/bash": "#!",
  });
  expect(
    examineOldChecks(9200, "/usr/bin/sluice", files).map(({ sentence }) => sentence.split(" ")[0]),
  ).toEqual(["/etc/xinetd.d/mysqlchk:", "/usr/bin/clustercheck"]);
  expect(examineOldChecks(9200, "/usr/bin/sluice", memoryFiles({}))).toMatchObject([{ severity: "ok" }]);
});
