import { messageOf } from "@signstar/primitives/failure";

/** The system's words for an error, without the path that our message names already. */
export function reason(thrown: unknown): string {
  return messageOf(thrown)
    .replace(/^[A-Z0-9]+: /, "")
    .replace(/, [a-z]+( '[\s\S]*)?$/, "");
}
