/** The little that is used of WebAssembly's JavaScript interface, with types of our own: ECMAScript's have none of it. */
import type { Brand } from "@signstar/primitives/brand";

/** A compiled module. */
export type WasmModule = Brand<object, "WasmModule">;

/** What a module made by `encodeModule` exports. */
export interface WasmInstance {
  readonly memory: ArrayBuffer;
  readonly run: (argument: number) => void;
}

interface WebAssemblyApi {
  readonly Module: new (bytes: Uint8Array<ArrayBuffer>) => WasmModule;
  readonly Instance: new (module: WasmModule) => { readonly exports: object };
}

/** @throws Error if there is no WebAssembly, or it does not take the bytes (no SIMD, for one) */
export function compileModule(bytes: Uint8Array<ArrayBuffer>): WasmModule {
  const { Module } = webAssembly();
  return new Module(bytes);
}

/** With a memory of its own. @throws Error if the module does not export what it should */
export function instantiate(module: WasmModule): WasmInstance {
  const { Instance } = webAssembly();
  const { memory, run }: { memory?: unknown; run?: unknown } = new Instance(module).exports;
  const holder = typeof memory === "object" && memory !== null && "buffer" in memory ? memory : { buffer: undefined };
  if (!(holder.buffer instanceof ArrayBuffer) || !isFunction(run)) throw new TypeError("module exports something else");
  return { memory: holder.buffer, run };
}

function webAssembly(): WebAssemblyApi {
  const api: unknown = Reflect.get(globalThis, "WebAssembly");
  if (!isWebAssembly(api)) throw new TypeError("there is no WebAssembly here");
  return api;
}

function isWebAssembly(value: unknown): value is WebAssemblyApi {
  return typeof value === "object" && value !== null && "Module" in value && "Instance" in value;
}

function isFunction(value: unknown): value is (argument: number) => void {
  return typeof value === "function";
}
