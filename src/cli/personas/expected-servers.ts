import type { ServerAttributes } from "../../client/rest/attributes.ts";
import type { Resource } from "../../client/rest/resource.ts";
import { SluiceError } from "../../errors/sluice-error.ts";

/** A server that must be listed, with all of these words in its state. */
export interface ExpectedServer {
  readonly name: string;
  readonly states: readonly string[];
}

/** `db1`, `db1=Master`, `db1=Slave+Running`. Throws USAGE. */
export function parseExpectation(text: string): ExpectedServer {
  const [name = "", state, ...more] = text.split("=");
  const states = state?.split("+").map((word) => word.trim()) ?? [];
  if (name !== "" && more.length === 0 && !states.includes("")) return { name, states };
  throw new SluiceError(
    "USAGE",
    `${JSON.stringify(text)}: expected SERVER, or SERVER=STATE such as db1=Master+Running`,
  );
}

/** A clause for each that is not as expected; without expectations there must be one server at least. */
export function missingServers(
  expected: readonly ExpectedServer[],
  servers: readonly Resource<ServerAttributes>[],
): readonly string[] {
  if (servers.length === 0) return ["no server is listed"];
  return expected.flatMap(({ name, states }) => {
    const found = servers.find(({ id }) => id === name);
    if (found === undefined)
      return [`${name} is not listed; there is ${servers.map(({ id }) => id).join(", ")}`];
    const present = (found.attributes.state ?? "").split(",").map((word) => word.trim().toLowerCase());
    const lacking = states.filter((state) => !present.includes(state.toLowerCase()));
    return lacking.length === 0
      ? []
      : [`${name} is not ${lacking.join(" and ")}, but ${found.attributes.state}`];
  });
}
