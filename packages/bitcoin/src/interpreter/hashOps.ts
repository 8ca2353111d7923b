import { crypto } from "../crypto/installed.ts";
import { hash160, op } from "../script/index.ts";
import type { OpHandler, OpTable } from "./execution.ts";

/** Opcodes that put the hash of an element in its place. */
export const hashOps: OpTable = new Map<number, OpHandler>([
  [op.RIPEMD160, hashWith((element) => crypto().ripemd160(element))],
  [op.SHA1, hashWith((element) => crypto().sha1(element))],
  [op.SHA256, hashWith((element) => crypto().sha256(element))],
  [op.HASH160, hashWith(hash160)],
  [op.HASH256, hashWith((element) => crypto().hash256(element))],
]);

function hashWith(hash: (element: Uint8Array) => Uint8Array): OpHandler {
  return ({ stack }) => {
    const element = stack.pop();
    if (element === undefined) return "invalid-stack-operation";
    stack.push(hash(element));
    return undefined;
  };
}
