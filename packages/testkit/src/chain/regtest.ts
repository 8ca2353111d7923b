import type { Block, MerkleRoot } from "@fulmen/bitcoin/block";
import { networks } from "@fulmen/bitcoin/network";
import { type BlockHash, fromHex, type Sat } from "@fulmen/bitcoin/primitives";
import { decodeTransaction } from "@fulmen/bitcoin/transaction";

/** The only target of regtest: every second hash meets it. */
export const regtestBits: number = networks.regtest.powLimitBits;

/** The first block of regtest; its coin can never be spent. */
export const regtestGenesis: Block = {
  header: {
    version: 1,
    previous: "00".repeat(32) as BlockHash,
    merkleRoot: "4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b" as MerkleRoot,
    time: 1_296_688_602,
    bits: regtestBits,
    nonce: 2,
  },
  transactions: [
    decodeTransaction(
      fromHex(
        "01000000010000000000000000000000000000000000000000000000000000000000000000ffffffff4d04ffff001d0104455468652054696d65732030332f4a616e2f32303039204368616e63656c6c6f72206f6e206272696e6b206f66207365636f6e64206261696c6f757420666f722062616e6b73ffffffff0100f2052a01000000434104678afdb0fe5548271967f1a67130b7105cd6a828e03909a67962e0ea1f61deb649f6bc3f4cef38c4f35504e51ec112de5c384df7ba0b8d578a4c702b6bf11d5fac00000000",
      ),
    ),
  ],
};

/** Satoshis that a block of this height may create: 50 bitcoins, halved every 150 blocks. */
export function regtestSubsidy(height: number): Sat {
  const halvings = BigInt(Math.floor(height / 150));
  return (halvings >= 64n ? 0n : 5_000_000_000n >> halvings) as Sat;
}
