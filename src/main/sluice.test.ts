import { afterAll, beforeAll, expect, test } from "bun:test";
import { spawn } from "node:child_process";
import { join } from "node:path";
import { answerJson, RestServer } from "../../test/support/rest-server.ts";

let rest: RestServer;

beforeAll(async () => {
  const data = [{ id: "db1", type: "servers", attributes: { state: "Running" } }];
  rest = await RestServer.start(({ target }, response) =>
    target === "/v1/servers" ? answerJson(response, 200, { data }) : answerJson(response, 404, undefined),
  );
});
afterAll(async () => {
  await rest.stop();
});

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly error: string;
}

/** The program as it is called, with `HOST` for the daemon. */
function sluice(line: string): Promise<Ended> {
  const args = line.split(" ").map((word) => word.replace("HOST", rest.host));
  const env = { ...process.env, HOME: "/nonexistent", SLUICE_RUNTIME_DIR: "/nonexistent" };
  const entry = join(import.meta.dir, "sluice.ts");
  const child = spawn(process.execPath, ["run", entry, ...args], { env, timeout: 20_000 });
  let out = "";
  let error = "";
  child.stdout.on("data", (chunk: Buffer) => {
    out += chunk.toString();
  });
  child.stderr.on("data", (chunk: Buffer) => {
    error += chunk.toString();
  });
  return new Promise((resolve) => child.on("close", (code) => resolve({ code, out, error })));
}

test.each([
  ["list servers --hosts HOST --tsv", 0, "db1\t"],
  ["-h HOST --tsv list servers", 0, "db1\t"],
  ["list -h HOST servers --tsv", 0, "db1\t"],
  ["list", 2, "one word is missing"],
  ["lst", 2, "did you mean sluice list?"],
  ["explain --hosts HOST", 2, "SERVER is missing"],
  ["explain db9 --hosts HOST", 1, "there is no server db9; there is db1"],
  ["explain --server db9 --runtime-dir /nonexistent", 3, "no agent answers"],
  ["list servers --help", 0, "Usage: sluice list servers"],
  ["list -h", 0, "Usage: sluice list WORD"],
  ["help create server", 0, "Parameters (KEY=VALUE):"],
  ["help create servr", 2, "did you mean sluice create server?"],
  ["help", 0, "Commands for the fleet"],
  ["-h", 0, "Usage: sluice COMMAND"],
  ["completion tcsh", 2, "tcsh is no shell that is known here"],
  ["completion bash", 0, "complete -F _sluice sluice"],
])(
  "sluice %s: exit code %i",
  async (line, code, expected) => {
    const ended = await sluice(line);
    expect(`${ended.out}${ended.error}`).toContain(expected);
    expect(ended.code).toBe(code);
  },
  30_000,
);
