import { isIP } from "node:net";
import { formatHostPort } from "../../topology/endpoint.ts";
import { parsed, refused, type ValueType } from "./value-type.ts";

/** An IPv4 or IPv6 address (brackets are dropped) or a host name. */
export function host(): ValueType<string> {
  return {
    expected: "a host name, an IPv4 or an IPv6 address",
    json: { type: "string" },
    parse: (text) => {
      const bare = /^\[(.*)\]$/.exec(text)?.[1] ?? text;
      if (isIP(bare) !== 0) return parsed(bare);
      return isHostName(bare) ? parsed(bare) : refused("neither a name nor an address");
    },
    print: (value) => value,
  };
}

/** Names of RFC 1123, with the underscore that container networks use. A name of digits and dots is a mistyped address. */
function isHostName(text: string): boolean {
  return (
    text.length <= 253 &&
    /^[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*\.?$/i.test(text) &&
    !/^[\d.]+$/.test(text)
  );
}

export interface HostPort {
  readonly host: string;
  readonly port: number;
}

/** `HOST:PORT`, `[IPv6]:PORT`, or `PORT` alone on 127.0.0.1. */
export function hostPort(): ValueType<HostPort> {
  const name = host();
  return {
    expected: "HOST:PORT, [IPv6]:PORT, or a port",
    json: { type: "string" },
    parse: (text) => {
      const [, address, digits = ""] = /^(?:(.+):)?(\d{1,5})$/.exec(text) ?? [];
      const port = Number(digits);
      if (digits === "" || port < 1 || port > 65_535) return refused("no port from 1 to 65535 at its end");
      if (address?.includes(":") && !address.startsWith("["))
        return refused("an IPv6 address needs brackets");
      const parsedHost = name.parse(address ?? "127.0.0.1");
      return parsedHost.ok ? parsed({ host: parsedHost.value, port }) : parsedHost;
    },
    print: (value) => formatHostPort(value.host, value.port),
  };
}

/** An address, or a network such as 10.0.0.0/8 or fd00::/8. The text is kept as it is; who filters parses it. */
export function network(): ValueType<string> {
  return {
    expected: "an address or a network, such as 10.0.0.1, 10.0.0.0/8 or fd00::/8",
    json: { type: "string" },
    parse: (text) => {
      const [address = "", bits, ...more] = text.split("/");
      const family = isIP(address);
      if (family === 0 || address.includes("%") || more.length > 0) return refused("not a network");
      if (bits === undefined) return parsed(text);
      const max = family === 4 ? 32 : 128;
      return /^\d{1,3}$/.test(bits) && Number(bits) <= max
        ? parsed(text)
        : refused(`the prefix length is not from 0 to ${max}`);
    },
    print: (value) => value,
  };
}
