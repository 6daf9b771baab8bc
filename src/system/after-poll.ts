/**
 * Calls back once what lies unread in this process's sockets has been read. Between two turns of setImmediate the runtime
 * looks at all of them. Whoever gives up on a peer asks for this first: where the process itself was held up, a timer is
 * called before the bytes that came in time.
 */
export function afterPoll(callback: () => void): void {
  setImmediate(() => setImmediate(callback));
}
