import type { Command as Program } from "commander";
import type { Command } from "../cli/command.ts";
import type { FleetCommandName } from "../cli/fleet/fleet-commands.ts";

/** A command as the entry knows it: by name, with nothing loaded. */
export interface CommandEntry {
  run(args: readonly string[]): Promise<number>;
  /** For help and the manual page; `words` are what follows the command, for one that has words of its own. */
  program(words: readonly string[]): Promise<Program>;
}

/** In the order in which help lists them. */
export const COMMANDS = {
  agent: entry(() => import("./agent.ts")),
  run: entry(() => import("./run.ts")),
  check: entry(() => import("../cli/commands/check.ts")),
  explain: entry(() => import("../cli/commands/explain.ts")),
  maintenance: entry(() => import("../cli/commands/maintenance.ts")),
  hint: entry(() => import("../cli/commands/hint.ts")),
  grants: entry(() => import("../cli/commands/grants.ts")),
  doctor: entry(() => import("../cli/commands/doctor.ts")),
  config: entry(() => import("../cli/commands/config.ts")),
  secrets: entry(() => import("../cli/commands/secrets.ts")),
  certs: entry(() => import("../cli/commands/certs.ts")),
  classify: entry(() => import("../cli/commands/classify.ts")),
  render: entry(() => import("../cli/commands/render.ts")),
  haproxy: entry(() => import("../cli/commands/haproxy.ts")),
  "track-guard": entry(() => import("../cli/commands/track-guard.ts")),
  status: fleet("status"),
  list: fleet("list"),
  show: fleet("show"),
  events: fleet("events"),
  create: fleet("create"),
  alter: fleet("alter"),
  destroy: fleet("destroy"),
  link: fleet("link"),
  unlink: fleet("unlink"),
  set: fleet("set"),
  clear: fleet("clear"),
  start: fleet("start"),
  stop: fleet("stop"),
  restart: fleet("restart"),
  call: fleet("call"),
  reload: fleet("reload"),
  upgrade: fleet("upgrade"),
  clustercheck: entry(() => import("../cli/personas/clustercheck.ts")),
  mysqlchk: entry(() => import("../cli/personas/mysqlchk.ts")),
  connectorchk: entry(() => import("../cli/personas/connectorchk.ts")),
  mysqlchk_iptables: {
    run: async (args) => (await import("./mysqlchk-iptables.ts")).mysqlchkIptables(args),
    program: async () => {
      const [{ SPEC }, { programOf }] = await Promise.all([
        import("../cli/personas/mysqlchk-iptables/options.ts"),
        import("../cli/program.ts"),
      ]);
      return programOf(SPEC);
    },
  },
  glbd: {
    run: async (args) => (await import("./glbd.ts")).glbd(args),
    program: async () => {
      const [{ SPEC }, { programOf }] = await Promise.all([
        import("../cli/personas/glbd/options.ts"),
        import("../cli/program.ts"),
      ]);
      return programOf(SPEC);
    },
  },
  maxping: entry(() => import("../cli/personas/maxping.ts")),
  maxify: entry(() => import("../cli/personas/maxify.ts")),
  completion: {
    run: async (args) => (await import("../cli/completion/completion.ts")).runCompletion(args, COMMAND_TABLE),
    program: async () => {
      const { COMPLETION_SPEC } = await import("../cli/completion/completion.ts");
      return (await import("../cli/program.ts")).programOf(COMPLETION_SPEC);
    },
  },
} as const satisfies Record<string, CommandEntry>;

/** What Sluice starts itself, and nobody else: in no help. */
export const HELPERS: Readonly<Record<string, CommandEntry["run"]>> = {
  "gate-guard": async () => (await import("./gate-guard.ts")).gateGuard(),
  worker: async (args) => (await import("./worker.ts")).workerCommand(args),
};

export type CommandName = keyof typeof COMMANDS;

/** Commands that are meant where the executable is called under their name. */
export const PERSONAS: ReadonlySet<string> = new Set<CommandName>([
  "clustercheck",
  "mysqlchk",
  "connectorchk",
  "mysqlchk_iptables",
  "glbd",
  "maxping",
  "maxify",
]);

/** For shell completion. */
const COMMAND_TABLE = {
  get names(): readonly string[] {
    return Object.keys(COMMANDS);
  },
  program: (name: string): Promise<Program> => {
    const { [name as CommandName]: command }: Record<CommandName, CommandEntry> = COMMANDS;
    return command.program([]);
  },
};

export const isCommand = (name: string): name is CommandName => Object.hasOwn(COMMANDS, name);

function entry(load: () => Promise<{ readonly command: Command }>): CommandEntry {
  return {
    run: async (args) => (await load()).command.run(args),
    program: async () => {
      const [{ command }, { programOf }] = await Promise.all([load(), import("../cli/program.ts")]);
      return programOf(command.spec);
    },
  };
}

/** A command for the whole fleet, through the REST API. */
function fleet(name: FleetCommandName): CommandEntry {
  return {
    run: async (args) => (await import("../cli/fleet/process.ts")).runFleet(name, args),
    program: async (words) => (await import("../cli/fleet/process.ts")).programOfFleet(name, words),
  };
}
