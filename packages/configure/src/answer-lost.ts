import { NetHsmError } from "@signstar/nethsm/errors";

/** Whether a request was sent and nobody knows whether it was done, as when the device goes down or away over it. */
export function isAnswerLost(thrown: unknown): boolean {
  return thrown instanceof NetHsmError && ["connection-lost", "headers-timeout", "body-timeout"].includes(thrown.code);
}

/** For what ends the connection if it is done. Whoever asks has to look afterwards. False if the answer was lost. */
export async function unlessLost(asked: Promise<void>): Promise<boolean> {
  try {
    await asked;
    return true;
  } catch (thrown) {
    if (isAnswerLost(thrown)) return false;
    throw thrown;
  }
}
