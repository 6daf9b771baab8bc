import { closeSync, existsSync } from "node:fs";
import type { OpenPort } from "../../proxy/worker/worker.ts";
import {
  DescriptorBox,
  type LeftDescriptors,
  leaveDescriptors,
  MOST_DESCRIPTORS,
} from "../../system/pass-descriptor.ts";
import type { InheritedSocket } from "../../system/socket-register.ts";
import type { Clock } from "../../telemetry/clock.ts";
import { isWorker, type LeftWorker } from "./workers-left.ts";

/** A worker that has not handed its sockets on by then hangs, or is of a version that does not; ms. */
const HAND_OVER_MS = 2000;
const LOOK_AGAIN_MS = 5;

/** What a worker writes on the sockets it leaves: whose they are, and the place of each. */
interface Label {
  readonly pid: number;
  readonly keys: readonly string[];
}

/** Where workers leave their listening sockets for a new control process. */
const boxOf = (directory: string): string => `${directory}/ports.sock`;

/**
 * The listening sockets of workers that a killed control process has left: this one goes on with them. With sockets of its own beside
 * them, whoever waits in the queue of an old one would be reset when its worker closes it.
 */
export async function receivePortsLeft(
  directory: string,
  left: readonly LeftWorker[],
  clock: Clock,
): Promise<readonly InheritedSocket[]> {
  const awaited = new Set(left.map(({ pid }) => pid));
  const sockets: InheritedSocket[] = [];
  const box = await DescriptorBox.open(boxOf(directory));
  try {
    const deadline = clock.monotonic() + HAND_OVER_MS;
    while (awaited.size > 0 && clock.monotonic() < deadline) {
      await new Promise<void>((resolve) => clock.after(LOOK_AGAIN_MS, resolve));
      for (let found = box.take(); found !== undefined; found = box.take()) {
        const { pid, keys } = labelOf(found);
        awaited.delete(pid);
        for (const [i, fd] of found.fds.entries()) {
          const key = keys[i];
          if (key === undefined) closeSync(fd);
          else sockets.push({ fd, key, name: undefined });
        }
      }
      for (const pid of awaited) if (!isWorker(pid, directory)) awaited.delete(pid);
    }
  } finally {
    box.close();
  }
  return sockets;
}

/** In a worker without a control process: hands its listening sockets to a new one, if there is one that asks for them. */
export async function leavePorts(directory: string, ports: readonly OpenPort[]): Promise<void> {
  const box = boxOf(directory);
  if (!existsSync(box)) return;
  const given = ports.slice(0, MOST_DESCRIPTORS);
  const label: Label = { pid: process.pid, keys: given.map(({ key }) => key) };
  await leaveDescriptors(box, { words: JSON.stringify(label), fds: given.map(({ fd }) => fd) });
}

/** Only this user can write there; what is no label is nobody's. */
function labelOf({ words }: LeftDescriptors): Label {
  try {
    return JSON.parse(words) as Label;
  } catch {
    return { pid: 0, keys: [] };
  }
}
