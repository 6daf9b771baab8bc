import { comment, configText } from "./config-text.ts";

export interface XinetdOptions {
  readonly persona: "clustercheck" | "mysqlchk" | "connectorchk";
  readonly port: number;
  readonly user: string;
  /** Addresses and networks that may ask; undefined: everybody. */
  readonly onlyFrom: readonly string[] | undefined;
  /** The executable. */
  readonly sluice: string;
}

/** /etc/xinetd.d/NAME: a check per connection, where xinetd must stay. */
export function renderXinetd(options: XinetdOptions): string {
  const { persona, port, user, onlyFrom, sluice } = options;
  const rows: readonly (readonly [name: string, value: string] | string)[] = [
    ["type", "UNLISTED"],
    ["socket_type", "stream"],
    ["protocol", "tcp"],
    ["flags", "REUSE IPv6"],
    ["port", String(port)],
    ["wait", "no"],
    ["user", user],
    ["server", sluice],
    ["server_args", persona],
    ["log_on_success", ""],
    ["log_on_failure", "HOST"],
    ["disable", "no"],
    ...(onlyFrom === undefined ? [] : [["only_from", onlyFrom.join(" ")] as const]),
    "# Balancers ask often, and several come from one address.",
    ["per_source", "UNLIMITED"],
    ["instances", "256"],
    ["cps", "1000 1"],
  ];
  return configText(
    comment(
      `The checks of ${persona}, by Sluice. Made by \`sluice render xinetd\`.\n` +
        `The agent (sluice agent) answers on the same port without a process for each check; only one of the two can run.\n` +
        `Its variables: /etc/sysconfig/${persona} or /etc/default/${persona}.`,
    ),
    `service ${persona}`,
    "{",
    rows.map((row) =>
      typeof row === "string" ? `\t${row}` : `\t${row[0].padEnd(15)} = ${row[1]}`.trimEnd(),
    ),
    "}",
  );
}
