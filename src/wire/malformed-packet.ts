/** The other side does not speak the protocol: the one error that parsers of this folder throw, whatever the bytes. */
export class MalformedPacket extends Error {
  override readonly name = "MalformedPacket";
}
