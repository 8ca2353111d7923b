/**
 * What waits to be sent to one peer: acts of the handshake as they are, and messages that are encrypted only when the
 * transport has room for them. Broadcast gossip lets everything else pass; apart from that, order is kept.
 */
export class OutgoingQueue {
  #acts: Uint8Array[] = [];
  readonly #messages: Uint8Array[] = [];
  #gossip: Uint8Array[] = [];
  #messageBytes = 0;
  #gossipBytes = 0;

  /** Messages that wait, without gossip. */
  get messageCount(): number {
    return this.#messages.length;
  }

  get messageBytes(): number {
    return this.#messageBytes;
  }

  /** Of messages and gossip. */
  get bytes(): number {
    return this.#messageBytes + this.#gossipBytes;
  }

  pushAct(act: Uint8Array): void {
    this.#acts.push(act);
  }

  pushMessage(message: Uint8Array): void {
    this.#messages.push(message);
    this.#messageBytes += message.length;
  }

  pushGossip(message: Uint8Array): void {
    this.#gossip.push(message);
    this.#gossipBytes += message.length;
  }

  takeActs(): readonly Uint8Array[] {
    const acts = this.#acts;
    this.#acts = [];
    return acts;
  }

  /** The next messages, `maxBytes` together, or one that is longer by itself. */
  takeMessages(maxBytes: number): Uint8Array[] {
    const taken = takeFront(this.#messages, maxBytes);
    const bytes = lengthOf(taken);
    this.#messageBytes -= bytes;
    if (this.#messages.length > 0) return taken;
    const gossip = takeFront(this.#gossip, maxBytes - bytes);
    this.#gossipBytes -= lengthOf(gossip);
    for (const message of gossip) taken.push(message);
    return taken;
  }

  dropGossip(): void {
    this.#gossip = [];
    this.#gossipBytes = 0;
  }

  clear(): void {
    this.dropGossip();
    this.#acts = [];
    this.#messages.length = 0;
    this.#messageBytes = 0;
  }
}

function takeFront(queue: Uint8Array[], maxBytes: number): Uint8Array[] {
  let count = 0;
  let bytes = 0;
  for (const { length } of queue) {
    if (bytes + length > maxBytes && (count > 0 || maxBytes <= 0)) break;
    count++;
    bytes += length;
  }
  return queue.splice(0, count);
}

/** Bytes of all messages together. */
export function lengthOf(messages: readonly Uint8Array[]): number {
  let total = 0;
  for (const { length } of messages) total += length;
  return total;
}
