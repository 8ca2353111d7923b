import { base32nopad } from "@scure/base";
import { DecodeError, Reader, Writer } from "../codec/index.ts";
import { InvariantError } from "../util/invariant.ts";
import { formatIpv6, parseIpv4, parseIpv6 } from "./ipText.ts";

/**
 * Where a node can be reached (BOLT 7, "The node_announcement Message"). `port` is 0..65535.
 *
 * @ldk lightning::ln::msgs::SocketAddress
 */
export type SocketAddress =
  /** `host` in dotted decimals. */
  | { readonly type: "ipv4"; readonly host: string; readonly port: number }
  /** `host` as RFC 5952 writes it, without brackets. */
  | { readonly type: "ipv6"; readonly host: string; readonly port: number }
  /** `host` is 56 characters of base32 and `.onion`; its checksum is not verified. */
  | { readonly type: "tor-v3"; readonly host: string; readonly port: number }
  /** `host` is letters, digits, dots and hyphens, at most 255. */
  | { readonly type: "dns"; readonly host: string; readonly port: number };

/** What an `addresses` field says. */
export interface DecodedAddresses {
  readonly addresses: readonly SocketAddress[];
  /** All from the first descriptor on whose type we do not know: how long that is cannot be told. */
  readonly unknown: Uint8Array;
}

/**
 * The descriptors in `bytes`; onion services of version 2, which no longer exist, are left out. Throws `DecodeError`
 * when a known descriptor is cut short or a host name has characters that no host name has.
 */
export function decodeAddresses(bytes: Uint8Array): DecodedAddresses {
  const reader = new Reader(bytes);
  const addresses: SocketAddress[] = [];
  while (reader.remaining > 0) {
    const start = reader.offset;
    const type = reader.u8();
    if (type === types["ipv4"]) {
      addresses.push({ type: "ipv4", host: reader.bytes(4).join("."), port: reader.u16() });
    } else if (type === types["ipv6"]) {
      addresses.push({ type: "ipv6", host: formatIpv6(reader.bytes(16)), port: reader.u16() });
    } else if (type === torV2) {
      reader.bytes(12);
    } else if (type === types["tor-v3"]) {
      const host = `${base32nopad.encode(reader.bytes(35)).toLowerCase()}.onion`;
      addresses.push({ type: "tor-v3", host, port: reader.u16() });
    } else if (type === types["dns"]) {
      addresses.push({ type: "dns", host: readHostName(reader), port: reader.u16() });
    } else {
      return { addresses, unknown: bytes.slice(start) };
    }
  }
  return { addresses, unknown: new Uint8Array(0) };
}

/**
 * An `addresses` field; descriptors are put in ascending order of their types, as the BOLT asks. Throws
 * `InvariantError` on a host that is not what its type says.
 */
export function encodeAddresses(addresses: readonly SocketAddress[]): Uint8Array {
  const writer = new Writer();
  for (const address of addresses.toSorted((a, b) => types[a.type] - types[b.type])) {
    writer.u8(types[address.type]);
    writeHost(writer, address);
    writer.u16(address.port);
  }
  return writer.finish();
}

/** The descriptor types of BOLT 7. */
const types = { ipv4: 1, ipv6: 2, "tor-v3": 4, dns: 5 } as const;
const torV2 = 3;

function readHostName(reader: Reader): string {
  const bytes = reader.bytes(reader.u8());
  const host = String.fromCharCode(...bytes);
  if (!hostName.test(host)) throw new DecodeError("not a host name", reader.offset);
  return host;
}

const hostName = /^[A-Za-z0-9.-]{1,255}$/;

function writeHost(writer: Writer, { type, host }: SocketAddress): void {
  switch (type) {
    case "ipv4":
      writer.bytes(checked(parseIpv4(host), host));
      return;
    case "ipv6":
      writer.bytes(checked(parseIpv6(host), host));
      return;
    case "tor-v3": {
      const found = /^([a-z2-7]{56})\.onion$/i.exec(host)?.[1];
      writer.bytes(checked(found && base32nopad.decode(found.toUpperCase()), host));
      return;
    }
    case "dns":
      if (!hostName.test(host)) throw new InvariantError(`not a host name: ${host}`);
      writer.u8(host.length).utf8(host);
      return;
  }
}

function checked(bytes: Uint8Array | "" | undefined, host: string): Uint8Array {
  if (bytes === undefined || bytes === "") throw new InvariantError(`not an address: ${host}`);
  return bytes;
}
