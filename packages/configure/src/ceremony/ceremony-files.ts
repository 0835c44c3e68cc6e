/**
 * Where the ceremonies stand, on disk. What has to outlive a boot (which sets of shares there are, how the last flow
 * ended) lies in /var; what else holders are shown, only in /run.
 */
import { dirname } from "node:path";
import { makeDirectory, writeFileAtomic } from "@signstar/host/atomic-file";
import { type CeremonyState, encodeCeremonyState, readCeremonyState } from "@signstar/host/ceremony-state";
import { equal } from "@signstar/primitives/bytes";
import type { Place } from "../place.ts";

export class CeremonyFiles {
  readonly #place: Place;

  constructor(place: Place) {
    this.#place = place;
  }

  /** Throws HostError (state-unusable). */
  read(): CeremonyState {
    const { sets, last } = this.#lasting();
    const { pending } = readCeremonyState(this.#place.paths.ceremonyState, [this.#place.owner.uid]);
    return { pending, sets, last };
  }

  /** What lasts comes first: a set is known before anything else is said of it. */
  write(state: CeremonyState): void {
    const { ceremonyState, shareSets } = this.#place.paths;
    const lasting = encodeCeremonyState({ ...state, pending: undefined });
    if (!equal(lasting, encodeCeremonyState(this.#lasting()))) this.#replace(shareSets, lasting);
    this.#replace(ceremonyState, encodeCeremonyState(state));
  }

  #lasting(): CeremonyState {
    return readCeremonyState(this.#place.paths.shareSets, [this.#place.owner.uid]);
  }

  #replace(path: string, bytes: Uint8Array): void {
    makeDirectory(dirname(path), 0o755);
    writeFileAtomic(path, bytes, { mode: 0o644, ...this.#place.owner });
  }
}
