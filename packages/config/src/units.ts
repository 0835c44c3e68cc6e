import { ConfigError } from "./errors.ts";

const durations = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const sizes = { B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 } as const;

/** `90s`, `30m`, `24h`, `2d` in milliseconds. Throws ConfigError (`invalid`). */
export function parseDuration(text: string, minMs: number, maxMs: number): number {
  return parseQuantity(text, durations, { min: minMs, max: maxMs, example: '"24h"' });
}

/** `512KiB`, `1GiB` in bytes. Throws ConfigError (`invalid`). */
export function parseSize(text: string, min: number, max: number): number {
  return parseQuantity(text, sizes, { min, max, example: '"1GiB"' });
}

function parseQuantity(
  text: string,
  units: Readonly<Record<string, number>>,
  range: { readonly min: number; readonly max: number; readonly example: string },
): number {
  const [, digits, name] = /^([0-9]{1,12})([A-Za-z]+)$/.exec(text) ?? [];
  const unit = name !== undefined && Object.hasOwn(units, name) ? units[name] : undefined;
  if (digits === undefined || unit === undefined) {
    const known = Object.keys(units).join(", ");
    throw new ConfigError(
      "invalid",
      `${JSON.stringify(text)} is not a number with one of ${known}, as in ${range.example}`,
    );
  }
  const value = Number(digits) * unit;
  if (value < range.min || value > range.max) {
    const bounds = `${formatQuantity(range.min, units)} to ${formatQuantity(range.max, units)}`;
    throw new ConfigError("invalid", `${text} is not in ${bounds}`);
  }
  return value;
}

function formatQuantity(value: number, units: Readonly<Record<string, number>>): string {
  const [name, unit] = Object.entries(units).findLast(([, unit]) => value % unit === 0) ?? ["", 1];
  return `${value / unit}${name}`;
}
