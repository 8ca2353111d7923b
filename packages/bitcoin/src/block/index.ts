export { type Block, decodeBlock, decodeIntactBlock, encodeBlock, isBlockIntact } from "./block.ts";
export {
  type BlockHeader,
  blockHash,
  decodeHeader,
  encodeHeader,
  type MerkleRoot,
  merkleRootFromInternal,
  merkleRootToInternal,
  readHeader,
} from "./header.ts";
export { isMerkleMutated, type MerkleProof, merkleProof, merkleRootOf, verifyMerkleProof } from "./merkle.ts";
export { hasProofOfWork, targetFromBits, workOfBits } from "./proofOfWork.ts";
