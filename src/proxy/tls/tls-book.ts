import { errorMessage } from "../../errors/sluice-error.ts";
import { NO_TLS, type TlsByName, type TlsMaterial, type TlsMaterials } from "../../topology/tls-material.ts";
import { createTlsContext, type TlsContext } from "./tls-context.ts";

/** `none`: without TLS. `broken`: with TLS, and it cannot be made; nobody may go on without it. */
export type TlsChoice =
  | { readonly kind: "none" }
  | { readonly kind: "tls"; readonly context: TlsContext }
  | { readonly kind: "broken"; readonly reason: string };

const NONE: TlsChoice = Object.freeze({ kind: "none" });

/**
 * A worker's TLS contexts by listener and server. New material counts for the next handshake; connections that are open keep
 * what they have. Equal material shares one context, however many servers use it.
 */
export class TlsBook {
  #materials: TlsMaterials = NO_TLS;
  #choices = new Map<string, TlsChoice>();

  put(materials: TlsMaterials): void {
    const before = this.#choices;
    this.#materials = materials;
    this.#choices = new Map();
    for (const one of [...Object.values(materials.listeners), ...Object.values(materials.servers)]) {
      if ("broken" in one || this.#choices.has(one.fingerprint)) continue;
      this.#choices.set(one.fingerprint, before.get(one.fingerprint) ?? choiceOf(one));
    }
  }

  listener(name: string): TlsChoice {
    return this.#choiceFor(this.#materials.listeners, name);
  }

  server(name: string): TlsChoice {
    return this.#choiceFor(this.#materials.servers, name);
  }

  #choiceFor(byName: TlsByName, name: string): TlsChoice {
    const one = Object.hasOwn(byName, name) ? byName[name] : undefined;
    if (one === undefined) return NONE;
    if ("broken" in one) return { kind: "broken", reason: one.broken };
    return this.#choices.get(one.fingerprint) ?? choiceOf(one);
  }
}

function choiceOf(material: TlsMaterial): TlsChoice {
  try {
    return { kind: "tls", context: createTlsContext(material) };
  } catch (error) {
    return { kind: "broken", reason: errorMessage(error) };
  }
}
