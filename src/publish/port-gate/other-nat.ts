/** Whether somebody else's rules make the kernel translate addresses: then it goes on translating for our connections. Pure. */

const OWN_TABLE = /table inet sluice_gate_\d+ \{[\s\S]*?\n\}/g;
const OWN_CHAIN = /chain SLUICE-\S+ \{[^}]*\}/g;
const TRANSLATES = /\bnat to\b|\b[ds]nat\b|masquerade|redirect/i;

/** @param rules what `nft list ruleset` or `iptables-legacy-save` prints */
export function othersTranslate(rules: string): boolean {
  return rules
    .replace(OWN_TABLE, "")
    .replace(OWN_CHAIN, "")
    .split("\n")
    .some(
      (line) =>
        !line.includes("SLUICE-") && !/^\s*(#|type|:|\*|table|chain)/.test(line) && TRANSLATES.test(line),
    );
}
