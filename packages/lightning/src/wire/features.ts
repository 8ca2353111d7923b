import { noBytes, toHex } from "../util/bytes.ts";
import { type FeatureContext, type FeatureName, featureTable, knownFeatures } from "./featureTable.ts";
import type { Init } from "./setup.ts";

/** Whether a feature must be understood by the other side (even bit), or may be ignored (odd bit). */
export type FeatureLevel = "required" | "optional";

/**
 * A set of feature bits (BOLT 9); immutable. Where both bits of a pair are set, the feature counts as required.
 *
 * @ldk lightning_types::features::Features
 */
export class Features {
  static readonly none: Features = new Features(noBytes);

  readonly #bytes: Uint8Array;

  private constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** The features of a message's field: big-endian, any length; zero bytes in front carry no meaning. */
  static fromBytes(bytes: Uint8Array): Features {
    let start = 0;
    while (start < bytes.length && bytes[start] === 0) start++;
    return new Features(bytes.slice(start));
  }

  /** `Features.of({ option_anchors: "optional" })` */
  static of(levels: Readonly<Partial<Record<FeatureName, FeatureLevel>>>): Features {
    const bits: number[] = [];
    for (const { name, bit } of knownFeatures) {
      const level = levels[name];
      if (level !== undefined) bits.push(level === "required" ? bit : bit + 1);
    }
    return Features.ofBits(bits);
  }

  /** The features with exactly these bits set, whether they are known or not. */
  static ofBits(bits: readonly number[]): Features {
    const length = bits.reduce((most, bit) => Math.max(most, (bit >> 3) + 1), 0);
    const bytes = new Uint8Array(length);
    for (const bit of bits) {
      const index = length - 1 - (bit >> 3);
      bytes[index] = (bytes[index] ?? 0) | (1 << (bit & 7));
    }
    return new Features(bytes);
  }

  /** Big-endian, as short as can be; a copy. */
  toBytes(): Uint8Array {
    return this.#bytes.length === 0 ? noBytes : this.#bytes.slice();
  }

  /** Whether the feature is offered, required or optional. */
  has(name: FeatureName): boolean {
    const { bit } = featureTable[name];
    return this.hasBit(bit) || this.hasBit(bit + 1);
  }

  isRequired(name: FeatureName): boolean {
    return this.hasBit(featureTable[name].bit);
  }

  isOptional(name: FeatureName): boolean {
    const { bit } = featureTable[name];
    return this.hasBit(bit + 1) && !this.hasBit(bit);
  }

  hasBit(bit: number): boolean {
    const byte = this.#bytes[this.#bytes.length - 1 - (bit >> 3)] ?? 0;
    return ((byte >> (bit & 7)) & 1) === 1;
  }

  /** The set bits, ascending. */
  bits(): readonly number[] {
    const bits: number[] = [];
    const { length } = this.#bytes;
    for (let place = 0; place < length; place++) {
      // Most bytes of a payment's features are zero.
      const byte = this.#bytes[length - 1 - place] ?? 0;
      for (let i = 0; byte >> i > 0; i++) if ((byte >> i) & 1) bits.push(8 * place + i);
    }
    return bits;
  }

  /** These features with `name` at `level`, or without it. */
  set(name: FeatureName, level: FeatureLevel | undefined): Features {
    const { bit } = featureTable[name];
    const others = this.bits().filter((other) => other !== bit && other !== bit + 1);
    if (level === undefined) return Features.ofBits(others);
    return Features.ofBits([...others, level === "required" ? bit : bit + 1]);
  }

  /** All bits of either. */
  union(other: Features): Features {
    return Features.ofBits([...this.bits(), ...other.bits()]);
  }

  equals(other: Features): boolean {
    return toHex(this.#bytes) === toHex(other.#bytes);
  }

  /** The known features among these that may stand in `context`, at their level. */
  inContext(context: FeatureContext): Features {
    const bits: number[] = [];
    for (const { bit, contexts, formerContexts = "" } of knownFeatures) {
      if (!contexts.includes(context) && !formerContexts.includes(context)) continue;
      for (const candidate of [bit, bit + 1]) if (this.hasBit(candidate)) bits.push(candidate);
    }
    return Features.ofBits(bits);
  }

  /** Set even bits whose feature is not in the table: whoever set them asks for what this kit does not know. */
  unknownRequiredBits(): readonly number[] {
    return this.bits().filter((bit) => bit % 2 === 0 && !knownBits.has(bit));
  }

  /**
   * Set even bits whose feature `supported` does not have: a peer that requires them must be disconnected (BOLT 1,
   * "The init Message"). Assumed features always count as supported.
   *
   * @ldk lightning_types::features::Features::requires_unknown_bits_from
   */
  requiredBitsMissingFrom(supported: Features): readonly number[] {
    return this.bits().filter(
      (bit) => bit % 2 === 0 && !assumedBits.has(bit) && !supported.hasBit(bit) && !supported.hasBit(bit + 1),
    );
  }

  /** Hex, as short as can be. */
  toJSON(): string {
    return toHex(this.#bytes);
  }
}

/** A feature that is set without one that it needs. */
export interface MissingDependency {
  readonly feature: FeatureName;
  readonly needs: FeatureName;
}

/**
 * The dependencies that are not met; none in a vector that keeps BOLT 9. Each feature is looked at by itself, so
 * transitive dependencies are found too. Assumed features are met without being set.
 */
export function validateFeatures(features: Features): readonly MissingDependency[] {
  const missing: MissingDependency[] = [];
  for (const { name, needs } of knownFeatures) {
    if (needs === undefined || !features.has(name)) continue;
    for (const needed of knownFeatures) {
      if (!needs.includes(needed.name) || needed.assumed === true || features.has(needed.name)) continue;
      missing.push({ feature: name, needs: needed.name });
    }
  }
  return missing;
}

/** The features of a peer: both fields of its `init` as one. */
export function featuresOfInit(init: Pick<Init, "globalfeatures" | "features">): Features {
  return Features.fromBytes(init.globalfeatures).union(Features.fromBytes(init.features));
}

const knownBits: ReadonlySet<number> = new Set(knownFeatures.map(({ bit }) => bit));
const assumedBits: ReadonlySet<number> = new Set(
  knownFeatures.filter(({ assumed }) => assumed === true).map(({ bit }) => bit),
);
