import { expect, test } from "bun:test";
import { memoryFiles } from "../../../test/support/memory-files.ts";
import { examineHaproxy, judgeHaproxy } from "./haproxy.ts";

const QUESTION = {
  databasePort: 3306,
  healthPort: 9200,
  isLocal: (host: string) => host === "10.0.0.1" || host === "::1",
};

/** Line and severity of each finding. */
function found(text: string): string[] {
  return judgeHaproxy("h.cfg", text, QUESTION).map(
    ({ severity, sentence }) => `${severity} ${sentence.split(": ")[0]}`,
  );
}

test.each([
  ["listen db\n option httpchk\n server a 10.0.0.1:3306 check port 9200", []],
  ["listen db\n option httpchk\n server a 10.0.0.1:3306 check port 9201", ["warning h.cfg:3"]],
  ["listen db\n option httpchk\n server a 10.0.0.2:3306 check port 9201", []],
  ["listen db\n option httpchk OPTIONS /primary\n server a 10.0.0.2:3306 check", ["error h.cfg:3"]],
  ["listen db\n option httpchk\n server a 10.0.0.2:3306", []],
  ["listen db\n option tcp-check\n server a 10.0.0.1:3306 check", []],
  ["listen db\n option httpchk\n option mysql-check user x\n server a 10.0.0.1:3306 check", []],
  [
    "listen db\n option httpchk\n default-server port 9201 inter 5s\n server a 10.0.0.1:3306 check",
    ["warning h.cfg:4"],
  ],
  ["listen db\n option httpchk\n default-server port 9201\n server a 10.0.0.1:3306 check port 9200", []],
  ["listen web\n option httpchk\n server a 10.0.0.1:80 check", []],
  ["listen db\n option httpchk\n server a ipv6@[::1]:3306 check port 9300 # port 9200", ["warning h.cfg:3"]],
  ["# listen db\nlisten db\n option httpchk\n #server a 10.0.0.2:3306 check", []],
  ["defaults\n option httpchk\nlisten db\n server a 10.0.0.2:3306 check", ["error h.cfg:4"]],
  ["defaults\n option httpchk\nlisten db\n no option httpchk\n server a 10.0.0.2:3306 check", []],
  ["defaults\n option httpchk\ndefaults\n mode tcp\nlisten db\n server a 10.0.0.2:3306 check", []],
  ["listen a\n option httpchk\nlisten db\n server a 10.0.0.2:3306 check", []],
])("%j", (text, expected) => {
  expect(found(text)).toEqual(expected);
});

test("names the place, the server and the ports", () => {
  const [finding] = judgeHaproxy(
    "/etc/haproxy/haproxy.cfg",
    "backend b\noption httpchk\nserver db1 10.0.0.1:3306 check port 9300",
    QUESTION,
  );
  expect(finding?.sentence).toBe(
    "/etc/haproxy/haproxy.cfg:3: server db1 is this host, and is checked on port 9300",
  );
  expect(finding?.remedy).toBe(
    "check port 9200, where the agent answers; or give the agent --http-port 9300",
  );
});

test("reads the usual file and its folder, and has nothing to say where there is no HAProxy", () => {
  const text = "listen db\n option httpchk\n server a 10.0.0.2:3306 check";
  expect(examineHaproxy(QUESTION, memoryFiles({}))).toEqual([]);
  expect(examineHaproxy(QUESTION, memoryFiles({ "/etc/haproxy/haproxy.cfg": "global" }))).toMatchObject([
    { severity: "ok" },
  ]);
  expect(examineHaproxy(QUESTION, memoryFiles({ "/etc/haproxy/conf.d/db.cfg": text }))).toMatchObject([
    { severity: "error" },
  ]);
});
