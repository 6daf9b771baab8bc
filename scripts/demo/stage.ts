import type { MariaDb } from "../../test/lab/maria-db.ts";

/** What /status of an agent says, as far as the demo shows it. */
export interface Status {
  readonly up: boolean;
  readonly role: string;
  readonly code: string;
  readonly sentence: string;
}

/** One watched server of the demo. */
export interface Watched {
  readonly name: string;
  readonly healthUrl: string;
  status(): Promise<Status>;
}

/** Something that is done to a server, announced, and the verdict that must follow. */
export interface Act {
  readonly title: string;
  readonly on: Watched;
  /** A verdict code, or several where each is right. */
  readonly expected: readonly string[];
  run(): Promise<void>;
}

/** A place where the demo plays: its servers and what can be done to them. */
export interface Stage {
  readonly description: string;
  readonly watched: readonly Watched[];
  readonly acts: readonly Act[];
  /** What a newcomer may try in another terminal. */
  readonly suggestions: readonly string[];
  close(): Promise<void>;
}

/** Hang, read-only, die and come back: what every server can do. */
export function commonActs(
  on: Watched,
  server: MariaDb,
  healthy: string,
  readOnly: string,
  back: () => Promise<void>,
): readonly Act[] {
  return [
    {
      title: "goes read-only",
      on,
      expected: [readOnly],
      run: async () => void (await server.sql("SET GLOBAL read_only=ON")),
    },
    {
      title: "is writable again",
      on,
      expected: [healthy],
      run: async () => void (await server.sql("SET GLOBAL read_only=OFF")),
    },
    {
      title: "hangs (SIGSTOP)",
      on,
      expected: ["PROBE_QUERY_TIMEOUT", "PROBE_LOGIN_TIMEOUT"],
      run: async () => await server.hang(),
    },
    { title: "goes on (SIGCONT)", on, expected: [healthy], run: async () => await server.resume() },
    {
      title: "dies (kill -9)",
      on,
      expected: ["PROBE_REFUSED", "PROBE_SOCKET_MISSING", "PROBE_CONNECTION_LOST"],
      run: async () => await server.kill(),
    },
    { title: "comes back", on, expected: [healthy], run: back },
  ];
}
