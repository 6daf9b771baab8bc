import type { SplitRules } from "../../topology/routing-table.ts";
import { PreparedStatements } from "./prepared-statements.ts";
import { SessionFacts, type SessionLogin } from "./session-facts.ts";
import { SessionHistory } from "./session-history.ts";

/** What a session is, apart from its connections. */
export class SessionContext {
  readonly facts = new SessionFacts();
  readonly statements = new PreparedStatements();
  /** What the statements of PREPARE name FROM are, by name in lower case: classify() of their text. */
  readonly named = new Map<string, number>();
  readonly history: SessionHistory;
  /** As in the last routing table. */
  rules: SplitRules;

  constructor(rules: SplitRules) {
    this.rules = rules;
    this.history = new SessionHistory(rules.history);
  }

  /** As after login. @param mode lexer mode that it begins with */
  reset(mode: number, login: SessionLogin): void {
    this.facts.reset();
    this.facts.begin(mode, login);
    this.statements.clear();
    this.named.clear();
    this.history.reset();
  }
}
