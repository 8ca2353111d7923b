import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { DecodeError } from "@fulmen/lightning/codec";
import { concatBytes, fromHex, InvariantError, toHex } from "@fulmen/lightning/util";
import { decodeAddresses, encodeAddresses, type SocketAddress } from "@fulmen/lightning/wire";
import fc from "fast-check";
import { formatIpv6, parseIpv4, parseIpv6 } from "#src/wire/ipText";

const onion = "pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion";
const samples: readonly SocketAddress[] = [
  { type: "ipv4", host: "127.0.0.1", port: 9735 },
  { type: "ipv6", host: "2001:db8::1", port: 9736 },
  { type: "tor-v3", host: onion, port: 9737 },
  { type: "dns", host: "node.example.com", port: 9738 },
];

describe("addresses (BOLT 7)", () => {
  it("read back as written, by ascending type", () => {
    const bytes = encodeAddresses(samples.toReversed());
    assert.equal(toHex(bytes.subarray(0, 8)), "017f000001260702");
    assert.equal(bytes.length, 7 + 19 + 38 + 20);
    assert.deepEqual(decodeAddresses(bytes), { addresses: samples, unknown: new Uint8Array(0) });
  });

  it("end at the first type that is unknown, and pass over onion services of version 2", () => {
    const [ipv4] = samples;
    assert.ok(ipv4 !== undefined);
    const old = concatBytes(Uint8Array.of(3), new Uint8Array(12));
    const bytes = concatBytes(old, encodeAddresses([ipv4]), fromHex("09aabb"));
    assert.deepEqual(decodeAddresses(bytes), { addresses: [ipv4], unknown: fromHex("09aabb") });
  });

  it("are refused when cut short, or when a host name is none", () => {
    for (const address of samples) {
      const bytes = encodeAddresses([address]);
      for (let length = 1; length < bytes.length; length++) {
        assert.throws(() => decodeAddresses(bytes.subarray(0, length)), DecodeError);
      }
    }
    for (const hex of ["05000050", "0501200050", "0502c3a40050", "05020a610050", "0501000050"]) {
      assert.throws(() => decodeAddresses(fromHex(hex)), DecodeError, hex);
    }
  });

  it("of random bytes throw nothing but DecodeError", () => {
    fc.assert(
      fc.property(fc.nat(6), fc.uint8Array({ maxLength: 300 }), (type, noise) => {
        const bytes = concatBytes(Uint8Array.of(type), noise);
        try {
          const { addresses, unknown } = decodeAddresses(bytes);
          assert.deepEqual(decodeAddresses(encodeAddresses(addresses)).addresses.length, addresses.length);
          assert.deepEqual(unknown, bytes.subarray(bytes.length - unknown.length));
        } catch (error) {
          assert.ok(error instanceof DecodeError);
        }
      }),
      { seed: 1, numRuns: 500 },
    );
  });

  it("are not written when the host is not what its type says", () => {
    const wrong: readonly SocketAddress[] = [
      { type: "ipv4", host: "::1", port: 1 },
      { type: "ipv6", host: "1.2.3.4", port: 1 },
      { type: "tor-v3", host: onion.slice(1), port: 1 },
      { type: "dns", host: "nöde", port: 1 },
      { type: "ipv4", host: "1.2.3.4", port: 65536 },
    ];
    for (const address of wrong)
      assert.throws(() => encodeAddresses([address]), InvariantError, address.host);
  });
});

describe("IP addresses as text", () => {
  it("in version 4 are four plain decimals", () => {
    assert.deepEqual(parseIpv4("255.0.10.1"), Uint8Array.of(255, 0, 10, 1));
    for (const text of ["256.0.0.1", "1.2.3", "1.2.3.4.5", "01.2.3.4", "1.2.3.", "a.2.3.4", ""]) {
      assert.equal(parseIpv4(text), undefined, text);
    }
  });

  it("in version 6 are written as RFC 5952 asks", () => {
    const cases: readonly (readonly [string, string])[] = [
      ["2001:DB8:0:0:0:0:2:1", "2001:db8::2:1"],
      ["2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"],
      ["2001:0:0:1:0:0:0:1", "2001:0:0:1::1"],
      ["2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"],
      ["0:0:0:0:0:0:0:0", "::"],
      ["::1", "::1"],
      ["fe80::", "fe80::"],
      ["::ffff:1.2.3.4", "::ffff:102:304"],
    ];
    for (const [text, canonical] of cases) {
      const bytes = parseIpv6(text);
      assert.ok(bytes !== undefined, text);
      assert.equal(formatIpv6(bytes), canonical);
      assert.deepEqual(parseIpv6(canonical), bytes);
    }
  });

  it("in version 6 read back as written", () => {
    const sparse = fc.array(fc.constantFrom(0, 0, 0, 1, 0xff), { minLength: 16, maxLength: 16 });
    fc.assert(
      fc.property(sparse, (values) => {
        const bytes = Uint8Array.from(values);
        assert.deepEqual(parseIpv6(formatIpv6(bytes)), bytes);
      }),
      { seed: 2, numRuns: 300 },
    );
  });

  it("are no others", () => {
    const texts = [
      "",
      ":",
      ":::",
      "1::2::3",
      "1:2:3:4:5:6:7",
      "1:2:3:4:5:6:7:8:9",
      "1:2:3:4:5:6:7::8",
      "12345::",
      "g::",
    ];
    for (const text of [...texts, "1.2.3.4::", "::1.2.3", ":1:2:3:4:5:6:7", "fe80::1%eth0"]) {
      assert.equal(parseIpv6(text), undefined, text);
    }
  });
});
