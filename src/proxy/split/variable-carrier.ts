import { userVariables } from "../../sql/user-variables.ts";
import { COMMAND } from "../../wire/command.ts";
import { HEADER_BYTES } from "../../wire/packet.ts";
import type { Command } from "./command.ts";
import { queryPacket } from "./own-packets.ts";
import { firstRow, Question } from "./question.ts";
import type { ServerLeg } from "./server-leg.ts";
import type { SessionContext } from "./session-context.ts";

const TEXT_OFFSET = HEADER_BYTES + 1;
/** More than values of 32 kB need is not carried. */
const MOST_BYTES = 1 << 20;
const COLUMNS_OF_EACH = 4;

/**
 * Takes the values of user variables that were set on a replica to the other servers: by a transaction that reads only, or by GET
 * DIAGNOSTICS after a read. As late as it can be: asking for them may be the end of the diagnostics.
 *
 *   note(): a statement has set some on `leg`      isDue(): another server is next      carry(): SELECT there, SET for all others
 */
export class VariableCarrier {
  readonly #context: SessionContext;
  readonly #names = new Set<string>();
  #leg: ServerLeg | undefined;
  #isAsking = false;

  constructor(context: SessionContext) {
    this.#context = context;
  }

  /** A command has been answered there that sets user variables. */
  note({ code, bytes, statement }: Command, leg: ServerLeg): void {
    const { mode } = this.#context.facts;
    const text = code === COMMAND.QUERY ? bytes : statement?.command;
    if (text === undefined) return;
    if (this.#leg !== leg) this.forget();
    for (const name of userVariables(text, TEXT_OFFSET, text.length, mode)) this.#names.add(name);
    if (this.#names.size > 0) this.#leg = leg;
  }

  /** That connection alone has something. */
  isOn(leg: ServerLeg): boolean {
    return this.#leg === leg;
  }

  get isPending(): boolean {
    return this.#leg !== undefined;
  }

  /** Before anything is sent there, carry() has to be called. */
  isDue(leg: ServerLeg): boolean {
    return this.#leg !== undefined && this.#leg !== leg;
  }

  forget(): void {
    this.#leg = undefined;
    this.#names.clear();
  }

  /** `then` is told whether the session's history has them now; nothing, where that is being found out already. */
  carry(then: (isDone: boolean) => void): void {
    const leg = this.#leg;
    if (leg === undefined || this.#isAsking) return;
    this.#isAsking = true;
    const names = [...this.#names];
    const answered = (values: readonly string[] | undefined): void => {
      this.#isAsking = false;
      this.forget();
      if (values !== undefined) this.#keep(leg, names, values);
      then(values !== undefined);
    };
    leg.send(
      queryPacket(`SELECT ${names.map(selected).join()}`),
      new Question(literals, answered, MOST_BYTES),
    );
  }

  #keep(leg: ServerLeg, names: readonly string[], values: readonly string[]): void {
    const { history } = this.#context;
    const isUpToDate = leg.position === history.lastId;
    const id = history.nextId();
    const pairs = names.map((name, i) => `${variable(name)}=${values[i]}`);
    history.keep(id, queryPacket(`SET ${pairs.join()}`), undefined);
    if (isUpToDate) leg.position = id;
  }
}

const variable = (name: string): string => `@\`${name.replaceAll("`", "``")}\``;

const selected = (name: string): string => {
  const value = variable(name);
  return `${value},HEX(${value}),CHARSET(${value}),COLLATION(${value})`;
};

/** The values as literals, from the answer to that SELECT; undefined: one of them is none. */
function literals(answer: Buffer, hasEofPackets: boolean): readonly string[] | undefined {
  const row = firstRow(answer, hasEofPackets);
  if (row === undefined) return undefined;
  const types = columnTypes(answer, row.length);
  const found: string[] = [];
  for (let at = 0; at < row.length; at += COLUMNS_OF_EACH) {
    const [text = null, hex = null, charset = null, collation = null] = row.slice(at);
    const literal =
      text === null ? "NULL" : (numberLiteral(types[at], text) ?? stringLiteral(hex, charset, collation));
    if (literal === undefined) return undefined;
    found.push(literal);
  }
  return found;
}

/** Type bytes of a result's columns, which stand six bytes before the end of each definition. */
function columnTypes(answer: Buffer, count: number): readonly number[] {
  const types: number[] = [];
  let at = HEADER_BYTES + answer.readUIntLE(0, 3);
  for (let i = 0; i < count; i++) {
    at += HEADER_BYTES + answer.readUIntLE(at, 3);
    types.push(answer[at - 6] ?? 0);
  }
  return types;
}

const INTEGERS: ReadonlySet<number | undefined> = new Set([1, 2, 3, 8, 9]);
const FLOATS: ReadonlySet<number | undefined> = new Set([4, 5]);
const DECIMALS: ReadonlySet<number | undefined> = new Set([0, 246]);

/** Undefined: it is no number. Of each type there is a way to write it: 5, 5e0, 5. */
function numberLiteral(type: number | undefined, text: string): string | undefined {
  if (!/^-?[\d.]+(e[+-]?\d+)?$/i.test(text)) return undefined;
  if (INTEGERS.has(type)) return text;
  if (FLOATS.has(type)) return /e/i.test(text) ? text : `${text}e0`;
  if (DECIMALS.has(type)) return text.includes(".") ? text : `${text}.`;
  return undefined;
}

function stringLiteral(
  hex: string | null,
  charset: string | null,
  collation: string | null,
): string | undefined {
  if (hex === null || !/^[0-9A-F]*$/.test(hex)) return undefined;
  if (charset === "binary") return `X'${hex}'`;
  if (!/^\w+$/.test(charset ?? "") || !/^\w+$/.test(collation ?? "")) return undefined;
  return `_${charset} X'${hex}' COLLATE ${collation}`;
}
