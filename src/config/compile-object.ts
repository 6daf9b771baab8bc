import type { ConfigurationObject, Given } from "./configuration.ts";
import type { Findings, Subject } from "./findings.ts";
import { own } from "./own.ts";
import type { Parameter, ParameterSet } from "./parameter.ts";
import { type ResolvedSection, suggestion } from "./resolve-sections.ts";
import type { ObjectSchema, Obsolete } from "./schema/object-schema.ts";
import { FILTER_MODULES, SCHEMAS } from "./schema/schemas.ts";
import { Secret } from "./secret.ts";
import type { SourceParameter } from "./source.ts";
import { nearest } from "./suggestion.ts";
import { splitList } from "./values/text.ts";
import type { Parsed } from "./values/value-type.ts";

/** Turns one section into its object. Every mistake in it goes to `findings`; undefined where the module is not known. */
export function compileObject(section: ResolvedSection, findings: Findings): ConfigurationObject | undefined {
  return new ObjectCompiler(section, findings).compile();
}

/** The parameters of a schema with one module: the module's own win. */
export function parametersOf(schema: ObjectSchema, module: string | undefined): ParameterSet {
  return { ...schema.common, ...(module === undefined ? {} : schema.modules[module]) };
}

class ObjectCompiler {
  readonly #section: ResolvedSection;
  readonly #findings: Findings;
  readonly #schema: ObjectSchema;
  readonly #given = new Map<string, Given>();

  constructor(section: ResolvedSection, findings: Findings) {
    this.#section = section;
    this.#findings = findings;
    this.#schema = SCHEMAS[section.kind];
  }

  compile(): ConfigurationObject | undefined {
    const { kind, name, at, origin } = this.#section;
    const module = this.#module();
    if (module === null) return undefined;
    const set = parametersOf(this.#schema, module);
    const values: Record<string, unknown> = Object.fromEntries(
      Object.keys(set).map((key) => [key, undefined]),
    );
    for (const parameter of this.#section.parameters) {
      if (parameter.name === "type" || parameter.name === this.#schema.moduleParameter) continue;
      const known = this.#known(parameter, set, module);
      if (known !== undefined) values[known] = this.#value(parameter, known, set[known] as Parameter);
    }
    this.#fillIn(set, values);
    const parameters = Object.freeze(values);
    // The one place where the tables of schema/ become types: each value came from the type of its own parameter.
    return Object.freeze({
      kind,
      name,
      at,
      origin,
      module,
      given: this.#given,
      parameters,
    }) as unknown as ConfigurationObject;
  }

  /** Null: there is none, and that has been told. */
  #module(): string | undefined | null {
    const { moduleParameter, modules, moduleAliases, foreignModules } = this.#schema;
    if (moduleParameter === undefined) return undefined;
    const ours = Object.keys(modules);
    const list = `${moduleParameter}=${ours.join(`, ${moduleParameter}=`)}`;
    const found = this.#section.parameters.find((parameter) => parameter.name === moduleParameter);
    if (found === undefined) {
      this.#problem({ at: this.#section.at }, `${moduleParameter} is missing`, `add one of ${list}`);
      return null;
    }
    const name = found.value.toLowerCase();
    if (Object.hasOwn(modules, name)) return name;
    const subject = { at: found.at, parameter: moduleParameter, found: found.value };
    const present = own(moduleAliases, name);
    if (present !== undefined) {
      this.#warn(
        `${moduleParameter}=${name}`,
        subject,
        `${found.value} is the old name of ${present}; write ${moduleParameter}=${present}`,
      );
      return present;
    }
    if (FILTER_MODULES.has(name))
      this.#problem(subject, `${found.value} is a filter, and Sluice has none`, `use one of ${list}`);
    else if (Object.hasOwn(foreignModules, name)) {
      this.#problem(
        subject,
        `Sluice does not have this module of MaxScale: ${foreignModules[name]}`,
        `use one of ${list}`,
      );
    } else
      this.#problem(
        subject,
        "there is no such module",
        suggestion(nearest(name, ours), `use one of ${list}`),
      );
    return null;
  }

  /** The present name of a parameter that has a value here, or undefined where it has none; that has been told. */
  #known(parameter: SourceParameter, set: ParameterSet, module: string | undefined): string | undefined {
    const { name } = parameter;
    if (Object.hasOwn(set, name)) return name;
    const subject = { at: parameter.at, parameter: name };
    const present = own(this.#schema.renamed, name);
    if (present !== undefined && Object.hasOwn(set, present)) {
      if (this.#section.parameters.some((other) => other.name === present)) {
        this.#problem(
          subject,
          `it is the old name of ${present}, which is there too`,
          `keep ${present} alone`,
        );
        return undefined;
      }
      this.#warn(name, subject, `the old name of ${present}; write ${present}`);
      return present;
    }
    const obsolete = this.#obsolete(name);
    if (obsolete === undefined) this.#unknown(parameter, set, module);
    else this.#passOver(parameter, obsolete);
    return undefined;
  }

  #obsolete(name: string): Obsolete | undefined {
    const { obsolete } = this.#schema;
    const lower = name.toLowerCase();
    return own(obsolete, lower) ?? own(obsolete, lower.replace(/\..*$/s, ".*"));
  }

  #passOver({ at, name, value }: SourceParameter, obsolete: Obsolete): void {
    const subject = { at, parameter: name };
    const { reason, values } = typeof obsolete === "string" ? { reason: obsolete } : obsolete;
    const strange = splitList(value.toLowerCase()).find((word) => values?.includes(word) === false);
    if (strange === undefined) this.#warn(name, subject, `without effect: ${reason}`);
    else this.#problem({ ...subject, found: value }, `Sluice does not have ${strange}`, reason);
  }

  #unknown({ at, name }: SourceParameter, set: ParameterSet, module: string | undefined): void {
    const { kind } = this.#section;
    const { moduleParameter, modules, renamed } = this.#schema;
    const subject = { at, parameter: name };
    const owners = Object.keys(modules).filter((other) => Object.hasOwn(modules[other] ?? {}, name));
    if (kind === "service" && name === "filters")
      this.#problem(subject, "Sluice has no filters", "remove it");
    else if (owners.length > 0) {
      const owner = `${moduleParameter}=${owners.join(` or ${moduleParameter}=`)}`;
      this.#problem(subject, `it belongs to ${owner}, not to ${moduleParameter}=${module}`, "remove it");
    } else {
      const what = kind === "sluice" ? "[sluice]" : `a ${kind}`;
      const near = nearest(name, [...Object.keys(set), ...Object.keys(renamed)]);
      this.#problem(subject, `${what} has no such parameter`, suggestion(near, elsewhere(name)));
    }
  }

  #value(source: SourceParameter, name: string, parameter: Parameter): unknown {
    const { at, value: text, quoted } = source;
    const subject = { at, parameter: source.name, found: parameter.secret ? "***" : text };
    const { origin } = this.#section;
    const shown = parameter.secret ? new Secret(text) : text;
    this.#given.set(name, { text: shown, at, origin, variable: source.variable });
    const parsed = this.#parse(text, quoted === true, parameter);
    if (!parsed.ok) {
      this.#problem(subject, parsed.wrong, `expected ${parsed.expected ?? parameter.type.expected}`);
      return defaultOf(parameter); // the checks that follow want a value
    }
    const { deprecated } = parsed;
    if (deprecated !== undefined) {
      this.#warn(
        `${name}: ${deprecated.name}`,
        subject,
        `${deprecated.name} is an old form; write ${deprecated.instead}`,
      );
    }
    if (parameter.planned && parameter.type.print(parsed.value) !== standardOf(parameter))
      this.#warn(`${name}: planned`, subject, "without effect as yet");
    return parsed.value;
  }

  #parse(text: string, isQuoted: boolean, parameter: Parameter): Parsed<unknown> {
    if (/[\u0000-\u0008\u000a-\u001f\u007f]/.test(text))
      return { ok: false, wrong: "it holds a control character" };
    if (text === "" && !isQuoted && !parameter.type.emptyIsValue)
      return { ok: false, wrong: "it has no value" };
    return parameter.type.parse(text);
  }

  #fillIn(set: ParameterSet, values: Record<string, unknown>): void {
    const written = new Set(
      this.#section.parameters.map(({ name }) => own(this.#schema.renamed, name) ?? name),
    );
    for (const [name, parameter] of Object.entries(set)) {
      if (written.has(name)) continue;
      values[name] = defaultOf(parameter);
      if (parameter.presence === "required") {
        this.#problem({ at: this.#section.at }, `${name} is missing`, `expected ${parameter.type.expected}`);
      }
    }
  }

  #problem(subject: Subject, wrong: string, right: string): void {
    this.#findings.problem({ section: this.#section.name, ...subject }, wrong, right);
  }

  #warn(key: string, subject: Subject, message: string): void {
    this.#findings.warn(key, { section: this.#section.name, ...subject }, message);
  }
}

function defaultOf(parameter: Parameter): unknown {
  const standard = parameter.default === undefined ? undefined : parameter.type.parse(parameter.default);
  return standard?.ok ? standard.value : undefined;
}

/** Its default as print() would write it; undefined: it has none. */
function standardOf(parameter: Parameter): string | undefined {
  const standard = defaultOf(parameter);
  return standard === undefined ? undefined : parameter.type.print(standard);
}

/** What to do about a parameter that the type does not have. */
function elsewhere(name: string): string {
  const owner = Object.entries(SCHEMAS).find(([, { common }]) => Object.hasOwn(common, name))?.[0];
  if (owner === undefined) return "remove it";
  return owner === "sluice" ? "it belongs to [sluice]" : `it belongs to a ${owner}`;
}
