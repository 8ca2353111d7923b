import { chainHash, channelId, many, rest, type TypeOf, tlvs, u16, varBytes } from "../codec/index.ts";
import { message } from "./message.ts";

/** First message of a connection. `globalfeatures` and `features` are to be combined by OR. */
export const init = message(
  { type: "init", number: 16, section: 'BOLT 1, "The init Message"' },
  {
    globalfeatures: varBytes,
    features: varBytes,
    tlvs: tlvs("init_tlvs", {
      /** Chains the sender is interested in. */
      networks: { type: 1, codec: many(chainHash) },
      /** Where the sender sees us, as one address descriptor: see `decodeAddresses`. */
      remoteAddr: { type: 3, codec: rest },
    }),
  },
);
/** @ldk lightning::ln::msgs::Init */
export interface Init extends TypeOf<typeof init> {}

/**
 * The channel (or, with an id of zeros, every channel with the sender) has failed. `data` is for people, unverified.
 */
export const errorMessage = message(
  { type: "error", number: 17, section: 'BOLT 1, "The error and warning Messages"' },
  { channelId, data: varBytes },
);
/** @ldk lightning::ln::msgs::ErrorMessage */
export interface ErrorMessage extends TypeOf<typeof errorMessage> {}

/** Something is wrong, but nothing is closed for it. */
export const warning = message(
  { type: "warning", number: 1, section: 'BOLT 1, "The error and warning Messages"' },
  { channelId, data: varBytes },
);
/** @ldk lightning::ln::msgs::WarningMessage */
export interface Warning extends TypeOf<typeof warning> {}

/** Asks for `numPongBytes` bytes back; 65532 and above ask for none. */
export const ping = message(
  { type: "ping", number: 18, section: 'BOLT 1, "The ping and pong Messages"' },
  { numPongBytes: u16, ignored: varBytes },
);
/** @ldk lightning::ln::msgs::Ping */
export interface Ping extends TypeOf<typeof ping> {}

/** The answer to `ping`: as many bytes as it asked for. */
export const pong = message(
  { type: "pong", number: 19, section: 'BOLT 1, "The ping and pong Messages"' },
  { ignored: varBytes },
);
/** @ldk lightning::ln::msgs::Pong */
export interface Pong extends TypeOf<typeof pong> {}

/** An encrypted backup that the sender asks us to keep, in place of the one before. */
export const peerStorage = message(
  { type: "peer_storage", number: 7, section: 'BOLT 1, "Peer storage"' },
  { blob: varBytes },
);
/** @ldk lightning::ln::msgs::PeerStorage */
export interface PeerStorage extends TypeOf<typeof peerStorage> {}

/** The latest blob that we asked the sender to keep. */
export const peerStorageRetrieval = message(
  { type: "peer_storage_retrieval", number: 9, section: 'BOLT 1, "Peer storage"' },
  { blob: varBytes },
);
/** @ldk lightning::ln::msgs::PeerStorageRetrieval */
export interface PeerStorageRetrieval extends TypeOf<typeof peerStorageRetrieval> {}
