import { host } from "./address.ts";

/** A server as GLB's command line and control socket name it. */
export interface Destination {
  readonly host: string;
  readonly port: number;
  /** 1 where none is given; below 0: the server is to go. */
  readonly weight: number;
}

const FORM = /^(\[[^\]]*\]|[^:]*)(?::(\d{0,5}))?(?::([+-]?(?:\d+\.?\d*|\.\d+)))?$/;
const MAX_WEIGHT = 999_999_999;

/**
 * Reads `HOST[:PORT[:WEIGHT]]`; an IPv6 address stands in brackets. Weights are kept to six decimals.
 * @param defaultPort where PORT is left out or 0; undefined: then it is a mistake
 * @returns undefined where the text is no destination
 */
export function parseDestination(text: string, defaultPort: number | undefined): Destination | undefined {
  const [, address, digits, weightText] = FORM.exec(text) ?? [];
  const found = address === undefined || address === "" ? undefined : host().parse(address);
  if (found?.ok !== true) return undefined;
  const port = Number(digits ?? "") || defaultPort;
  if (port === undefined || port > 65_535) return undefined;
  const weight = Number(Number(weightText ?? "1").toFixed(6)) + 0; // never -0
  return weight > MAX_WEIGHT ? undefined : { host: found.value, port, weight };
}

/** The name of its object: `10.0.0.1-3306`. Names have no colons. */
export function destinationName({ host: address, port }: Pick<Destination, "host" | "port">): string {
  return `${address.replaceAll(":", "-").slice(0, MAX_HOST_IN_NAME)}-${port}`;
}

/** Of the 80 characters of a name some are left to tell two long ones apart. */
const MAX_HOST_IN_NAME = 70;
