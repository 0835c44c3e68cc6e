/**
 * Branded types: a `Brand<string, "KeyId">` is a string that only one parser hands out.
 * Whoever receives one need not check it again.
 */
declare const brand: unique symbol;

export type Brand<T, Name extends string> = T & { readonly [brand]: Name };
