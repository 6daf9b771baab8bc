import { CLIENT, hasFlag } from "../../wire/capability.ts";
import { COMMAND } from "../../wire/command.ts";
import { queryPacket, RESET_PACKET } from "./own-packets.ts";
import type { Awaited, LegOwner, ServerLeg } from "./server-leg.ts";

/** A connection that waits for a session. */
interface Parked {
  readonly leg: ServerLeg;
  /** What the next session must be like. */
  readonly key: string;
  /** ms since 1970 */
  readonly since: number;
}

/**
 * Connections to one server that no session has now. Each is reset by the server before anybody gets it (COM_RESET_CONNECTION wipes out
 * transactions, locks, temporary tables, prepared statements and variables), and goes only to sessions of the same account.
 */
export class IdleLegs implements LegOwner {
  readonly #parked: Parked[] = [];
  /** Being reset. */
  readonly #resetting = new Set<ServerLeg>();

  get count(): number {
    return this.#parked.length + this.#resetting.size;
  }

  /** @param now ms since 1970 */
  park(leg: ServerLeg, key: string, now: number): void {
    leg.owner = this;
    this.#resetting.add(leg);
    const last = packetAfterReset(leg);
    const failed = (): void => {
      if (this.#resetting.delete(leg)) this.#close(leg);
    };
    const done = (): void => {
      if (!this.#resetting.delete(leg)) return;
      leg.forgetSession();
      this.#parked.push({ leg, key, since: now });
    };
    const isLast = last === undefined;
    leg.send(RESET_PACKET, new Step(COMMAND.RESET_CONNECTION, isLast ? done : () => {}, failed));
    if (last !== undefined) leg.send(last, new Step(COMMAND.QUERY, done, failed));
  }

  /** The one that came last: its server is the least likely to have given it up. */
  take(key: string): ServerLeg | undefined {
    for (let i = this.#parked.length - 1; i >= 0; i--) {
      const parked = this.#parked[i];
      if (parked?.key !== key) continue;
      this.#parked.splice(i, 1);
      return parked.leg;
    }
    return undefined;
  }

  /** Closes those that wait for longer than `maxTimeMs` (0: none), and the oldest of those above `max`. */
  sweep(now: number, max: number, maxTimeMs: number): void {
    const isTooOld = ({ since }: Parked): boolean => maxTimeMs > 0 && now - since >= maxTimeMs;
    for (;;) {
      const oldest = this.#parked[0];
      if (oldest === undefined || !(this.#parked.length > max || isTooOld(oldest))) return;
      this.#parked.shift();
      this.#close(oldest.leg);
    }
  }

  closeAll(): void {
    for (const leg of this.#resetting) this.#close(leg);
    this.#resetting.clear();
    for (const { leg } of this.#parked.splice(0)) this.#close(leg);
  }

  drained(): void {}

  lost(leg: ServerLeg): void {
    this.#resetting.delete(leg);
    const at = this.#parked.findIndex((parked) => parked.leg === leg);
    if (at >= 0) this.#parked.splice(at, 1);
    leg.server.remove(leg);
  }

  #close(leg: ServerLeg): void {
    leg.quit();
    leg.server.remove(leg);
  }
}

/** One command of a reset. */
class Step implements Awaited {
  readonly command: number;
  readonly #then: () => void;
  readonly #failed: () => void;

  constructor(command: number, then: () => void, failed: () => void) {
    this.command = command;
    this.#then = then;
    this.#failed = failed;
  }

  bytes(): void {}

  done({ reply }: ServerLeg): void {
    if (reply.outcome === "ok") this.#then();
    else this.#failed();
  }
}

/** What a login sets and COM_RESET_CONNECTION does not bring back; undefined: nothing. */
function packetAfterReset({ login }: ServerLeg): Buffer | undefined {
  const { serverVersion, characterSet, capabilities } = login;
  const settings: string[] = [];
  // MySQL goes back to its own character set; a login sets these three, by collation number.
  if (!/mariadb/i.test(serverVersion))
    for (const name of ["character_set_client", "character_set_results", "collation_connection"])
      settings.push(`${name} = ${characterSet}`);
  if (hasFlag(capabilities, CLIENT.IGNORE_SPACE))
    settings.push("sql_mode = CONCAT(@@sql_mode, ',IGNORE_SPACE')");
  return settings.length === 0 ? undefined : queryPacket(`SET ${settings.join(", ")}`);
}
