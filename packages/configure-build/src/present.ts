/** A target as it is: what a plan starts from. */
import type { BuildRecord } from "./record.ts";

/** A file as it is; `content` is undefined for what is no regular file. */
export interface PresentFile {
  readonly content: string | undefined;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

export interface PresentUser {
  readonly name: string;
  readonly uid: number;
  /** Of the primary group. */
  readonly gid: number;
  readonly home: string;
  readonly shell: string;
  /** The field in shadow. */
  readonly password: string | undefined;
}

export interface Present {
  readonly record: BuildRecord | undefined;
  /** All users and groups of the target. */
  readonly users: readonly PresentUser[];
  readonly groups: readonly { readonly name: string; readonly gid: number }[];
  /** Those of the desired and recorded files that exist, by path. */
  readonly files: ReadonlyMap<string, PresentFile>;
}
