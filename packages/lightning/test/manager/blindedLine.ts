import type { UserConfig } from "#src/channel/config";
import type { HtlcSource } from "#src/channel/disposition";
import { parseInvoice } from "#src/invoice/index";
import {
  type BlindedPaymentPath,
  type BlindedPaymentPathPlan,
  buildPaymentOnion,
  createBlindedPaymentPath,
  type DecodedFailure,
  decodeFailure,
  encodePaymentPathId,
  type PaymentForwardNode,
  pathSecrets,
} from "#src/onion/index";
import { type Bytes32, fromHex, type Point } from "#src/util/bytes";
import type { BlockHeight, ChannelId, PaymentHash, PaymentId } from "#src/util/ids";
import { present } from "#src/util/invariant";
import { type Msat, msat, plus } from "#src/util/units";
import type { DecodedMessage, LightningMessage } from "#src/wire/index";
import { firstHeight, ManagerNet, type ManagerNode, testConfig } from "./managers.ts";

/** Blocks of each hop, and of the recipient. */
const delta = 80;

/** A message that left a node. */
export interface Sent {
  readonly from: ManagerNode;
  readonly message: DecodedMessage;
}

/** What the payer of a part looks at. */
export interface BlindedPart {
  readonly sessionKey: Uint8Array;
  /** The keys of all layers. */
  readonly keys: readonly Point[];
  readonly paymentHash: PaymentHash;
}

/** Alice - Bob - Carol - Dave; Dave hides behind Bob and Carol. */
export class BlindedLine {
  readonly net = new ManagerNet();
  readonly alice: ManagerNode;
  readonly bob: ManagerNode;
  readonly carol: ManagerNode;
  readonly dave: ManagerNode;
  readonly ab: ChannelId;
  readonly bc: ChannelId;
  readonly cd: ChannelId;
  readonly sent: Sent[] = [];
  #parts = 0;

  constructor(config: UserConfig = testConfig) {
    const { net } = this;
    const [alice, bob, carol, dave] = [net.add(config), net.add(config), net.add(config), net.add(config)];
    this.alice = alice;
    this.bob = bob;
    this.carol = carol;
    this.dave = dave;
    net.connect(alice, bob);
    net.connect(bob, carol);
    net.connect(carol, dave);
    this.ab = net.open(alice, bob);
    this.bc = net.open(bob, carol);
    this.cd = net.open(carol, dave);
  }

  settle(held: (from: ManagerNode, message: DecodedMessage) => boolean = () => false): void {
    const seen = new Set<DecodedMessage>();
    this.net.settle((from, message) => {
      if (held(from, message)) return true;
      if (!seen.has(message)) this.sent.push({ from, message });
      seen.add(message);
      return false;
    });
  }

  /** The last message of a type that a node sent. */
  last<T extends LightningMessage["type"]>(from: ManagerNode, type: T) {
    const found = this.sent.findLast((one) => one.from === from && one.message.type === type);
    return found?.message as Extract<LightningMessage, { type: T }> | undefined;
  }

  /** What the recipient asks for: nothing but a hash and a secret. */
  request(
    amount: Msat,
    by: ManagerNode = this.dave,
  ): { readonly paymentHash: PaymentHash; readonly paymentSecret: Bytes32 } {
    const { invoice, paymentHash } = by.manager.createBolt11Invoice({
      amount,
      description: "blinded",
    });
    const parsed = parseInvoice(invoice);
    if (!parsed.ok) throw new Error("not an invoice");
    return { paymentHash, paymentSecret: parsed.value.paymentSecret as Bytes32 };
  }

  pathId(paymentSecret: Bytes32): Uint8Array {
    return encodePaymentPathId({ paymentSecret });
  }

  forwardNode(node: ManagerNode, channelId: ChannelId): PaymentForwardNode {
    const channel = present(
      node.manager.listChannels().find((one) => one.channelId === channelId),
      "a channel",
    );
    const { config } = present(node.manager.core.channels.funded(channelId), "a channel").identity;
    return {
      nodeId: node.nodeId,
      shortChannelId: present(channel.shortChannelId, "its name"),
      relay: {
        feeBase: config.forwardingFeeBase,
        feeProportionalMillionths: config.forwardingFeeProportionalMillionths,
        cltvExpiryDelta: config.cltvExpiryDelta,
      },
      htlcMinimum: msat(1),
      htlcMaximum: msat(900_000_000n),
    };
  }

  path(paymentSecret: Bytes32, changes: Partial<BlindedPaymentPathPlan> = {}): BlindedPaymentPath {
    const made = createBlindedPaymentPath({
      forwardNodes: [this.forwardNode(this.bob, this.bc), this.forwardNode(this.carol, this.cd)],
      payee: this.dave.nodeId,
      receiveAuthKey: this.dave.keys.receiveAuthKey(),
      pathId: this.pathId(paymentSecret),
      maxCltvExpiry: (firstHeight + 1_000) as BlockHeight,
      minFinalCltvExpiryDelta: delta,
      htlcMinimum: msat(1),
      htlcMaximum: msat(900_000_000n),
      dummyHops: 0,
      sessionKey: new Uint8Array(32).fill(0x31 + this.#parts),
      ...changes,
    });
    if (!made.ok) throw new Error(made.error.text);
    return made.value;
  }

  /** Alice, or whoever is the introduction node's neighbour, offers it a part that goes to the blinded path. */
  pay(
    path: BlindedPaymentPath,
    what: { readonly paymentHash: PaymentHash; readonly amount: Msat; readonly total?: Msat },
    changes: { readonly less?: bigint; readonly from?: ManagerNode; readonly by?: ChannelId } = {},
  ): BlindedPart {
    const { amount, paymentHash, total = amount } = what;
    const { feeBase, feeProportionalMillionths, cltvExpiryDelta } = path.payinfo;
    const fee = msat(feeBase + (amount * BigInt(feeProportionalMillionths)) / 1_000_000n);
    const height = this.net.height;
    const offered = msat(plus(amount, fee) - (changes.less ?? 0n));
    const cltvExpiry = (height + 1 + cltvExpiryDelta) as BlockHeight;
    const sessionKey = new Uint8Array(32).fill(0x51 + ++this.#parts);
    const { nodeId } = path.introductionNode.kind === "node-id" ? path.introductionNode : this.bob;
    const { from = this.alice, by = this.ab } = changes;
    const first = { nodeId, shortChannelId: this.forwardNode(from, by).shortChannelId };
    const onion = buildPaymentOnion({
      hops: [{ ...first, amount: offered, cltvExpiry }],
      blindedTail: {
        pathKey: path.pathKey,
        blindedHops: path.blindedHops,
        finalAmount: amount,
        finalCltvExpiry: (height + 1) as BlockHeight,
      },
      recipient: { totalAmount: total },
      paymentHash,
      sessionKey,
    });
    if (!onion.ok) throw new Error("too large");
    const paymentId = paymentHash as string as PaymentId;
    const source: HtlcSource = { kind: "local", paymentId, sessionKey, path: [first], amount };
    const htlc = { amount: offered, paymentHash, cltvExpiry, onion: onion.value.packet, source };
    const { core } = from.manager;
    const refused = core.input(() => core.channels.command(by, { kind: "add-htlc", htlc }));
    if (refused !== undefined) throw new Error(refused.text);
    const keys = [fromHex(nodeId) as Point, ...path.blindedHops.slice(1).map((hop) => hop.blindedNodeId)];
    return { sessionKey, keys, paymentHash };
  }

  /** What Alice reads in the failure that Bob returned. */
  failure({ sessionKey, keys }: BlindedPart): DecodedFailure {
    const { reason } = present(this.last(this.bob, "update_fail_htlc"), "a failure");
    const { sharedSecrets } = pathSecrets(sessionKey, keys);
    return decodeFailure({ reason, attribution: undefined }, sharedSecrets).outcome;
  }

  balance(node: ManagerNode, channelId: ChannelId): bigint {
    return node.manager.listChannels().find((one) => one.channelId === channelId)?.localBalance ?? -1n;
  }
}
