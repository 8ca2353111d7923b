import { type AcceleratedCrypto, overNoble } from "@fulmen/bitcoin/crypto";

/** What is computed on the curve, by the names of the provider's methods. The rest is hashing and encryption. */
export const curveOperations = [
  "publicKey",
  "pointAddScalar",
  "pointMultiply",
  "pointMultiplyAdd",
  "isPoint",
  "ecdh",
  "ecdsaSign",
  "ecdsaSignRecoverable",
  "ecdsaVerify",
  "ecdsaRecover",
  "schnorrSign",
  "schnorrVerify",
  "xOnlyTweakAdd",
] as const;

export type CurveOperation = (typeof curveOperations)[number];

/** How often somebody called for an operation, and the time that it took in all. */
export interface Usage {
  calls: number;
  ms: number;
}

/** Counts who computes what on the curve, and takes the time of it. */
export class OperationCounter {
  /** The counted methods, to be installed in the place of `counted`. */
  readonly provider: AcceleratedCrypto;
  /** Who computes from now on; while it is `undefined`, nothing is counted. */
  user: string | undefined;
  readonly #usage = new Map<string, Map<CurveOperation, Usage>>();

  constructor(counted: AcceleratedCrypto) {
    const methods = overNoble(counted);
    const wrapped = curveOperations.map((name) => [name, this.#counting(name, methods[name])] as const);
    this.provider = { ...methods, ...Object.fromEntries(wrapped) };
  }

  /** Of each user; operations that were not called for are absent. */
  get usage(): ReadonlyMap<string, ReadonlyMap<CurveOperation, Readonly<Usage>>> {
    return this.#usage;
  }

  /** Forgets what was counted. */
  clear(): void {
    this.#usage.clear();
  }

  #counting<F extends (...parameters: never[]) => unknown>(name: CurveOperation, method: F): F {
    return new Proxy(method, {
      apply: (target, self, parameters) => {
        if (this.user === undefined) return Reflect.apply(target, self, parameters);
        const before = performance.now();
        const result = Reflect.apply(target, self, parameters);
        const usage = this.#usageOf(this.user, name);
        usage.ms += performance.now() - before;
        usage.calls += 1;
        return result;
      },
    });
  }

  #usageOf(user: string, name: CurveOperation): Usage {
    let ofUser = this.#usage.get(user);
    if (ofUser === undefined) {
      ofUser = new Map();
      this.#usage.set(user, ofUser);
    }
    let usage = ofUser.get(name);
    if (usage === undefined) {
      usage = { calls: 0, ms: 0 };
      ofUser.set(name, usage);
    }
    return usage;
  }
}
