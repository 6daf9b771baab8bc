/** What a session statement does to the session, for the history; see sessionChanges(). */
export type SessionChange =
  /** A user variable; name in lower case, without the @. */
  | { readonly kind: "user-variable"; readonly name: string }
  /**
   * A system variable; name in lower case. The value is that of a literal or word (`ON`, `utf8mb4`), undefined for DEFAULT and
   * for expressions.
   */
  | { readonly kind: "variable"; readonly name: string; readonly value: string | undefined }
  /** SET NAMES, SET CHARACTER SET; undefined: DEFAULT. */
  | {
      readonly kind: "names" | "character-set";
      readonly characterSet: string | undefined;
      readonly collation: string | undefined;
    }
  | { readonly kind: "role" }
  /** SET SESSION TRANSACTION. */
  | { readonly kind: "transaction" }
  | { readonly kind: "database"; readonly name: string }
  /** The text is undefined where it is not a literal: FROM @x. */
  | { readonly kind: "prepare"; readonly name: string; readonly text: Uint8Array | undefined }
  | { readonly kind: "deallocate"; readonly name: string };
