/** Who and how a device is; no user is needed. */
import { NetHsmError } from "./errors.ts";
import { count, flag, listOf, object, oneOf, optional, type Reader, text } from "./reader.ts";
import type { Session } from "./session.ts";
import { type SystemState, systemStates } from "./types.ts";

export interface Info {
  readonly vendor: string;
  readonly product: string;
}

const infoReader: Reader<Info> = object({ vendor: text, product: text });

/** GET /info: vendor and product; the release is told to an Administrator only (`system.info`). */
export async function info(session: Session): Promise<Info> {
  return session.json({ method: "GET", path: "/info", auth: "anyone" }, infoReader);
}

export interface Diagnosis {
  readonly clusterLogs: readonly { readonly level: string; readonly msg: string | undefined }[];
  readonly clusterSnapshot:
    | {
        readonly hash: number | undefined;
        readonly revision: number | undefined;
        readonly totalKey: number | undefined;
        readonly totalSize: number | undefined;
        readonly version: string | undefined;
      }
    | undefined;
  readonly clusterState: {
    readonly running: boolean;
    readonly exited: number | undefined;
    readonly signaled: number | undefined;
    readonly stopped: number | undefined;
  };
}

const diagnosisReader: Reader<Diagnosis> = object({
  clusterLogs: listOf(object({ level: text, msg: optional(text) })),
  clusterSnapshot: optional(
    object({
      hash: optional(count),
      revision: optional(count),
      totalKey: optional(count),
      totalSize: optional(count),
      version: optional(text),
    }),
  ),
  clusterState: object({
    running: flag,
    exited: optional(count),
    signaled: optional(count),
    stopped: optional(count),
  }),
});

export class Health {
  readonly #session: Session;

  constructor(session: Session) {
    this.#session = session;
  }

  /** GET /health/alive: whether it is up and not Operational. */
  async alive(): Promise<boolean> {
    return this.#holds("/health/alive");
  }

  /** GET /health/ready: whether it is Operational. */
  async ready(): Promise<boolean> {
    return this.#holds("/health/ready");
  }

  /** GET /health/state. */
  async state(): Promise<SystemState> {
    const reader = object({ state: oneOf(systemStates) });
    return (await this.#session.json({ method: "GET", path: "/health/state", auth: "anyone" }, reader)).state;
  }

  /** GET /health/diagnose (release 5.0): of an Operational device for Administrators only. */
  async diagnose(): Promise<Diagnosis> {
    return this.#session.json({ method: "GET", path: "/health/diagnose", auth: "either" }, diagnosisReader);
  }

  /** The answer is in the status. */
  async #holds(path: string): Promise<boolean> {
    try {
      await this.#session.done({ method: "GET", path, auth: "anyone" });
      return true;
    } catch (error) {
      if (error instanceof NetHsmError && error.code === "wrong-state") return false;
      throw error;
    }
  }
}
