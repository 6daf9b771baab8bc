import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { classify } from "../../src/sql/classify.ts";
import { killTarget } from "../../src/sql/kill-target.ts";
import * as modes from "../../src/sql/lexer-mode.ts";
import { routingHints } from "../../src/sql/routing-hints.ts";
import { executedName, sessionChanges } from "../../src/sql/session-changes.ts";
import {
  HINTS,
  IMPLICIT_COMMIT,
  LAST,
  MULTI,
  OPAQUE,
  READ,
  ROUTES,
  SESSION,
  WRITE,
} from "../../src/sql/statement-flags.ts";
import { query, rubbish, soup } from "../support/statement-soup.ts";
import { visibleWords } from "../support/visible-words.ts";

const RUNS = { numRuns: 2000 };
const SAFE_MODES = [0, modes.ANSI_QUOTES, modes.NO_BACKSLASH_ESCAPES, modes.IGNORE_SPACE, modes.MYSQL];
const mode = fc.nat(255);
/** In which the quotes of the tokens are closed. */
const quietMode = mode.map((bits) => bits & ~modes.NO_BACKSLASH_ESCAPES);
const tokens = fc.oneof(soup, query);
const text = (parts: readonly string[]): string => parts.join(" ");
const classified = (statement: string | Buffer, bits = 0): number => {
  const bytes = Buffer.from(statement);
  return classify(bytes, 0, bytes.length, bits);
};
const isRead = (flags: number): boolean => (flags & (READ | LAST)) !== 0;

describe("whatever the bytes", () => {
  const bytes = fc.oneof(
    rubbish,
    tokens.map((parts) => Buffer.from(text(parts))),
    fc.uint8Array({ maxLength: 60 }).map((array) => Buffer.from(array)),
  );

  test("there is an answer, with one route, and details that do not throw", () => {
    fc.assert(
      fc.property(bytes, mode, (statement, bits) => {
        const route = classified(statement, bits) & ROUTES;
        expect([READ, WRITE, SESSION, LAST]).toContain(route);
        for (const details of [sessionChanges, executedName, killTarget, routingHints])
          details(statement, 0, statement.length, bits);
      }),
      RUNS,
    );
  });

  test("what stands before and behind is not looked at", () => {
    fc.assert(
      fc.property(bytes, bytes, bytes, mode, (before, statement, behind, bits) => {
        const all = Buffer.concat([before, statement, behind]);
        const flags = classify(all, before.length, before.length + statement.length, bits);
        expect(flags).toBe(classified(statement, bits));
      }),
      RUNS,
    );
  });

  test("an incomplete statement is never a read", () => {
    fc.assert(
      fc.property(bytes, mode, (statement, bits) => {
        expect(isRead(classified(statement, bits | modes.PARTIAL))).toBe(false);
      }),
      RUNS,
    );
  });
});

describe("statements", () => {
  test("letters in another case are the same", () => {
    fc.assert(
      fc.property(tokens, mode, (parts, bits) => {
        const statement = text(parts);
        const other = statement.replace(/[a-z]+/gi, (word) => (word === "M" ? word : swapped(word)));
        expect(classified(other, bits)).toBe(classified(statement, bits));
      }),
      RUNS,
    );
  });

  test("comments and line ends between the words are blanks", () => {
    const blank = fc.constantFrom("\n", "\t ", "/* x */", " # x\n", " -- it's\n", "/**/", ' -- "\n', "\r\n");
    fc.assert(
      fc.property(tokens, fc.array(blank, { minLength: 1 }), quietMode, (parts, blanks, bits) => {
        const spread = parts.map((part, i) => part + blanks[i % blanks.length]).join("");
        expect(classified(spread, bits)).toBe(classified(`${text(parts)} `, bits));
      }),
      RUNS,
    );
  });

  test("one word with an effect, wherever it stands, and it is no read", () => {
    const effect = fc.constantFrom(
      "INTO",
      "UPDATE",
      "FOR UPDATE",
      "INTO @x",
      "LOCK",
      "@x := 1",
      "f(1)",
      "NEXTVAL(s)",
      "db.f(1)",
      "`f`(1)",
      "NEXT VALUE FOR s",
      "DELETE",
      "DEFAULT(a)",
      "COUNT (*)",
      "GET_LOCK('a', 1)",
    );
    fc.assert(
      fc.property(query, effect, fc.nat(), (parts, word, place) => {
        const at = 1 + (place % parts.length);
        // `) f (`, `'x' f (` and `AS f (` are no calls but mistakes, which no server executes.
        fc.pre(!/^(\)|AS|.*['")])$/.test(parts[at - 1] ?? "") && parts[at - 1] !== "WITH");
        expect(isRead(classified(text([...parts.slice(0, at), word, ...parts.slice(at)])))).toBe(false);
      }),
      RUNS,
    );
  });

  test("what is called a read shows no word that writes, to somebody who reads it differently", () => {
    fc.assert(
      fc.property(
        fc.oneof(tokens.map(text), rubbish.map(String)),
        fc.constantFrom(...SAFE_MODES),
        (statement, bits) => {
          fc.pre(!/\/\*[!M]/.test(statement) && isRead(classified(statement, bits)));
          expect(visibleWords(statement, bits).filter((word) => EFFECTS.includes(word))).toEqual([]);
        },
      ),
      RUNS,
    );
  });

  test("several in one are no read, and a session command only if all are", () => {
    fc.assert(
      fc.property(tokens, tokens, (one, other) => {
        const both = [text(one), text(other)];
        const each = both.map((statement) => classified(statement));
        fc.pre(
          each.every((flags) => (flags & (OPAQUE | IMPLICIT_COMMIT)) === 0) &&
            both.every((statement) => /[^\s;]/.test(visible(statement))),
        );
        const flags = classified(both.join(" ; "));
        expect(isRead(flags)).toBe(false);
        expect(flags & MULTI).toBe(MULTI);
        if (flags & SESSION) expect(each.every((part) => (part & SESSION) !== 0)).toBe(true);
      }),
      RUNS,
    );
  });

  test("nothing is remembered from one statement to the next", () => {
    fc.assert(
      fc.property(fc.array(tokens.map(text), { minLength: 2, maxLength: 6 }), (statements) => {
        const forwards = statements.map((statement) => classified(statement));
        const backwards = statements.toReversed().map((statement) => classified(statement));
        expect(backwards.toReversed()).toEqual(forwards);
      }),
      RUNS,
    );
  });

  test("a hint changes the hint alone", () => {
    fc.assert(
      fc.property(tokens, (parts) => {
        const statement = text(parts);
        fc.pre(!statement.includes("maxscale"));
        const hinted = classified(`/* maxscale route to slave */ ${statement}`);
        expect(hinted & ~HINTS).toBe(classified(statement) & ~HINTS);
      }),
      RUNS,
    );
  });
});

const EFFECTS = ["into", "update", "delete", "lock", "insert", "replace"];

const swapped = (word: string): string =>
  [...word]
    .map((letter) => (letter === letter.toLowerCase() ? letter.toUpperCase() : letter.toLowerCase()))
    .join("");

const visible = (statement: string): string => visibleWords(statement, 0).join(" ");
