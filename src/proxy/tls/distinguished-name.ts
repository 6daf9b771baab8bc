// ASN.1 tags, X.690 section 8.
const SEQUENCE = 0x30;
const EXPLICIT_VERSION = 0xa0;

/** OpenSSL's short names, by the DER of the object identifier. */
const SHORT_NAMES: ReadonlyMap<string, string> = new Map([
  ["550403", "CN"],
  ["550404", "SN"],
  ["550405", "serialNumber"],
  ["550406", "C"],
  ["550407", "L"],
  ["550408", "ST"],
  ["550409", "street"],
  ["55040a", "O"],
  ["55040b", "OU"],
  ["55040c", "title"],
  ["55040d", "description"],
  ["55040f", "businessCategory"],
  ["550411", "postalCode"],
  ["550429", "name"],
  ["55042a", "GN"],
  ["55042b", "initials"],
  ["55042c", "generationQualifier"],
  ["55042e", "dnQualifier"],
  ["550441", "pseudonym"],
  ["550461", "organizationIdentifier"],
  ["2a864886f70d010901", "emailAddress"],
  ["2a864886f70d010902", "unstructuredName"],
  ["0992268993f22c640101", "UID"],
  ["0992268993f22c640119", "DC"],
]);

/** One element: where its content is, and where it ends. */
interface Element {
  readonly tag: number;
  readonly start: number;
  readonly end: number;
}

/**
 * Subject and issuer of a certificate (DER) as X509_NAME_oneline of OpenSSL writes them, byte for byte: accounts are compared
 * with that text (REQUIRE SUBJECT). X509Certificate.subject escapes otherwise and would not match. Throws RangeError where it
 * is no certificate.
 */
export function oneLineNames(der: Uint8Array): { readonly subject: string; readonly issuer: string } {
  const certificate = read(der, 0, SEQUENCE);
  const signed = read(der, certificate.start, SEQUENCE);
  const [first] = children(der, signed);
  // RFC 5280, 4.1: version (optional), serialNumber, signature, issuer, validity, subject …
  const fields = children(der, signed).slice(first?.tag === EXPLICIT_VERSION ? 1 : 0);
  const [, , issuer, , subject] = fields;
  if (issuer === undefined || subject === undefined) throw new RangeError("no certificate");
  return { subject: oneLine(der, subject), issuer: oneLine(der, issuer) };
}

function oneLine(der: Uint8Array, name: Element): string {
  return children(der, name)
    .flatMap((set) => children(der, set))
    .map((attribute) => {
      const [type, value] = children(der, attribute);
      if (type === undefined || value === undefined) throw new RangeError("no name");
      return `/${typeName(der.subarray(type.start, type.end))}=${valueText(der, value)}`;
    })
    .join("");
}

function typeName(oid: Uint8Array): string {
  return SHORT_NAMES.get(Buffer.from(oid).toString("hex")) ?? dotted(oid);
}

function dotted(oid: Uint8Array): string {
  const numbers: number[] = [];
  let number = 0;
  for (const byte of oid) {
    number = number * 128 + (byte & 0x7f);
    if (byte < 0x80) {
      numbers.push(number);
      number = 0;
    }
  }
  const [both = 0, ...rest] = numbers;
  const top = Math.min(2, Math.floor(both / 40));
  return [top, both - 40 * top, ...rest].join(".");
}

/** Each byte for itself; what is no printable ASCII becomes \xHH. OpenSSL 3 escapes / and + as well. */
function valueText(der: Uint8Array, { start, end }: Element): string {
  return Array.from(der.subarray(start, end), (byte) => {
    const character = String.fromCharCode(byte);
    if (character === "/" || character === "+") return `\\${character}`;
    if (byte >= 0x20 && byte <= 0x7e) return character;
    return `\\x${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }).join("");
}

function children(der: Uint8Array, parent: Element): readonly Element[] {
  const found: Element[] = [];
  for (let at = parent.start; at < parent.end; ) {
    const element = read(der, at);
    if (element.end > parent.end) throw new RangeError("an element reaches beyond its parent");
    found.push(element);
    at = element.end;
  }
  return found;
}

function read(der: Uint8Array, at: number, expected?: number): Element {
  const tag = der[at];
  const first = der[at + 1];
  if (tag === undefined || first === undefined || (expected !== undefined && tag !== expected))
    throw new RangeError("no certificate");
  const lengthBytes = first < 0x80 ? 0 : first & 0x7f;
  if (lengthBytes > 4) throw new RangeError("an element is too long");
  let length = lengthBytes === 0 ? first : 0;
  for (let i = 0; i < lengthBytes; i++) length = length * 256 + (der[at + 2 + i] ?? 0);
  const start = at + 2 + lengthBytes;
  if (start + length > der.length) throw new RangeError("an element is cut off");
  return { tag, start, end: start + length };
}
