/**
 * RSA private operations. OpenSSL offers them only as a call that blocks: with 2048 bits that is a millisecond, with
 * 8192 it is a tenth of a second in which nobody else is answered. Long ones therefore run in worker threads.
 */
import { constants, type KeyObject, privateDecrypt, privateEncrypt } from "node:crypto";
import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";

export type RsaOperation =
  /** Type 1 padding, then the private operation. */
  | { readonly kind: "sign-pkcs1" }
  /** The private operation on a number as long as the modulus. */
  | { readonly kind: "raw" }
  | { readonly kind: "decrypt-oaep"; readonly hash: string };

/** From this many bytes of modulus on. */
const longFrom = 384;

/** Rejects with whatever OpenSSL finds wrong with the input. `size` is that of the modulus in bytes. */
export async function rsaPrivate(
  { privateKey, size }: { readonly privateKey: KeyObject; readonly size: number },
  operation: RsaOperation,
  input: Uint8Array,
): Promise<Uint8Array> {
  const { call, options } = callOf(operation);
  if (size >= longFrom) return inWorker({ call, privateKey, options, input });
  const perform = call === "privateEncrypt" ? privateEncrypt : privateDecrypt;
  return new Uint8Array(perform({ key: privateKey, ...options }, input));
}

interface Call {
  readonly call: "privateEncrypt" | "privateDecrypt";
  readonly options: { readonly padding: number; readonly oaepHash?: string };
}

function callOf(operation: RsaOperation): Call {
  switch (operation.kind) {
    case "sign-pkcs1":
      return { call: "privateEncrypt", options: { padding: constants.RSA_PKCS1_PADDING } };
    case "raw":
      return { call: "privateDecrypt", options: { padding: constants.RSA_NO_PADDING } };
    case "decrypt-oaep":
      return {
        call: "privateDecrypt",
        options: { padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: operation.hash },
      };
  }
}

/** Text, because a program that is bundled into one file has no second file to start a worker from. */
const workerSource = `
const crypto = require("node:crypto");
const { parentPort } = require("node:worker_threads");
parentPort.on("message", ({ call, privateKey, options, input }) => {
  try {
    parentPort.postMessage({ output: new Uint8Array(crypto[call]({ key: privateKey, ...options }, input)) });
  } catch (error) {
    parentPort.postMessage({ error: String(error) });
  }
});
`;

type Reply = { readonly output: Uint8Array } | { readonly error: string };
type Job = Call & { readonly privateKey: KeyObject; readonly input: Uint8Array };

const idle: Worker[] = [];
const waiting: ((worker: Worker) => void)[] = [];
let started = 0;

async function inWorker(job: Job): Promise<Uint8Array> {
  const worker = await freeWorker();
  try {
    const reply = await new Promise<Reply>((resolve) => {
      worker.once("message", resolve);
      worker.postMessage(job);
    });
    if ("error" in reply) throw new Error(reply.error);
    return reply.output;
  } finally {
    const next = waiting.shift();
    if (next === undefined) {
      // An idle one does not keep the program running.
      worker.unref();
      idle.push(worker);
    } else next(worker);
  }
}

async function freeWorker(): Promise<Worker> {
  const free = idle.pop();
  if (free !== undefined) {
    free.ref();
    return free;
  }
  if (started >= availableParallelism()) return new Promise((resolve) => waiting.push(resolve));
  started += 1;
  return new Worker(workerSource, { eval: true, execArgv: [], env: {} });
}
