/** How people and files write what a device's certificate has to be. */
import { parsePin, showPin, type TlsSecurity } from "@signstar/nethsm/tls";
import { SettingsError } from "./errors.ts";

/**
 * `Unsafe`, `Native` (of either case) or pins: `sha256:HEX,sha256:HEX`. Throws SettingsError `bad-word`, or NetHsmError
 * `bad-pin` for any pin that is none: a mistyped pin must not silently leave fewer.
 */
export function parseTlsSecurity(text: string): TlsSecurity {
  const word = text.toLowerCase();
  if (word === "unsafe" || word === "native") return { mode: word };
  if (!word.startsWith("sha256:")) {
    throw new SettingsError("bad-word", `TLS security ${JSON.stringify(text)} is not known`, {
      hint: "use Unsafe, Native or sha256:HEX[,sha256:HEX…]",
    });
  }
  return { mode: "pinned", sha256: text.split(",").map((pin) => parsePin(pin.trim())) };
}

export function showTlsSecurity(tls: TlsSecurity): string {
  if (tls.mode === "pinned") return tls.sha256.map(showPin).join(",");
  return tls.mode === "unsafe" ? "Unsafe" : "Native";
}
