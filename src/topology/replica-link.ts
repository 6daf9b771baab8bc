import type { ReplicaChannel } from "./facts.ts";

/**
 * One replication channel, judged: what of it matters to roles. Plain data, so that it can be kept across a restart.
 *
 *   connected   both threads run
 *   connecting  the SQL thread runs, the IO thread still tries: the source is down or cut off
 *   broken      a thread has stopped, or the source denies the login
 *
 * A channel whose threads are both stopped is no link, unless an error shows that data is missing: a person has taken
 * the server out of replication.
 */
export interface ReplicaLink {
  readonly channel: string;
  readonly sourceHost: string;
  readonly sourcePort: number;
  /** Known once the IO thread has been connected to this very source; the server prints an old one otherwise. */
  readonly sourceServerId: number | undefined;
  readonly state: "connected" | "connecting" | "broken";
  /** Undefined: unknown, which is not zero. */
  readonly lagSeconds: number | undefined;
  /** What the server says is wrong, on one short line without SQL or full stop; undefined where it says nothing. */
  readonly error: string | undefined;
}

const ERROR_MAX_LENGTH = 300;

// ER_ACCESS_DENIED_ERROR, ER_ACCESS_DENIED_NO_PASSWORD_ERROR: the IO thread goes on trying, and will never get in.
const ACCESS_DENIED = new Set([1045, 1698]);

/** The links among a server's channels. `before`: those of the last probe, for the source ids that were proven then. */
export function replicaLinks(
  channels: readonly ReplicaChannel[],
  before: readonly ReplicaLink[],
): readonly ReplicaLink[] {
  return channels
    .filter((channel) => !isStoppedByHand(channel))
    .map((channel) => ({
      channel: channel.name,
      sourceHost: channel.sourceHost,
      sourcePort: channel.sourcePort,
      sourceServerId: isYes(channel.ioRunning) ? provenId(channel) : rememberedId(channel, before),
      state: linkState(channel),
      lagSeconds: channel.lagSeconds,
      error: reasonIn((channel.ioError ?? channel.sqlError)?.message),
    }));
}

function isStoppedByHand({ ioRunning, sqlRunning, ioError, sqlError }: ReplicaChannel): boolean {
  if (!isNo(ioRunning) || !isNo(sqlRunning) || sqlError !== undefined) return false;
  // STOP SLAVE leaves the last failure to connect standing (2003 and its like, MariaDB 10.11): that is how a replica of
  // a dead primary looks when it has been promoted.
  return ioError === undefined || (ioError.errno >= 2000 && ioError.errno < 3000);
}

function linkState(channel: ReplicaChannel): ReplicaLink["state"] {
  if (!isYes(channel.sqlRunning) || isNo(channel.ioRunning)) return "broken";
  if (isYes(channel.ioRunning)) return "connected";
  return channel.ioError !== undefined && ACCESS_DENIED.has(channel.ioError.errno) ? "broken" : "connecting";
}

const provenId = (channel: ReplicaChannel): number | undefined => channel.sourceServerId || undefined;

function rememberedId(channel: ReplicaChannel, before: readonly ReplicaLink[]): number | undefined {
  return before.find(
    (link) =>
      link.channel === channel.name &&
      link.sourceHost === channel.sourceHost &&
      link.sourcePort === channel.sourcePort,
  )?.sourceServerId;
}

/** `error connecting to master … message: REASON` and `REASON on query. Default database: … Query: …`: the reason. */
function reasonIn(message: string | undefined): string | undefined {
  return message
    ?.replace(/\s+/g, " ")
    .replace(/^.*\bmessage: /, "")
    .replace(/ on query\. Default database: .*$| Query: .*$/, "")
    .slice(0, ERROR_MAX_LENGTH)
    .trim()
    .replace(/\.+$/, "");
}

const isYes = (thread: string): boolean => thread.toLowerCase() === "yes";
const isNo = (thread: string): boolean => thread.toLowerCase() === "no";
