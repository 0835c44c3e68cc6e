/** What a system should have for a config: the outcome of rendering, before anybody has looked at the system. */
import type { SystemUserId } from "@signstar/config/system-user";

export interface DesiredUser {
  readonly name: SystemUserId;
  /** Absolute, as passwd names it. */
  readonly home: string;
  readonly shell: string;
}

/** Owned by root, or by the caller in a tree of the caller's own. */
export interface DesiredFile {
  /** Absolute in the finished system: without the root. */
  readonly path: string;
  readonly content: string;
  readonly mode: number;
}

export interface Desired {
  readonly users: readonly DesiredUser[];
  readonly files: readonly DesiredFile[];
}
