import { isIP } from "node:net";
import type { Secret } from "../config/secret.ts";
import type { HostPort } from "../config/values/address.ts";
import { comment, configText, indented, type Lines } from "./config-text.ts";

export interface KeepalivedOptions {
  /** The pair differs in nothing but this and what follows from it: state, priority, own address. */
  readonly role: "master" | "backup";
  /** Name of the VRRP instance. */
  readonly instance: string;
  readonly interface: string;
  /** 1 to 255, the same on both, and no other pair's on this network. */
  readonly routerId: number;
  readonly priority: number;
  /** Virtual addresses as `ip addr add` takes them: 10.0.0.100/24. */
  readonly addresses: readonly string[];
  readonly advertSeconds: number;
  /** At most 8 characters; undefined: no authentication. */
  readonly password: Secret | undefined;
  /** Where multicast does not pass: this host's address and the other's. */
  readonly unicast: { readonly source: string; readonly peers: readonly string[] } | undefined;
  /** The address stays where it is when the other host is back. */
  readonly noPreempt: boolean;
  readonly mail: KeepalivedMail | undefined;
  readonly check: KeepalivedCheck;
  /** Account that checks and notifications run as. */
  readonly scriptUser: string;
  /** The executable. */
  readonly sluice: string;
  /** Tell the proxy of this host to be active or passive; undefined: nobody is told. */
  readonly notify: readonly string[] | undefined;
}

export interface KeepalivedMail {
  readonly to: readonly string[];
  readonly from: string;
  readonly server: HostPort;
}

/** What decides whether this host may hold the address. */
export type KeepalivedCheck =
  | {
      readonly kind: "command";
      readonly argv: readonly string[];
      readonly intervalSeconds: number;
      readonly fall: number;
      readonly rise: number;
    }
  | { readonly kind: "track-file"; readonly file: string; readonly weight: number };

/** keepalived.conf of one host, for keepalived 2.0.16 and later. */
export function renderKeepalived(options: KeepalivedOptions): string {
  return configText(
    comment(
      `keepalived on the ${options.role === "master" ? "MASTER" : "BACKUP"} of the pair. Made by \`sluice render keepalived\`;\n` +
        `the other host's file is made by the same command with --role ${options.role === "master" ? "backup" : "master"}.`,
    ),
    "",
    globalSection(options),
    "",
    checkSection(options.check),
    "",
    instanceSection(options),
  );
}

const CHECK_NAME = "sluice";

const section = (head: string, ...lines: readonly Lines[]): Lines => [
  `${head} {`,
  indented("    ", ...lines),
  "}",
];

function globalSection({ mail, scriptUser, notify, sluice }: KeepalivedOptions): Lines {
  return section(
    "global_defs",
    mail && [
      section("notification_email", mail.to.map(quoted)),
      `notification_email_from ${quoted(mail.from)}`,
      `smtp_server ${mail.server.host} ${mail.server.port}`,
      "smtp_connect_timeout 30",
    ],
    comment("Programs run by this file must not be writable by anybody but root."),
    "enable_script_security",
    `script_user ${scriptUser}`,
    notify && [
      comment(
        "Each change of state, in order, through a FIFO: a script per change (notify) could overtake the one before it.",
      ),
      "fifo_write_vrrp_states_on_reload",
      "vrrp_notify_fifo /run/keepalived-sluice.fifo",
      `vrrp_notify_fifo_script ${quoted([sluice, "maxify", ...notify, "--fifo"].map(shellWord).join(" "))} ${scriptUser}`,
    ],
  );
}

function checkSection(check: KeepalivedCheck): Lines {
  switch (check.kind) {
    case "command":
      return section(
        `vrrp_script ${CHECK_NAME}`,
        comment(
          "It has a deadline of its own, shorter than the interval, so that keepalived never has to kill it.",
        ),
        `script ${quoted(check.argv.map(shellWord).join(" "))}`,
        `interval ${check.intervalSeconds}`,
        `timeout ${check.intervalSeconds}`,
        `fall ${check.fall}`,
        `rise ${check.rise}`,
        comment("No address before the first check has passed."),
        "init_fail",
      );
    case "track-file":
      return section(
        `track_file ${CHECK_NAME}`,
        comment(
          check.weight === 0
            ? "Written by Sluice's publisher track-file; any number but 0 takes the address away."
            : "Written by Sluice's publisher track-file; its number, times the weight, is added to the priority.",
        ),
        `file ${quoted(check.file)}`,
        `weight ${check.weight}`,
        comment("Until Sluice has written it: failing."),
        "init_file 1",
      );
  }
}

function instanceSection(options: KeepalivedOptions): Lines {
  const { role, instance, addresses, password, unicast, mail, check } = options;
  const isAnnounced = (address: string): boolean => familyOf(address) === familyOf(addresses[0] ?? "");
  const others = addresses.filter((address) => !isAnnounced(address));
  return section(
    `vrrp_instance ${instance}`,
    options.noPreempt
      ? [
          comment("Both begin as BACKUP: with nopreempt, the address stays where it is."),
          "state BACKUP",
          "nopreempt",
        ]
      : `state ${role === "master" ? "MASTER" : "BACKUP"}`,
    `interface ${options.interface}`,
    comment("The same on both hosts, and on no other pair of this network."),
    `virtual_router_id ${options.routerId}`,
    comment("The higher one holds the address."),
    `priority ${options.priority}`,
    `advert_int ${options.advertSeconds}`,
    mail && "smtp_alert",
    password &&
      section(
        "authentication",
        "auth_type PASS",
        comment("Travels in clear text: it guards against a mistake, not against an attacker."),
        `auth_pass ${quoted(password.reveal())}`,
      ),
    unicast && [`unicast_src_ip ${unicast.source}`, section("unicast_peer", unicast.peers)],
    section("virtual_ipaddress", addresses.filter(isAnnounced)),
    others.length === 0
      ? undefined
      : [
          comment("Of the other family: they move with the address above, but are not in its announcements."),
          section("virtual_ipaddress_excluded", others),
        ],
    section(check.kind === "command" ? "track_script" : "track_file", CHECK_NAME),
  );
}

const familyOf = (address: string): number => isIP(address.split("/")[0] ?? "");

/** In quotes ! and # begin no comment. There is no way to write a quote itself (2.2.7 tried). */
const quoted = (text: string): string => `"${text.replaceAll('"', "")}"`;

/** keepalived splits a command at blanks and knows quotes, but no shell. */
function shellWord(word: string): string {
  return /^[A-Za-z0-9_@%+=:,./[\]-]+$/.test(word) ? word : `'${word.replaceAll("'", "")}'`;
}
