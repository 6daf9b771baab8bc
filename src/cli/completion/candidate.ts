/** A word that may stand where the cursor is; one that ends with `=` goes on with a value. */
export interface Candidate {
  readonly word: string;
  /** Empty: the word says it all. */
  readonly description: string;
}

/** What may stand where the cursor is; `files`: names of files, which the shell knows best. */
export type Completion = "files" | readonly Candidate[];

export const candidates = (words: readonly string[], description = ""): readonly Candidate[] =>
  words.map((word) => ({ word, description }));

/** Those that begin with what is typed already. */
export function beginning(completion: Completion, typed: string): Completion {
  if (completion === "files") return completion;
  return completion.filter(({ word }) => word.startsWith(typed));
}
