/** Where a value stands in a TOML document: keys, and indexes counted from 0. */
export type Path = readonly (string | number)[];

/** `users[3].system_nethsm_backup."odd key"` */
export function formatPath(path: Path): string {
  let text = "";
  for (const part of path) {
    if (typeof part === "number") text += `[${part}]`;
    else text += `${text === "" ? "" : "."}${/^[A-Za-z0-9_-]+$/.test(part) ? part : JSON.stringify(part)}`;
  }
  return text;
}
