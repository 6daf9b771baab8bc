import { type KillTarget, killTarget } from "../../sql/kill-target.ts";
import { COMMAND } from "../../wire/command.ts";
import { readError, type WireError } from "../../wire/error-packet.ts";
import { HEADER_BYTES } from "../../wire/packet.ts";
import type { LegSet } from "./leg-set.ts";
import { queryPacket } from "./own-packets.ts";
import type { Awaited, ServerLeg } from "./server-leg.ts";
import type { SplitHost } from "./split-host.ts";

/** `not ours`: the number is no session of this service; the primary may know it. */
export type KillOutcome =
  | { readonly kind: "done" | "not ours" }
  | { readonly kind: "error"; readonly error: WireError };

const NO_SUCH_THREAD = 1094;

/** Whom a KILL or COM_PROCESS_KILL is for, if it names a connection by its number. */
export function killedConnection(
  command: Buffer,
  mode: number,
): Extract<KillTarget, { readonly kind: "connection" }> | undefined {
  const at = HEADER_BYTES + 1;
  if (command[HEADER_BYTES] === COMMAND.PROCESS_KILL) {
    if (command.length < at + 4) return undefined;
    return { kind: "connection", id: command.readUInt32LE(at), isSoft: false, isQueryOnly: false };
  }
  const target = killTarget(command, at, command.length, mode);
  return target?.kind === "connection" ? target : undefined;
}

/**
 * Ends a session, or what it is doing, in the name of another: each server is told to kill the connection that the session has there, on a
 * connection of the one who asks. So the servers themselves say whether it is allowed.
 */
export async function killSession(
  { id, isSoft, isQueryOnly }: Extract<KillTarget, { readonly kind: "connection" }>,
  user: string,
  legs: LegSet,
  host: SplitHost,
): Promise<KillOutcome> {
  const found = await host.findSession(id);
  if (found === undefined) return { kind: "not ours" };
  const verb = `KILL ${isSoft ? "SOFT " : ""}${isQueryOnly ? "QUERY" : "CONNECTION"}`;
  let isAllowed = found.user === user;
  for (const { server, connectionId, isBusy } of found.connections) {
    if (connectionId === undefined || (isQueryOnly && isBusy !== true)) continue;
    const leg = await reach(server, legs, host);
    if (leg === undefined) continue;
    const error = await tell(leg, `${verb} ${connectionId}`);
    if (error !== undefined && error.errno !== NO_SUCH_THREAD) return { kind: "error", error };
    isAllowed = true;
  }
  if (!isAllowed)
    return { kind: "error", error: { errno: 1095, sentence: `You are not owner of thread ${id}` } };
  if (!isQueryOnly) host.endSession(found.id);
  return { kind: "done" };
}

async function reach(name: string, legs: LegSet, host: SplitHost): Promise<ServerLeg | undefined> {
  const server = host.servers.get(name);
  const leg = server === undefined ? undefined : await legs.reach(server);
  return leg !== undefined && legs.catchUp(leg) ? leg : undefined;
}

/** The server's error, if it is one. */
async function tell(leg: ServerLeg, text: string): Promise<WireError | undefined> {
  return await new Promise((resolve) => leg.send(queryPacket(text), new Order(resolve)));
}

class Order implements Awaited {
  readonly command = COMMAND.QUERY;
  readonly #then: (error: WireError | undefined) => void;
  readonly #parts: Buffer[] = [];

  constructor(then: (error: WireError | undefined) => void) {
    this.#then = then;
  }

  bytes(_leg: ServerLeg, part: Buffer): void {
    this.#parts.push(part);
  }

  done(leg: ServerLeg): void {
    this.#then(
      leg.reply.outcome === "error"
        ? readError(Buffer.concat(this.#parts).subarray(HEADER_BYTES))
        : undefined,
    );
  }

  abandoned(): void {
    this.#then(undefined);
  }
}
