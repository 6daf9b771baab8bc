import type { Socket, SocketHandler } from "bun";

/**
 * Who has a connection at present. The runtime's handlers are the same for all sockets and ask the owner, so that a socket
 * passes from the login to the session, and back for COM_CHANGE_USER, by one assignment to `socket.data`.
 */
export interface SocketOwner {
  data(chunk: Buffer): void;
  /** The kernel takes bytes again after a write() that it did not take whole. */
  drain(): void;
  /** No more will come from the other side; it may still take. */
  end(): void;
  /** Called once; nothing comes after it. */
  close(): void;
}

export type OwnedSocket = Socket<SocketOwner>;

export const OWNED_SOCKET: SocketHandler<SocketOwner> = {
  data(socket, chunk) {
    socket.data.data(chunk);
  },
  drain(socket) {
    socket.data.drain();
  },
  end(socket) {
    socket.data.end();
  },
  close(socket) {
    socket.data.close();
  },
  // A mistake of ours in one of the above: it ends this session, and no other.
  error(socket) {
    socket.terminate();
  },
};
