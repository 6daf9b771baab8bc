import { join } from "node:path";
import { fetchServers } from "../../../client/server-status.ts";
import { print, printError } from "../../output.ts";
import { RUNTIME_DIRECTORY, runningProcess } from "./running.ts";

const STOP_MS = 5000;
const ANSWER_MS = 500;
const NAME = "mysqlchk_iptables";

/** What the one in the background says of its node; undefined: it does not answer. */
export async function nodeSentence(): Promise<string | undefined> {
  const socket = join(RUNTIME_DIRECTORY, "agent.sock");
  const servers = await fetchServers(socket, undefined, ANSWER_MS).catch(() => []);
  return servers[0]?.verdict.sentence;
}

/** `-s`. Resolves to the exit code. */
export async function status(): Promise<number> {
  const pid = runningProcess();
  if (pid === undefined) {
    print(`${NAME} is not running.\n`);
    return 1;
  }
  const sentence = (await nodeSentence()) ?? "it does not answer";
  print(`${NAME} is running with PID ${pid}: ${sentence}.\n`);
  return 0;
}

/** `-x`: ends the one in the background, and waits until its port is closed. Resolves to the exit code. */
export async function stop(): Promise<number> {
  const pid = runningProcess();
  if (pid === undefined) {
    print(`${NAME} is not running.\n`);
    return 1;
  }
  process.kill(pid, "SIGTERM");
  const end = performance.now() + STOP_MS;
  while (runningProcess() === pid) {
    if (performance.now() > end) {
      printError(`${NAME} with PID ${pid} does not stop within ${STOP_MS / 1000} s\n`);
      return 1;
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  print(`${NAME} with PID ${pid} is stopped.\n`);
  return 0;
}
