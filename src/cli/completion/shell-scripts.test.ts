import { afterAll, beforeAll, expect, test } from "bun:test";
import { spawn } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { answerJson, RestServer } from "../../../test/support/rest-server.ts";

const ENTRY = join(import.meta.dir, "../../main/sluice.ts");
const folder = mkdtempSync(join(tmpdir(), "sluice-completion-"));
let rest: RestServer;

/** A daemon with two servers on the socket where commands look for it, and `sluice` in the path. */
beforeAll(async () => {
  const data = ["db1", "db2"].map((id) => ({ id, type: "servers", attributes: {}, relationships: {} }));
  rest = await RestServer.start(
    ({ target }, response) => answerJson(response, 200, { data: target === "/v1/servers" ? data : [] }),
    { path: join(folder, "admin.sock") },
  );
  const executable = join(folder, "sluice");
  writeFileSync(executable, `#!/bin/sh\nexec '${process.execPath}' run '${ENTRY}' "$@"\n`);
  chmodSync(executable, 0o755);
});

afterAll(async () => {
  await rest.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** What bash puts into COMPREPLY with the cursor at the end of `line`; it cuts words at = and : as readline does. */
function inBash(line: string): Promise<readonly string[]> {
  const words = line.split(/([=: ])/).filter((word) => word !== "" && word !== " ");
  const quoted = [...words, ...(line.endsWith(" ") ? [""] : [])].map((word) => `'${word}'`).join(" ");
  const script = `
    compopt() { :; }
    source <(sluice completion bash)
    COMP_LINE='${line}' COMP_POINT=${line.length} COMP_WORDS=(${quoted})
    COMP_CWORD=$((\${#COMP_WORDS[@]} - 1))
    eval "$(complete -p sluice | sed -E 's/.*-F ([^ ]+).*/\\1/')"
    printf '%s\\n' "\${COMPREPLY[@]}"`;
  return new Promise((resolve, reject) => {
    const env = {
      ...process.env,
      PATH: `${folder}:${process.env["PATH"]}`,
      HOME: folder,
      SLUICE_RUNTIME_DIR: folder,
    };
    const bash = spawn("bash", ["-c", script], { env, timeout: 20_000 });
    let out = "";
    let complaints = "";
    bash.stdout.on("data", (chunk: Buffer) => {
      out += chunk.toString();
    });
    bash.stderr.on("data", (chunk: Buffer) => {
      complaints += chunk.toString();
    });
    bash.on("error", reject);
    bash.on("close", () =>
      complaints === ""
        ? resolve(out.split("\n").filter((word) => word !== ""))
        : reject(new Error(complaints)),
    );
  });
}

test.each([
  ["sluice li", ["list", "link"]],
  ["sluice show server ", ["db1", "db2"]],
  ["sluice set server db1 m", ["maintenance"]],
  ["sluice create publisher node http server=", ["db1", "db2"]],
  ["sluice create publisher node http server=db", ["db1", "db2"]],
  ["sluice create publisher node http serv", ["server=", "service="]],
  ["sluice completion ", ["bash", "zsh", "fish"]],
])(
  "bash: %s",
  async (line, expected) => {
    expect(await inBash(line)).toEqual(expected);
  },
  30_000,
);
