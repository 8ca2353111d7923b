import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ChainSourceError } from "@fulmen/chain-sync";
import { serverAddress } from "#src/electrum/serverAddress";

function isMisconfigured(error: unknown): boolean {
  return error instanceof ChainSourceError && error.code === "unsupported" && error.remedy !== "";
}

describe("addresses of Electrum servers", () => {
  it("name a protocol, a host and a port, or the usual one", () => {
    assert.deepEqual(serverAddress("ssl://Electrum.example.org:700"), {
      protocol: "ssl",
      host: "electrum.example.org",
      port: 700,
      url: "ssl://electrum.example.org:700",
      name: "ssl://electrum.example.org:700",
    });
    assert.equal(serverAddress("tcp://10.0.0.7").name, "tcp://10.0.0.7:50001");
    assert.equal(serverAddress("ssl://a").port, 50_002);
    assert.equal(serverAddress("tls://a").name, "ssl://a:50002");
    assert.equal(serverAddress("ws://a").port, 50_003);
    assert.equal(serverAddress("wss://a").port, 50_004);
    assert.equal(serverAddress("tcp://a/").port, 50_001);
  });

  it("may be those of IPv6 and Tor", () => {
    const six = serverAddress("tcp://[2001:DB8::1]:50001");
    assert.equal(six.host, "2001:db8::1");
    assert.equal(six.name, "tcp://[2001:db8::1]:50001");
    assert.equal(serverAddress(`tcp://${"a".repeat(56)}.onion:50001`).host, `${"a".repeat(56)}.onion`);
  });

  it("keep a WebSocket's path, and show it to nobody: it may be a secret", () => {
    const address = serverAddress("wss://host/token?key=1");
    assert.equal(address.url, "wss://host:50004/token?key=1");
    assert.equal(address.name, "wss://host:50004");
  });

  it("are refused when they are none", () => {
    for (const url of [
      "",
      "host:50002",
      "https://host",
      "ssl://",
      "ssl://host:0",
      "ssl://host:65536",
      "ssl://user:password@host",
      "ssl://host/path",
      "ssl://ho st",
      "tcp://host:50001\n",
    ]) {
      assert.throws(() => serverAddress(url), isMisconfigured, url);
    }
  });

  it("have a pinned certificate with TLS only", () => {
    const digits = "0A".repeat(32);
    const colons = Array.from({ length: 32 }, () => "0A").join(":");
    for (const certificateSha256 of [digits, colons]) {
      const address = serverAddress({ url: "ssl://host", certificateSha256 });
      assert.equal(address.certificateSha256, "0a".repeat(32));
    }
    assert.throws(() => serverAddress({ url: "ssl://host", certificateSha256: "0a" }), isMisconfigured);
    assert.throws(() => serverAddress({ url: "wss://host", certificateSha256: digits }), isMisconfigured);
    assert.throws(() => serverAddress({ url: "tcp://host", certificateSha256: digits }), isMisconfigured);
  });
});
