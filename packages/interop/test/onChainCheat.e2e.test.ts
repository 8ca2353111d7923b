import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { installNodeCrypto } from "@fulmen/crypto-node";
import type { FormatName } from "@fulmen/lightning/commitment";
import { ClosingChannel, type HeldHtlc } from "./closingChannel.ts";
import { closingFeeOf } from "./onChainEndings.ts";
import { bothFormats } from "./ourPair.ts";

installNodeCrypto();

interface Cheat {
  readonly channel: ClosingChannel;
  /** On LDK's old commitment: it has the preimage of one and can take the other back in time. */
  readonly incoming: HeldHtlc;
  readonly outgoing: HeldHtlc;
}

/** LDK comes back with a state in which two HTLCs were pending that are settled since then. */
async function cheatWithHtlcs(t: TestContext, format: FormatName): Promise<Cheat> {
  // The delay is longer than HTLCs last: who comes back after these have run out is still in time.
  const channel = await ClosingChannel.open(t, { format, opener: "us", ldkDelay: 720 });
  const incoming = await channel.hold("us", 31_000n);
  const outgoing = await channel.hold("ldk", 33_000n);
  const old = await channel.ldk.cmd("save");
  await channel.claim(incoming);
  await channel.claim(outgoing);
  await channel.settled();
  const later = await channel.hold("ldk", 100_000n);
  await channel.claim(later);
  await channel.settled();
  await channel.restartLdk(old);
  return { channel, incoming, outgoing };
}

/** Everything is ours: what LDK had is gained. */
async function checkPunished(
  t: TestContext,
  format: FormatName,
  { channel, incoming }: Cheat,
): Promise<void> {
  const { us, ldk } = await channel.checkLedger({
    gained: { us: 400_000n, ldk: -400_000n },
    closingFee: closingFeeOf(format, 2),
  });
  t.diagnostic(
    `we have ${us.received} sat and paid ${us.fees}, LDK has ${ldk.received} sat and paid ${ldk.fees}`,
  );
  assert.equal(channel.ourEvents("payment-sent", incoming.paymentHash).length, 1);
  assert.equal(channel.ourEvents("payment-failed").length, 0);
}

for (const format of bothFormats) {
  test(`${format}: an old commitment of LDK's with HTLCs is punished at once`, {
    timeout: 60_000,
  }, async (t) => {
    const cheat = await cheatWithHtlcs(t, format);
    const { channel, incoming, outgoing } = cheat;
    await channel.broadcastByLdk();
    assert.equal(channel.spender, "revoked-commitment");
    await channel.mine();
    assert.ok(channel.isTaken(incoming) && channel.isTaken(outgoing), "taken in the next block");
    await channel.mine(6);
    await checkPunished(t, format, cheat);
  });

  const title = `${format}: HTLC transactions of LDK's on an old commitment are punished when we come back`;
  test(title, { timeout: 60_000 }, async (t) => {
    const cheat = await cheatWithHtlcs(t, format);
    const { channel, incoming, outgoing } = cheat;
    await channel.restartUs(async () => {
      await channel.claim(incoming);
      await channel.broadcastByLdk();
      for (const htlc of [incoming, outgoing]) {
        await channel.mineUntil(`HTLC transaction of ${htlc.sats} sat`, 600, () => channel.isTaken(htlc));
      }
    });
    assert.equal(channel.spender, "revoked-commitment");
    await channel.mine(7);
    await checkPunished(t, format, cheat);
  });
}
