import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type Block,
  blockHash,
  decodeBlock,
  decodeHeader,
  decodeIntactBlock,
  encodeBlock,
  encodeHeader,
  hasProofOfWork,
  isBlockIntact,
  isMerkleMutated,
  type MerkleRoot,
  merkleProof,
  merkleRootFromInternal,
  merkleRootOf,
  targetFromBits,
  verifyMerkleProof,
  workOfBits,
} from "@fulmen/bitcoin/block";
import { crypto } from "@fulmen/bitcoin/crypto";
import { networkOfGenesis, networks } from "@fulmen/bitcoin/network";
import {
  type BlockHash,
  concatBytes,
  fromHex,
  type Txid,
  txidFromInternal,
} from "@fulmen/bitcoin/primitives";
import {
  BitcoinDecodeError,
  decodeTransaction,
  encodeWithoutWitness,
  txid,
} from "@fulmen/bitcoin/transaction";
import fc from "fast-check";
import { fixture } from "../fixture.ts";
import { bytes32, unsignedTransactions } from "../generated.ts";

interface Vector {
  readonly height: number;
  readonly hash: string;
  readonly hex: string;
}

const vectors = fixture<{ blocks: readonly Vector[] }>("blocks-testnet.json").blocks;
const blocks = vectors.map(({ hex }) => decodeBlock(fromHex(hex)));

/** The block with the most transactions. */
const fullest = blocks.reduce((a, b) => (b.transactions.length > a.transactions.length ? b : a));

test("testnet's blocks read back to the same bytes, hash, work and roots", () => {
  assert.equal(blocks.length, 7);
  assert.ok(fullest.transactions.length > 2);
  for (const [i, { hash, hex }] of vectors.entries()) {
    const block = blocks[i] ?? fullest;
    assert.equal(blockHash(block.header), hash);
    assert.deepEqual(encodeBlock(block), fromHex(hex));
    assert.equal(hasProofOfWork(block.header, networks.testnet), true);
    assert.equal(merkleRootOf(block.transactions.map(txid)), block.header.merkleRoot);
    assertIntact(block, true);
  }
});

test("every network's first header has the table's hash and meets its target", () => {
  const satoshis = "4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b" as MerkleRoot;
  const testnet4s = "7aa0a7ae1e223414cb807e40cd57e667b718e42aaf9306db9102fe28912b7b4e" as MerkleRoot;
  const firsts = [
    ["mainnet", 1_231_006_505, 2_083_236_893, satoshis],
    ["testnet", 1_296_688_602, 414_098_458, satoshis],
    ["testnet4", 1_714_777_860, 393_743_547, testnet4s],
    ["signet", 1_598_918_400, 52_613_770, satoshis],
    ["regtest", 1_296_688_602, 2, satoshis],
  ] as const;
  for (const [name, time, nonce, merkleRoot] of firsts) {
    const network = networks[name];
    const previous = "00".repeat(32) as BlockHash;
    const header = { version: 1, previous, merkleRoot, time, bits: network.powLimitBits, nonce };
    assert.equal(blockHash(header), network.genesisHash);
    assert.equal(hasProofOfWork(header, network), true);
    assert.equal(hasProofOfWork({ ...header, nonce: nonce + 1 }, networks.mainnet), false);
    assert.equal(networkOfGenesis(network.genesisHash), network);
    assert.deepEqual(decodeHeader(encodeHeader(header)), header);
  }
});

test("compact targets, as Core's arith_uint256 tests have them", () => {
  const targets: readonly [number, bigint | undefined][] = [
    [0x0000_0000, undefined],
    [0x0012_3456, undefined],
    [0x0100_3456, undefined],
    [0x0112_3456, 0x12n],
    [0x0200_8000, 0x80n],
    [0x0212_3456, 0x1234n],
    [0x0312_3456, 0x12_3456n],
    [0x0412_3456, 0x1234_5600n],
    [0x0492_3456, undefined],
    [0x0500_9234, 0x9234_0000n],
    [0x2012_3456, 0x12_3456n << 232n],
    [0x2112_3456, undefined],
    [0x2100_1234, 0x1234n << 240n],
    [0x2200_0012, 0x12n << 248n],
    [0xff12_3456, undefined],
  ];
  for (const [bits, target] of targets) assert.equal(targetFromBits(bits), target, bits.toString(16));
  assert.equal(workOfBits(0x1d00_ffff), 0x1_0001_0001n);
  assert.equal(workOfBits(0x207f_ffff), 2n);
  assert.equal(workOfBits(0x0492_3456), 0n);
});

test("a target easier than the network's limit is no proof of work", () => {
  let header = { ...fullest.header, bits: networks.regtest.powLimitBits };
  while (!hasProofOfWork(header, networks.regtest)) header = { ...header, nonce: header.nonce + 1 };
  assert.equal(hasProofOfWork(header, networks.testnet), false);
});

test("cut off at any byte of header and first transaction, or with a byte more, is refused", () => {
  const bytes = encodeBlock(fullest);
  for (let length = 0; length < 400; length++) {
    assert.throws(() => decodeBlock(bytes.subarray(0, length)), BitcoinDecodeError);
    assert.throws(() => decodeIntactBlock(bytes.subarray(0, length)), BitcoinDecodeError);
    if (length < 80) assert.throws(() => decodeHeader(bytes.subarray(0, length)), BitcoinDecodeError);
  }
  assert.throws(() => decodeBlock(bytes.subarray(0, -1)), BitcoinDecodeError);
  assert.throws(() => decodeBlock(concatBytes(bytes, Uint8Array.of(0))), /1 trailing bytes/);
  assert.throws(() => decodeIntactBlock(concatBytes(bytes, Uint8Array.of(0))), /1 trailing bytes/);
  assert.throws(() => decodeHeader(bytes.subarray(0, 81)), /1 trailing bytes/);
  const manyTransactions = concatBytes(bytes.subarray(0, 80), fromHex("feffffffff"), bytes.subarray(81));
  assert.throws(() => decodeBlock(manyTransactions), /4294967295 elements/);
});

/** By the decoded block, and by its bytes. */
function assertIntact(block: Block, expected: boolean): void {
  assert.equal(isBlockIntact(block), expected);
  assert.deepEqual(decodeIntactBlock(encodeBlock(block)), expected ? block : undefined);
}

test("a changed transaction, witness, order or repetition is not intact", () => {
  const segwit = blocks.findLast(({ transactions }) =>
    transactions.some(({ inputs }) => (inputs[0]?.witness.length ?? 0) > 1),
  );
  assert.ok(segwit);
  assertIntact(segwit, true);
  const changed = (change: (tx: Block["transactions"][number], i: number) => typeof tx): Block => ({
    ...segwit,
    transactions: segwit.transactions.map(change),
  });
  assertIntact(
    changed((tx, i) => (i === 1 ? { ...tx, locktime: tx.locktime + 1 } : tx)),
    false,
  );
  const stripped = changed((tx) => ({
    ...tx,
    inputs: tx.inputs.map((input) => ({ ...input, witness: [] })),
  }));
  assert.deepEqual(stripped.transactions.map(txid), segwit.transactions.map(txid));
  assertIntact(stripped, false);
  const [coinbase, ...rest] = segwit.transactions;
  assert.ok(coinbase);
  assertIntact({ ...segwit, transactions: [...rest, coinbase] }, false);
  assertIntact({ ...segwit, transactions: [] }, false);
});

test("a block whose end is repeated is not intact, though its roots are the same (CVE-2012-2459)", () => {
  let tried = 0;
  for (const block of blocks) {
    // As many at the end as stand alone on some level.
    const { length } = block.transactions;
    const alone = length & -length;
    if (alone === length) continue;
    const transactions = [...block.transactions, ...block.transactions.slice(-alone)];
    assert.equal(merkleRootOf(transactions.map(txid)), block.header.merkleRoot);
    assertIntact({ ...block, transactions }, false);
    tried++;
  }
  assert.ok(tried > 0);
});

test("repeating the end keeps the root and is told (CVE-2012-2459)", () => {
  const property = fc.property(
    fc.uniqueArray(bytes32.map(txidFromInternal), { minLength: 1, maxLength: 20 }),
    (ids) => {
      assert.equal(isMerkleMutated(ids), false);
      const last = ids.at(-1);
      if (ids.length % 2 === 1 && last !== undefined && ids.length > 1) {
        assert.equal(merkleRootOf([...ids, last]), merkleRootOf(ids));
        assert.equal(isMerkleMutated([...ids, last]), true);
      }
    },
  );
  fc.assert(property, { seed: 10, numRuns: 50 });
  const six = ["aa", "bb", "cc", "dd", "ee", "ff"].map((byte) => byte.repeat(32) as Txid);
  const repeated = [...six, ...six.slice(4)];
  assert.equal(merkleRootOf(repeated), merkleRootOf(six));
  assert.equal(isMerkleMutated(repeated), true);
});

test("a proof holds for its transaction, position and root only", () => {
  const ids = fullest.transactions.map(txid);
  const root = fullest.header.merkleRoot;
  for (const [position, tx] of fullest.transactions.entries()) {
    const proof = merkleProof(ids, position);
    assert.equal(verifyMerkleProof(tx, proof, root), true);
    assert.equal(verifyMerkleProof({ ...tx, locktime: tx.locktime ^ 1 }, proof, root), false);
    assert.equal(verifyMerkleProof(tx, { ...proof, position: position ^ 1 }, root), false);
    assert.equal(verifyMerkleProof(tx, { ...proof, siblings: proof.siblings.slice(1) }, root), false);
    assert.equal(
      verifyMerkleProof(tx, { ...proof, position: position + 2 ** proof.siblings.length }, root),
      false,
    );
    assert.equal(verifyMerkleProof(tx, proof, "00".repeat(32) as MerkleRoot), false);
  }
});

test("proofs of any row, and hostile ones answer false without a throw", () => {
  const rows = fc.array(unsignedTransactions, { minLength: 1, maxLength: 9 });
  const property = fc.property(rows, fc.nat(), (row, pick) => {
    const ids = row.map(txid);
    const position = pick % row.length;
    const tx = row[position];
    assert.ok(tx);
    fc.pre(encodeWithoutWitness(tx).length !== 64);
    assert.equal(verifyMerkleProof(tx, merkleProof(ids, position), merkleRootOf(ids)), true);
  });
  fc.assert(property, { seed: 11, numRuns: 50 });
  const [tx] = fullest.transactions;
  assert.ok(tx);
  const root = fullest.header.merkleRoot;
  for (const position of [-1, 0.5, Number.NaN, 2 ** 40]) {
    assert.equal(verifyMerkleProof(tx, { position, siblings: [] }, root), false);
  }
  for (const sibling of ["", "zz".repeat(32), "AA".repeat(32), "aa".repeat(31), "aa".repeat(33)]) {
    assert.equal(verifyMerkleProof(tx, { position: 0, siblings: [sibling as Txid] }, root), false);
  }
  const deep = Array.from({ length: 100_000 }, () => "aa".repeat(32) as Txid);
  assert.equal(verifyMerkleProof(tx, { position: 0, siblings: deep }, root), false);
});

test("the repeated end of an odd row is not a second place for a transaction", () => {
  const [a, b, c] = fullest.transactions;
  assert.ok(a && b && c);
  const ids = [a, b, c].map(txid);
  const root = merkleRootOf(ids);
  const proof = merkleProof(ids, 2);
  assert.equal(verifyMerkleProof(c, proof, root), true);
  assert.equal(verifyMerkleProof(c, { ...proof, position: 3 }, root), false);
});

/** What follows 32 bytes to make up a transaction of 64: end of the outpoint, no script, one output of 4 bytes. */
const tail = fromHex(
  "0101010101" + "00000000" + "00" + "ffffffff" + "01" + "0000000000000000" + "04" + "6a026869" + "00000000",
);

test("a transaction of 64 bytes is not taken, as it may be an inner node", () => {
  const bytes = concatBytes(fromHex(`0200000001${"01".repeat(27)}`), tail);
  assert.equal(bytes.length, 64);
  const tx = decodeTransaction(bytes);
  assert.equal(verifyMerkleProof(tx, { position: 0, siblings: [] }, merkleRootOf([txid(tx)])), false);
});

test("nothing hangs below a transaction of 64 bytes that poses as an inner node", () => {
  const [tx] = fullest.transactions;
  assert.ok(tx);
  let forged = tx;
  const internalId = () => crypto().hash256(encodeWithoutWitness(forged));
  // Its hash must have the count of one input at byte 4; the rest of the 32 bytes are version and outpoint.
  while (internalId()[4] !== 1) forged = { ...forged, locktime: forged.locktime + 1 };
  const provenBy = (sibling: Uint8Array) => {
    const root = merkleRootFromInternal(crypto().hash256(concatBytes(internalId(), sibling)));
    return verifyMerkleProof(forged, { position: 0, siblings: [txidFromInternal(sibling)] }, root);
  };
  assert.equal(provenBy(new Uint8Array(32)), true);
  assert.equal(decodeTransaction(concatBytes(internalId(), tail)).inputs.length, 1);
  assert.equal(provenBy(tail), false);
});
