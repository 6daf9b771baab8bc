/** What every component may say. The pino logger satisfies it (logger.ts); tests record into an array. */
export interface Log {
  debug(fields: LogFields, message: string): void;
  info(fields: LogFields, message: string): void;
  warn(fields: LogFields, message: string): void;
  error(fields: LogFields, message: string): void;
  child(fields: LogFields): Log;
}

/** Fixed keys: event, server, service, session, reason, code, err. Never a password, never SQL text. */
export type LogFields = Readonly<Record<string, unknown>>;

/** Says nothing. */
export const SILENT_LOG: Log = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
  child: () => SILENT_LOG,
};
