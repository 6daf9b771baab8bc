import { isIP } from "node:net";
import type { Configuration } from "../../config/configuration.ts";
import { REAL_FILES } from "../../config/file-access.ts";
import { Secret } from "../../config/secret.ts";
import { type HostPort, hostPort, network } from "../../config/values/address.ts";
import { oneOf } from "../../config/values/choice.ts";
import { integer } from "../../config/values/number.ts";
import { list, text } from "../../config/values/text.ts";
import { parsed, refused, type ValueType } from "../../config/values/value-type.ts";
import { SluiceError } from "../../errors/sluice-error.ts";
import { type KeepalivedCheck, type KeepalivedOptions, renderKeepalived } from "../../render/keepalived.ts";
import { type OptionValues, option, toggle } from "../command.ts";
import { fleetFrom, needed, type RenderSources, rendering } from "./rendering.ts";

const PRIORITY = { master: 101, backup: 100 } as const;
const MAX_PASSWORD = 8;

const options = {
  role: option("master|backup", oneOf(["master", "backup"]), "which of the two hosts the file is for"),
  vip: option(
    "addresses",
    list(network()),
    "the virtual addresses, with their prefix lengths: 10.0.0.100/24",
  ),
  interface: option(
    "name",
    word(/^[^\s/]{1,15}$/, "the name of a network interface"),
    "network interface that holds them",
  ),
  "router-id": option("1-255", integer(1, 255), "the same on both hosts, and on no other pair (default: 51)"),
  priority: option(
    "1-254",
    integer(1, 254),
    "the higher one holds the address (default: 101 for master, 100 for backup)",
  ),
  instance: option(
    "name",
    word(/^[A-Za-z0-9_.-]{1,64}$/, "letters, digits and _ . -"),
    "name of the VRRP instance (default: VI_1)",
  ),
  "advert-interval": option("seconds", integer(1, 255), "between two announcements (default: 1)"),
  "auth-pass-file": option(
    "file",
    text("a file"),
    "whose first line, at most 8 characters, both hosts authenticate by",
  ),
  "own-address": option("address", address(), "unicast: address of this host; with --peer"),
  peer: option(
    "addresses",
    list(address()),
    "unicast: addresses of the other hosts, where multicast does not pass",
  ),
  "no-preempt": toggle("the address stays where it is when the other host is back"),
  "mail-to": option("addresses", list(mail()), "who is told of each change of state"),
  "mail-from": option("address", mail(), "sender of those mails"),
  "smtp-server": option("host[:port]", mailServer(), "mail server (port 25 unless given)"),
  check: option(
    "api|agent|track-file",
    oneOf(["api", "agent", "track-file"]),
    "api: the proxy of this host lists all servers (default); agent: its database server is up; track-file: what the publisher writes",
  ),
  "check-args": option(
    "arguments",
    text("further arguments"),
    "further arguments of maxping or of check, such as --password-file",
  ),
  "check-interval": option("seconds", integer(1, 3600), "between two checks (default: 1)"),
  fall: option("checks", integer(1, 100), "that fail before the address moves (default: 2)"),
  rise: option("checks", integer(1, 100), "that pass before it may come back (default: 2)"),
  weight: option(
    "number",
    integer(-253, 253),
    "track-file: its number times this is added to the priority (default: 0, any number but 0 is a fault)",
  ),
  "script-user": option(
    "user",
    word(/^[a-z_][a-z0-9_-]*\$?$/i, "an account name"),
    "account of the checks and notifications (default: sluice)",
  ),
  notify: option(
    "arguments",
    text("arguments of maxify"),
    "arguments of maxify, such as '--hosts 127.0.0.1:8989'",
  ),
  "no-notify": toggle("tell no proxy to be active or passive"),
} as const;

type Values = OptionValues<typeof options>;

export const KEEPALIVED = rendering({
  summary: "keepalived.conf of one host of a pair",
  options,
  render(sources, values) {
    const role = needed(values.role, "role", "master");
    const password = authentication(values["auth-pass-file"]);
    const rendered = renderKeepalived({
      role,
      instance: values.instance ?? "VI_1",
      interface: needed(values.interface, "interface", "eth0"),
      routerId: values["router-id"] ?? 51,
      priority: values.priority ?? PRIORITY[role],
      addresses: needed(values.vip, "vip", "10.0.0.100/24"),
      advertSeconds: values["advert-interval"] ?? 1,
      password,
      unicast: unicastOf(values),
      noPreempt: values["no-preempt"] ?? false,
      mail: mailOf(values),
      check: checkOf(sources, values),
      scriptUser: values["script-user"] ?? "sluice",
      sluice: sources.sluice,
      notify: values["no-notify"] ? undefined : words(values.notify),
    });
    return { text: rendered, mode: password === undefined ? 0o644 : 0o600 };
  },
});

function checkOf(sources: RenderSources, values: Values): KeepalivedCheck {
  const kind = values.check ?? "api";
  if (kind === "track-file") {
    return { kind, file: trackedFile(sources.configuration()), weight: values.weight ?? 0 };
  }
  const intervalSeconds = values["check-interval"] ?? 1;
  const deadline = ["--timeout", `${intervalSeconds * 900}ms`];
  const further = [...deadline, ...words(values["check-args"])];
  const names = fleetFrom(sources).servers.map(({ name }) => name);
  const argv =
    kind === "agent"
      ? [sources.sluice, "check", "--exit-code", ...further]
      : [sources.sluice, "maxping", ...further, ...names];
  return { kind: "command", argv, intervalSeconds, fall: values.fall ?? 2, rise: values.rise ?? 2 };
}

function trackedFile({ publishers }: Configuration): string {
  for (const publisher of publishers.values()) {
    if (publisher.module === "track-file") return publisher.parameters.file;
  }
  throw new SluiceError(
    "USAGE",
    "--check track-file: the configuration has no publisher with module=track-file",
  );
}

function unicastOf({ peer, "own-address": source }: Values): KeepalivedOptions["unicast"] {
  if (peer === undefined && source === undefined) return undefined;
  return { source: needed(source, "own-address", "10.0.0.11"), peers: needed(peer, "peer", "10.0.0.12") };
}

function mailOf(values: Values): KeepalivedOptions["mail"] {
  const { "mail-to": to, "mail-from": from, "smtp-server": server } = values;
  if (to === undefined && from === undefined && server === undefined) return undefined;
  return {
    to: needed(to, "mail-to", "dba@example.com"),
    from: needed(from, "mail-from", "box01@example.com"),
    server: needed(server, "smtp-server", "10.0.0.25:25"),
  };
}

function authentication(file: string | undefined): Secret | undefined {
  if (file === undefined) return undefined;
  const content = REAL_FILES.read(file);
  if (content === undefined)
    throw new SluiceError("USAGE", `--auth-pass-file ${file}: there is no such file`);
  const [line = ""] = content.text.split(/\r?\n/);
  if (/["\\\s]|[^ -~]/.test(line)) {
    throw new SluiceError(
      "USAGE",
      `--auth-pass-file ${file}: keepalived cannot hold quotes, backslashes, blanks and letters beyond ASCII in a password`,
    );
  }
  if (line.length > 0 && line.length <= MAX_PASSWORD) return new Secret(line);
  const found = line === "" ? "its first line is empty" : `its first line has ${line.length} characters`;
  throw new SluiceError(
    "USAGE",
    `--auth-pass-file ${file}: ${found}; VRRP knows 1 to ${MAX_PASSWORD}, and keepalived would cut off the rest without a word`,
  );
}

const words = (line: string | undefined): readonly string[] =>
  line?.split(/\s+/).filter((part) => part !== "") ?? [];

function word(pattern: RegExp, expected: string): ValueType<string> {
  return {
    ...text(expected),
    parse: (value) => (pattern.test(value) ? parsed(value) : refused("not such a one")),
  };
}

function mail(): ValueType<string> {
  return word(/^[^\s"]+@[^\s"]+$/, "a mail address");
}

function mailServer(): ValueType<HostPort> {
  const type = hostPort();
  return {
    ...type,
    expected: "HOST or HOST:PORT",
    parse: (value) => type.parse(/:\d+$/.test(value) ? value : `${value}:25`),
  };
}

function address(): ValueType<string> {
  return {
    ...text("an IPv4 or IPv6 address"),
    parse: (value) => (isIP(value) === 0 ? refused("not an address") : parsed(value)),
  };
}
