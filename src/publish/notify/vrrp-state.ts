/** What keepalived says of an instance: `INSTANCE "VI_1" MASTER 100`, in a FIFO or as arguments. */
export interface VrrpNotice {
  readonly kind: "INSTANCE" | "GROUP";
  readonly name: string;
  readonly state: string;
}

/** A line of keepalived's notify FIFO; undefined for what is none (of a real server, of a newer keepalived). */
export function parseVrrpNotice(line: string): VrrpNotice | undefined {
  const [, kind, name, state] = /^(INSTANCE|GROUP) "?([^"]*?)"? ([A-Z_]+)( \d+)?$/.exec(line.trim()) ?? [];
  if (name === undefined || state === undefined) return undefined;
  return { kind: kind === "GROUP" ? "GROUP" : "INSTANCE", name, state };
}

/**
 * Whether the proxy beside keepalived is to be passive: MASTER alone is active. Undefined for what is no state of an instance, such
 * as MASTER_RX_LOWER_PRI and changes of priority.
 */
export function isPassive(state: string): boolean | undefined {
  switch (state) {
    case "MASTER":
      return false;
    case "BACKUP":
    case "FAULT":
    case "STOP":
    case "DELETED":
      return true;
    default:
      return undefined;
  }
}
