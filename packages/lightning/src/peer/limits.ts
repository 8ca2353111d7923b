/** What peers may cost us. */
export interface PeerLimits {
  /**
   * Inbound connections that are not through with handshake and `init`. One more, and the oldest of them is closed:
   * whoever opens many drives out their own, while an honest peer needs a few round trips.
   */
  readonly maxInboundHandshakes: number;
  /** Inbound peers with whom we have no funded channel. */
  readonly maxInboundPeersWithoutChannels: number;
  /** As many messages, or bytes, wait for a peer: nothing more is read from it, since reading is what makes answers. */
  readonly pauseReadsAtMessages: number;
  readonly pauseReadsAtBytes: number;
  /** As many bytes wait for a peer: it gets no more broadcasts. */
  readonly dropGossipAtBytes: number;
  /** As many bytes wait for a peer: it is disconnected. */
  readonly maxQueuedBytes: number;
}

/**
 * LDK's figures where it has one. The last leaves room for the whole of several channels to be sent again on
 * reestablishing: 966 HTLCs make 1.4 MB.
 */
export const defaultPeerLimits: PeerLimits = {
  maxInboundHandshakes: 256,
  maxInboundPeersWithoutChannels: 2500,
  pauseReadsAtMessages: 12,
  pauseReadsAtBytes: 128 * 1024,
  dropGossipAtBytes: 128 * 1024,
  maxQueuedBytes: 16 * 1024 * 1024,
};
