import { longForms, SPEC } from "./options.ts";

const POLICIES: Readonly<Record<string, string>> = {
  single: "--single",
  random: "--random",
  source: "--source",
};

/**
 * The command line with what GLB's variables say in addition; the command line wins. `GLB_OPTIONS` is a command line of its own
 * without blanks in its values.
 */
export function withEnvironment(args: readonly string[], env: NodeJS.ProcessEnv): readonly string[] {
  const spoken = (env["GLB_OPTIONS"] ?? "").split(/\s+/).filter((word) => word !== "");
  const fromOptions = split(spoken);
  const given = split(args);
  const flags: string[] = [];
  const add = (flag: string, value: string | undefined): void => {
    if (value !== undefined && value !== "") flags.push(`${flag}=${value}`);
  };
  add("--control", env["GLB_CONTROL"]);
  add("--interval", env["GLB_INTERVAL"]);
  add("--watchdog", env["GLB_WATCHDOG"]);
  const policy = POLICIES[env["GLB_POLICY"] ?? ""];
  if (policy !== undefined) flags.push(policy);
  const [bind, ...targets] = fromOptions.operands;
  const listen = given.operands[0] ?? (env["GLB_BIND"] || bind);
  const listed = (env["GLB_TARGETS"] ?? "").split(",").flatMap((target) => target.trim() || []);
  const servers = given.operands.length > 1 ? given.operands.slice(1) : listed.length > 0 ? listed : targets;
  const operands = listen === undefined ? [] : [listen, ...servers];
  return [...fromOptions.flags, ...flags, ...given.flags, ...operands];
}

interface Split {
  readonly flags: readonly string[];
  readonly operands: readonly string[];
}

/** Options stay with their values. */
function split(args: readonly string[]): Split {
  const flags: string[] = [];
  const operands: string[] = [];
  const rest = [...longForms(args)];
  for (let arg = rest.shift(); arg !== undefined; arg = rest.shift()) {
    if (arg === "--") operands.push(...rest.splice(0));
    else if (!arg.startsWith("--")) operands.push(arg);
    else {
      const value = takesValue(arg) ? rest.shift() : undefined;
      flags.push(value === undefined ? arg : `${arg}=${value}`);
    }
  }
  return { flags, operands };
}

function takesValue(flag: string): boolean {
  const option = Object.entries(SPEC.options).find(([name]) => flag === `--${name}`)?.[1];
  return option !== undefined && option.type !== undefined;
}
