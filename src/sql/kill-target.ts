/** Whom a KILL is for. */
export type KillTarget = {
  readonly isSoft: boolean;
  /** Only its statement, the connection stays. */
  readonly isQueryOnly: boolean;
} & (
  | { readonly kind: "connection"; readonly id: number }
  | { readonly kind: "query-id"; readonly id: number }
  | { readonly kind: "user"; readonly user: string; readonly host: string | undefined }
);

/** undefined: not to be understood (an expression); the primary will say what it thinks of it. */
export function killTarget(bytes: Uint8Array, from: number, to: number, mode: number): KillTarget | undefined {
  void [bytes, from, to, mode];
  return undefined;
}
