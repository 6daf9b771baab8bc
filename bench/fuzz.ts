/**
 * bun bench/fuzz.ts [millions] [seed]: every parser of the MySQL protocol on so many inputs (default 2 million): random bytes, and valid packets
 * with bytes changed, cut off, doubled. Ends with exit code 1 and the input's hexadecimal where one throws anything but MalformedPacket, or
 * takes longer than a second. The same seed makes the same inputs.
 */
import { fuzzOnce, WIRE_PARSERS } from "../test/support/wire-parsers.ts";

const SLOW_MS = 1000;
const EDGES = [0x00, 0x01, 0x7f, 0x80, 0xfa, 0xfb, 0xfc, 0xfd, 0xfe, 0xff];

const inputs = Number(process.argv[2] ?? 2) * 1e6;
let state = Number(process.argv[3] ?? Date.now() % 2 ** 31) || 1;
console.log(`${inputs} inputs, seed ${state}`);

/** xorshift: a number below `limit`. */
function random(limit: number): number {
  state ^= state << 13;
  state ^= state >>> 17;
  state ^= state << 5;
  return (state >>> 0) % limit;
}

const randomByte = (): number => (random(3) === 0 ? (EDGES[random(EDGES.length)] ?? 0) : random(256));

function mutated(sample: Buffer): Buffer {
  if (random(4) === 0) return Buffer.from(Array.from({ length: random(80) }, randomByte));
  const parts = [sample.subarray(0, random(sample.length + 1)), sample.subarray(random(sample.length + 1))];
  const bytes = Buffer.from(random(3) === 0 ? Buffer.concat(parts) : sample);
  for (let changes = random(5); changes > 0 && bytes.length > 0; changes--)
    bytes[random(bytes.length)] = randomByte();
  return random(8) === 0 ? bytes.subarray(0, random(bytes.length + 1)) : bytes;
}

const started = performance.now();
for (let i = 0; i < inputs; i++) {
  const parser = WIRE_PARSERS[i % WIRE_PARSERS.length];
  if (parser === undefined) break;
  const input = mutated(parser.sample);
  const before = performance.now();
  fuzzOnce(parser, input);
  if (performance.now() - before > SLOW_MS)
    throw new Error(`${parser.name} is slow: ${input.toString("hex")}`);
}
const seconds = (performance.now() - started) / 1000;
console.log(`no mistake; ${Math.round(inputs / seconds)} inputs a second`);
