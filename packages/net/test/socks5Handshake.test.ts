import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Socks5Error } from "@fulmen/net";
import fc from "fast-check";
import { Socks5Handshake } from "#src/socks5Handshake";

const target = { host: "example.org", port: 9735 };
const credentials = { username: "user", password: "pass" };
const onion = `${"a".repeat(56)}.onion`;

const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, "hex"));
const hex = (sent: Uint8Array | undefined): string => Buffer.from(sent ?? []).toString("hex");

/** Gives a reply byte by byte; what comes of the last one. */
function give(handshake: Socks5Handshake, reply: string) {
  const all = bytes(reply);
  for (const [index, byte] of all.entries()) {
    const step = handshake.receive(Uint8Array.of(byte));
    if (index === all.length - 1) return step;
    assert.deepEqual(step, { kind: "wait" }, `after byte ${index} of ${reply}`);
  }
  throw new Error("nothing to give");
}

/** What is sent to ask for a connection. */
function requestFor(host: string): string {
  const step = new Socks5Handshake({ host, port: 9735 }, undefined).receive(bytes("0500"));
  assert.equal(step.kind, "send");
  return hex(step.kind === "send" ? step.bytes : undefined);
}

function codeOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    assert.ok(error instanceof Socks5Error, String(error));
    assert.notEqual(error.remedy, "");
    return error.code;
  }
  throw new Error("nothing was thrown");
}

describe("a handshake with a SOCKS5 proxy", () => {
  it("without credentials is RFC 1928's", () => {
    const handshake = new Socks5Handshake(target, undefined);
    assert.equal(hex(handshake.begin()), "050100");
    const step = give(handshake, "0500");
    const name = Buffer.from("example.org").toString("hex");
    assert.equal(step.kind === "send" && hex(step.bytes), `050100030b${name}2607`);
    assert.deepEqual(give(handshake, "05000001000000000000"), { kind: "connected" });
  });

  it("with credentials is RFC 1929's in between", () => {
    const handshake = new Socks5Handshake(target, credentials);
    assert.equal(hex(handshake.begin()), "050102");
    const step = give(handshake, "0502");
    assert.equal(step.kind === "send" && hex(step.bytes), "01047573657204" + "70617373");
    assert.equal(give(handshake, "0100").kind, "send");
    assert.deepEqual(give(handshake, `0500000304${"61".repeat(4)}0000`), { kind: "connected" });
  });

  it("gives names as names, onion addresses too, and addresses as addresses", () => {
    assert.equal(requestFor(onion), `050100033e${Buffer.from(onion).toString("hex")}2607`);
    assert.equal(requestFor("127.0.0.1"), "050100017f0000012607");
    assert.equal(requestFor("::1"), `05010004${"0".repeat(31)}12607`);
    assert.equal(requestFor("2001:db8::8:0"), `0501000420010db8000000000000000000080000` + "2607");
    assert.equal(requestFor("1:2:3:4:5:6:7:8"), `0501000400010002000300040005000600070008` + "2607");
  });

  it("is not begun for what the proxy cannot be told", () => {
    const bad = (host: string, port = 9735) => codeOf(() => new Socks5Handshake({ host, port }, undefined));
    for (const host of [
      "",
      "a b",
      "ü.de",
      "a".repeat(256),
      "1.2.3.256",
      ":::",
      "1::2::3",
      "1:2",
      "::g",
      "12345::",
    ]) {
      assert.equal(bad(host), "bad-address", host);
    }
    for (const port of [0, -1, 65_536, 1.5]) assert.equal(bad("a", port), "bad-address");
    for (const text of ["", "x".repeat(256)]) {
      const action = () => new Socks5Handshake(target, { username: "a", password: text });
      assert.equal(codeOf(action), "bad-address");
    }
  });

  it("ends when the proxy wants to know more, or less, than it is told", () => {
    for (const [given, reply] of [
      [undefined, "0502"],
      [undefined, "05ff"],
      [credentials, "0500"],
      [credentials, "05ff"],
    ] as const) {
      assert.equal(
        codeOf(() => new Socks5Handshake(target, given).receive(bytes(reply))),
        "unauthorised",
      );
    }
    const handshake = new Socks5Handshake(target, credentials);
    handshake.receive(bytes("0502"));
    assert.equal(
      codeOf(() => handshake.receive(bytes("0101"))),
      "unauthorised",
    );
  });

  it("ends with the proxy's reason", () => {
    for (const [reply, code] of [
      ["01", "refused"],
      ["04", "host-unreachable"],
      ["05", "connection-refused"],
      ["f0", "host-unreachable"],
      ["99", "refused"],
    ]) {
      const handshake = new Socks5Handshake(target, undefined);
      handshake.receive(bytes("0500"));
      // Tor closes after it: the reason may be all that comes.
      assert.equal(
        codeOf(() => handshake.receive(bytes(`05${reply}`))),
        code,
      );
    }
  });

  it("ends when something else answers", () => {
    for (const reply of ["48", "0400", "050000"]) {
      assert.equal(
        codeOf(() => new Socks5Handshake(target, undefined).receive(bytes(reply))),
        "invalid-answer",
      );
    }
    for (const reply of ["04", "05000002", "050000010000000000001234"]) {
      const handshake = new Socks5Handshake(target, undefined);
      handshake.receive(bytes("0500"));
      assert.equal(
        codeOf(() => handshake.receive(bytes(reply))),
        "invalid-answer",
        reply,
      );
    }
  });

  it("throws nothing else, and waits for no more than 262 bytes, whatever comes", () => {
    const pieces = fc.array(fc.uint8Array({ maxLength: 80 }), { maxLength: 20 });
    const start = fc.constantFrom("", "0500", "05000500000", "050005000003ff");
    fc.assert(
      fc.property(start, pieces, (prefix, all) => {
        const handshake = new Socks5Handshake(target, undefined);
        let waiting = 0;
        try {
          for (const piece of [bytes(prefix.slice(0, 4)), bytes(prefix.slice(4)), ...all]) {
            const { kind } = handshake.receive(piece);
            if (kind === "connected") return;
            waiting = kind === "wait" ? waiting + piece.length : 0;
            assert.ok(waiting <= 262, "it keeps too much");
          }
        } catch (error) {
          assert.ok(error instanceof Socks5Error, String(error));
        }
      }),
      { seed: 5, numRuns: 300 },
    );
  });
});
