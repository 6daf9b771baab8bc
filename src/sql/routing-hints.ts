/** A hint in a comment: `-- maxscale route to master`; `sluice`, `primary` and `replica` are the same words. */
export type RoutingHint =
  | { readonly kind: "route"; readonly to: "master" | "slave" | "last" }
  | { readonly kind: "route"; readonly to: "server"; readonly server: string }
  | { readonly kind: "parameter"; readonly name: string; readonly value: string }
  /** `name prepare …`: defines a hint to begin later. */
  | { readonly kind: "prepare"; readonly name: string; readonly hint: RoutingHint }
  /** `begin …`: holds until `end`; with a name, one that was prepared, or defines it. */
  | { readonly kind: "begin"; readonly name: string | undefined; readonly hint: RoutingHint | undefined }
  | { readonly kind: "end" };

/** All hints of a statement, in order. */
export function routingHints(bytes: Uint8Array, from: number, to: number, mode: number): readonly RoutingHint[] {
  void [bytes, from, to, mode];
  return [];
}
