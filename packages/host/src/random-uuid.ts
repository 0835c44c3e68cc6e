import { readFileSync } from "node:fs";

/**
 * A version 4 UUID (RFC 9562) from the kernel, see random(4): asking for it loads nothing, where Web Cryptography is
 * several milliseconds of a program's start.
 */
export function randomUuid(): string {
  try {
    return readFileSync("/proc/sys/kernel/random/uuid", "latin1").trim();
  } catch {
    // A process that is kept from /proc/sys.
    return globalThis.crypto.randomUUID();
  }
}
