import type { ClaimablePayment } from "@fulmen/lightning/manager";
import type { Bytes32 } from "@fulmen/lightning/util";
import type { TestNode } from "@fulmen/testkit";
import { ModelError, type World } from "./world.ts";

interface Claimable {
  readonly node: TestNode;
  readonly payment: ClaimablePayment;
}

/** What the nodes' users can claim now. */
export function claimable({ network }: World): readonly Claimable[] {
  return network.nodes.flatMap((node) =>
    node.manager.listClaimablePayments().map((payment) => ({ node, payment })),
  );
}

/** The user claims the payment, or refuses it. */
export function resolve(world: World, { node, payment }: Claimable, how: "claim" | "fail"): void {
  const { paymentHash, purpose } = payment;
  world.decided(node, paymentHash);
  if (how === "fail") {
    node.manager.failHtlcBackwards(paymentHash);
    return;
  }
  const paymentPreimage = purpose.paymentPreimage ?? world.held.get(paymentHash);
  if (paymentPreimage === undefined) throw new ModelError(`no preimage of ${paymentHash}`);
  world.preimages.set(paymentHash, paymentPreimage as Bytes32);
  if (!node.manager.claimFunds(paymentPreimage as Bytes32))
    throw new ModelError(`${paymentHash} is claimable and cannot be claimed`);
}
