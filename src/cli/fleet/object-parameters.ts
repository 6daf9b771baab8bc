import type { ObjectKind } from "../../config/schema/schemas.ts";
import type { Fleet } from "./fleet.ts";
import {
  type ParameterArguments,
  plainSecrets,
  readPairs,
  splitLinks,
  withSecrets,
} from "./parameter-arguments.ts";

/**
 * What the words behind the operands make of an object. A password given in them is hidden from other users as far as the
 * system lets us; `password=-` is asked for.
 */
export async function objectParameters(
  kind: ObjectKind,
  words: readonly string[],
  mayBeApart: boolean,
  fleet: Fleet,
): Promise<ParameterArguments> {
  const pairs = readPairs(words, mayBeApart);
  for (const name of plainSecrets(kind, pairs)) fleet.hideArgument(name, pairs.get(name) ?? "");
  return splitLinks(
    kind,
    await withSecrets(kind, pairs, (name) =>
      fleet.askNewSecret(name, `give it encrypted, as \`sluice secrets encrypt\` prints it: ${name}=…`),
    ),
  );
}
