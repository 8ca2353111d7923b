declare const brand: unique symbol;

/** A value of `T` that carries the name `B` at type level only. */
export type Brand<T, B extends string> = T & { readonly [brand]: B };
