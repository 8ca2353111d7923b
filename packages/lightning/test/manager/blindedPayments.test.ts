import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { msat } from "#src/util/units";
import { BlindedLine } from "./blindedLine.ts";

const amount = msat(20_000_123n);

describe("a payment to a blinded path", () => {
  it("arrives over two hops behind the introduction node, each told the next path key", () => {
    const line = new BlindedLine();
    const { dave, carol, bob, alice } = line;
    const asked = line.request(amount);
    const path = line.path(asked.paymentSecret);
    line.pay(path, { ...asked, amount });
    line.settle();
    const [claimable] = dave.eventsOf("payment-claimable");
    assert.equal(claimable?.paymentHash, asked.paymentHash);
    assert.ok(claimable.amount >= amount && claimable.amount <= amount + 2n);
    const adds = line.sent.flatMap(({ from, message }) =>
      message.type === "update_add_htlc" ? [{ from, message }] : [],
    );
    assert.deepEqual(
      adds.map(({ from }) => from),
      [alice, bob, carol],
    );
    assert.deepEqual(
      adds.map(
        ({ message }) => (message as { tlvs: { blindedPath?: unknown } }).tlvs.blindedPath !== undefined,
      ),
      [false, true, true],
    );
  });
});
