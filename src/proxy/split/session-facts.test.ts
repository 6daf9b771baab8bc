import { expect, test } from "bun:test";
import { IGNORE_SPACE, MYSQL, UNSAFE_CHARSET } from "../../sql/lexer-mode.ts";
import { CLIENT } from "../../wire/capability.ts";
import { SessionFacts } from "./session-facts.ts";
import { settleMode } from "./settle-command.ts";

test.each([
  [45, 0, MYSQL],
  [28, 0, MYSQL | UNSAFE_CHARSET],
  [45, CLIENT.IGNORE_SPACE, MYSQL | IGNORE_SPACE],
])(
  "a login with collation %d and capabilities %d begins with mode %d",
  (characterSet, capabilities, mode) => {
    const facts = new SessionFacts();
    facts.begin(MYSQL, { characterSet, capabilities, isExpired: false });
    expect(facts.mode).toBe(mode);
  },
);

test("what the servers are outlives a mode that is asked for", () => {
  const facts = new SessionFacts();
  facts.begin(MYSQL, { characterSet: 45, capabilities: 0, isExpired: false });
  settleMode(facts, "IGNORE_SPACE", "gbk");
  expect(facts.mode).toBe(MYSQL | IGNORE_SPACE | UNSAFE_CHARSET);
  settleMode(facts, "", "utf8mb4");
  expect(facts.mode).toBe(MYSQL);
});
